"""How guests are heard by other means than their board's own input: their ears, the networks, and the sources heard so far."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Protocol

from attrs import define, field

from wagman.config.ears import NO_NETWORK, EarConfig, StillDraws
from wagman.config.schema import Config, DeviceConfig
from wagman.io.ears.ear import Listening
from wagman.io.ears.hearing import Hearing, Source
from wagman.io.ears.making import ear_of, network_of
from wagman.io.ears.network import Network
from wagman.io.ears.passive import Shared
from wagman.model import shapes
from wagman.model.backend import Probe
from wagman.model.facts import Answered, Beat, Draft, Listened, PortFact
from wagman.service.meter import METER, Meter
from wagman.service.recollection import Heard
from wagman.service.routes import Routes
from wagman.service.status import age_s
from wagman.store import Journal
from wagman.store.remembered import heard_key
from wagman.tasks.guest import Guest

ON_BOARD = "board"
"""The name of the board's own input among the sources of a guest."""

HALTING = frozenset({"stopping", "restarting"})
"""States in which a guest is asked to halt."""


class Task(Protocol):
    """The task of one ear, or of several that share something."""

    progress_s: float

    async def run(self) -> None:
        """Run until cancelled."""
        ...


@define(eq=False, repr=False)
class Hearings:
    """The sources of all guests that have an ear or a `still_on`.

    Args:
        stirs: takes the guest and the time of a beat that an ear heard, as evidence for the power of the guest's outlet.
        watts: gives what a guest's outlet draws in W, as its board showed it last.
        shared: what several ears use together, such as one connection to a broker.
        noted: called when a source was heard for the first time, so that the file beside the log is written, too.
    """

    config: Config
    guests: Mapping[str, Guest]
    journal: Journal
    stirs: Callable[[DeviceConfig, float], None]
    watts: Callable[[DeviceConfig], float | None]
    shared: Shared
    noted: Callable[[], None]
    networks: dict[str, Network] = field(init=False)
    ears: dict[str, list[Listening]] = field(factory=dict, init=False)  # by guest
    _hearings: dict[str, Hearing] = field(factory=dict, init=False)
    _on_board: dict[str, Source] = field(factory=dict, init=False)
    _meters: dict[str, Meter] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.networks = {
            each.name: network_of(each.name, each.witnesses, self._note, self.shared) for each in self.config.networks
        }
        for name, guest in self.guests.items():
            self._make(name, guest)

    def _make(self, name: str, guest: Guest) -> None:
        config = guest.config
        hearing = self._hearings[name] = Hearing(
            partial(self._tell, guest), lambda: guest.state.name in HALTING, lambda _source: self._remember(name)
        )
        if config.hears_board:
            self._on_board[name] = hearing.add(ON_BOARD, heard=True)
        self.ears[name] = [self._ear(each, config, hearing.add(each.source, heard=False)) for each in config.ears]
        match config.still_on:
            case StillDraws():
                self._meters[name] = Meter(hearing.add(METER, heard=False, still_on=True), config.still_on.watts)
            case EarConfig() as ear:
                self.ears[name].append(self._ear(ear, config, hearing.add(ear.source, heard=False, still_on=True)))

    def _ear(self, ear: EarConfig, config: DeviceConfig, source: Source) -> Listening:
        network = ear.network or config.network or NO_NETWORK
        return ear_of(ear, config.name, source, self.networks.get(network), self.shared)

    def look(self, name: str) -> None:
        """Have the ears of a guest listen at once, not only when their turn comes."""
        for ear in self.ears.get(name, ()):
            ear.look()

    # What is heard -----------------------------------------------------------

    def from_board(self, name: str, fact: PortFact) -> None:
        """Take a fact about a guest's port from its board. What the board heard counts only for guests that beat on the board."""
        guest, on_board = self.guests[name], self._on_board.get(name)
        match fact:
            case Beat():
                if on_board is not None:
                    on_board.beat(fact, fact.at_s)
            case Listened():
                if on_board is not None:
                    on_board.listened(fact)
            case _:
                if isinstance(fact, Answered) and name in self._meters:
                    self._meters[name].saw(fact.asked_at_s, self.watts(guest.config))
                guest.tell(fact)

    def _tell(self, guest: Guest, fact: PortFact) -> None:
        if isinstance(fact, Beat):
            self.stirs(guest.config, fact.at_s)
        guest.tell(fact)

    def _note(self, draft: Draft) -> None:
        self.journal.record([(draft, None)])

    # What is remembered ------------------------------------------------------

    def recall(self, *places: Heard) -> None:
        """Restore which sources were ever heard. `places` are the log and the file beside it, either of which may be lost or old.

        A source whose address has changed since counts as a new one.
        """
        for name, hearing in self._hearings.items():
            told = [place.get(name, ()) for place in places]
            for source in hearing.sources:
                source.heard |= any(source.name in names for names in told)
            if not all({*self._heard(name)} <= {*names} for names in told):
                self._remember(name)

    def _remember(self, name: str) -> None:
        self.journal.record([], {heard_key(name): self._heard(name)})
        self.noted()

    def _heard(self, name: str) -> list[str]:
        return sorted(source.name for source in self._hearings[name].sources if source.heard and source.name != ON_BOARD)

    def ever_heard(self) -> Heard:
        """Return the sources that ever heard each guest, to be kept beside the log."""
        return {name: tuple(heard) for name in self._hearings if (heard := self._heard(name))}

    # The tasks ---------------------------------------------------------------

    def tasks(self) -> Iterator[tuple[str, Task]]:
        """All tasks of ears and networks, with their names."""
        yield from ((f"network.{name}", network) for name, network in self.networks.items())
        for name, ears in self.ears.items():
            yield from ((f"ear.{name}.{number}", ear) for number, ear in enumerate(ears, 1))
        yield from ((f"ear.{kind}.{at}", task) for (kind, at), task in self.shared.tasks.items())

    # What is shown -----------------------------------------------------------

    def shown(self, name: str, now_s: float) -> list[shapes.Source]:
        """The rows of a guest's sources in the status."""
        ears = {ear.source.name: ear for ear in self.ears.get(name, ())}
        hearing = self._hearings.get(name)
        return [self._source(each, ears.get(each.name), now_s) for each in (hearing.sources if hearing else ())]

    def _source(self, source: Source, ear: Listening | None, now_s: float) -> shapes.Source:
        return {
            "name": source.name,
            "heard": source.heard,
            "age_s": age_s(None if ear is None else ear.heard_at_s, now_s),
            "trouble": None if ear is None else ear.trouble,
            "still_on": source.still_on,
        }

    def shown_networks(self) -> list[shapes.Network]:
        """The rows of the networks in the status."""
        return [{"name": name, "unproved": network.unproved} for name, network in self.networks.items()]


def joined(
    config: Config, guests: Mapping[str, Guest], journal: Journal, routes: Routes, probe: Callable[[EarConfig], Probe]
) -> Hearings:
    """Make the sources of all guests that have an ear, and connect them between the boards and these guests.

    `probe` makes what an ear asks a guest with.
    """

    def stirs(guest: DeviceConfig, at_s: float) -> None:
        routes.boards[guest.board].heard(guest.port, at_s)

    def watts(guest: DeviceConfig) -> float | None:
        return routes.boards[guest.board].watts(guest.port)

    recollection = routes.recollection
    heard = {name: guest for name, guest in guests.items() if guest.config.ears or guest.config.still_on}
    hearings = Hearings(config, heard, journal, stirs, watts, Shared(probe), recollection.file.keeper.note)
    recollection.recall_heard, recollection.file.ever_heard = hearings.recall, hearings.ever_heard
    routes.listen = hearings.look
    for name, guest in heard.items():
        routes.hear_through(guest.config.plug, partial(hearings.from_board, name))
    return hearings
