"""A rail of plugs of the simulated node: fake outlets behind a back end that can have each of the known faults.

What may happen to it, in words:

restart cold | warm              its own power, or its processor alone
fault weld PORT on | off         a contact does not move any more
fault power PORT on | off        a contact moves by itself
fault replayed                   a broker gives it once more what it was told last
fault NAME on | off              one of the faults of `wagman.fake.plain`: its class, in small letters
hang, panic, revive, halt PORT | guest PORT KEY=VALUE,...   of the guest, as of the fake board
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from random import Random

import trio
from attrs import define, evolve, field

from wagman.config.boards import BoardConfig, PlainBoard
from wagman.config.schema import DeviceConfig
from wagman.fake.guests import Guest, GuestSpec, GuestSpecError
from wagman.fake.hardware import DirtyCut, RelayChange
from wagman.fake.plain import (
    FakePlugs,
    Flaky,
    Hangs,
    Late,
    MeterLies,
    Neighbour,
    NotDone,
    PendingLost,
    Refuses,
    ReplyLost,
    Stale,
    Stranger,
)
from wagman.fake.plain.plugs import METERED
from wagman.io.board.connection import Connector
from wagman.io.board.plain import Plain
from wagman.model.backend import Abilities, Backend, Identity, Look
from wagman.model.errors import BoardTimeoutError, CallerError, StrangerError
from wagman.model.facts import Port
from wagman.simulation.boards.board import End, Onlookers
from wagman.simulation.boards.outlet import Outlet
from wagman.simulation.scene_port import BEAT_S

OUTLETS = ("0", "1", "2", "3")
"""The outlets of each rail (chosen)."""

STALE_S = 60.0
"""How old shown readings may be (chosen: less than any patience with a guest)."""

STRANGE = "another unit"
"""The id of the unit that takes a rail's address."""


@define(eq=False)
class Reached(Flaky):
    """The back end in one life of the service. It recognises other units at its address, as real ones do by an id."""

    end: End = field(kw_only=True)
    board_id: str = field(kw_only=True)
    asked: Callable[[str, bool], None] = field(kw_only=True)
    pulsed: Callable[[str], None] = field(kw_only=True)
    is_reached: Callable[[], bool] = field(kw_only=True)

    @property
    def abilities(self) -> Abilities:
        """See `Backend`. A planted defect shows here, where the driver contains none: it is to make the board's task fail."""
        self.end.fail()
        return super().abilities

    def _check(self) -> None:
        try:
            self.end.check()
        except OSError as error:
            raise BoardTimeoutError(str(error)) from error
        if not self.is_reached():
            raise BoardTimeoutError(f"what leads to {self.address} has no power")

    async def greet(self) -> Identity:
        """See `Backend`.

        Raises:
            StrangerError: it is another unit.
        """
        self._check()
        identity = await self.inner.greet()
        if identity.board_id != self.board_id:
            raise StrangerError(f"{identity.board_id} answers at {self.address}, and not {self.board_id}: it is not switched")
        return identity

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        """See `Backend`."""
        self._check()
        return await self.inner.look(ports)

    async def switch(self, port: str, *, on: bool) -> None:
        """See `Backend`."""
        self._check()
        self.asked(port, on)
        await self.inner.switch(port, on=on)

    async def pulse(self, port: str, off_s: float) -> None:
        """See `Pulsing`."""
        self._check()
        self.pulsed(port)
        await super().pulse(port, off_s)


@define(eq=False, repr=False)
class Rail:
    """The plugs, the faults in front of them, and the guests."""

    config: PlainBoard
    devices: Sequence[DeviceConfig]  # those on it
    rng: Random
    onlookers: Onlookers
    is_reached: Callable[[], bool] = lambda: True
    plugs: FakePlugs = field(init=False)
    outlets: Mapping[Port, Outlet] = field(init=False)
    faults: dict[str, Flaky] = field(init=False, factory=dict)  # by name; `share` says whether each shows
    _told: dict[Port, frozenset[bool]] = field(init=False, factory=dict)  # the states last asked for, by outlet
    _strays: set[str] = field(init=False, factory=set)  # outlets that are being switched in place of others

    def __attrs_post_init__(self) -> None:
        names = dict.fromkeys((*OUTLETS, *(str(device.port) for device in self.devices)))
        guests = {name: Guest(name) for name in names}
        for device in self.devices:
            guests[str(device.port)].spec = self._spec(device)
        self.plugs = FakePlugs(guests, self._abilities, self.config.name, self.config.name, observe=self._moved)
        self.outlets = {name: Outlet(each.guest, each.relay) for name, each in self.plugs.outlets.items()}

    @property
    def _abilities(self) -> Abilities:
        kind = METERED if self.config.kind == "shelly" else Abilities()
        return evolve(kind, settle_s=self.config.settle_s, pulse=self.config.pulses)

    def _spec(self, device: DeviceConfig) -> GuestSpec:
        return evolve(GuestSpec(), beat_s=GuestSpec().beat_s if device.has_heartbeat else 0.0)

    @property
    def hears(self) -> Collection[Port]:
        """All outlets: the guests have ears of their own, and need not beat over the control socket."""
        return self.outlets

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the tasks of delayed commands."""
        async with trio.open_nursery() as nursery:
            self._stack(nursery)
            task_status.started()
            await trio.sleep_forever()

    def _stack(self, nursery: trio.Nursery) -> None:
        """Stack the faults, the worst ones outermost."""
        rng, names = self.rng, list(self.plugs.outlets)
        self.plugs.nursery = nursery
        for device in self.devices:
            if device.leads_to:
                self.plugs.set(str(device.port), "board", on=True)
                self.plugs.restore = "on"  # as documented: a rail that restarts has forgotten its timers
        guests = {name: Guest(name) for name in names}
        other = FakePlugs(guests, board_id=STRANGE, address=self.config.name, observe=self._other_moved)
        for name in names:
            other.set(name, "board", on=True)
        last: Backend = self.plugs
        beside = dict(zip(names, (*names[1:], names[0]), strict=True))
        makers: dict[str, Callable[[Backend], Flaky]] = {
            "neighbour": lambda inner: Neighbour(inner, rng, share=0.0, beside=beside, strays=self._strays),
            "notdone": lambda inner: NotDone(inner, rng, share=0.0),
            "late": lambda inner: Late(inner, rng, share=0.0, nursery=nursery),
            "pendinglost": lambda inner: PendingLost(inner, rng, share=0.0, nursery=nursery),
            "stale": lambda inner: Stale(inner, rng, share=0.0, age_s=STALE_S),
            "meterlies": lambda inner: MeterLies(inner, rng, share=0.0),
            "refuses": lambda inner: Refuses(inner, rng, share=0.0),
            "replylost": lambda inner: ReplyLost(inner, rng, share=0.0),
            "hangs": lambda inner: Hangs(inner, rng, share=0.0),
            "stranger": lambda inner: Stranger(inner, rng, share=0.0, other=other),
        }
        for name, make in makers.items():
            last = self.faults[name] = make(last)

    def connector(self, end: End, config: BoardConfig) -> Connector:
        """Return the way to it, for one life of the service."""
        inner = self.faults["stranger"]
        reached = Reached(
            inner,
            self.rng,
            end=end,
            board_id=self.config.name,
            asked=self._asked,
            pulsed=self._pulsed,
            is_reached=self.is_reached,
        )
        return Plain(config.kind, reached)

    # --- What is seen --------------------------------------------------------------------------------------------

    def _asked(self, port: str, on: bool) -> None:  # noqa: FBT001 - a callback
        self._told[port] = frozenset((on,))
        self.onlookers.sent("start" if on else "disable", port)

    def _pulsed(self, port: str) -> None:
        self._told[port] = frozenset((False, True))
        self.onlookers.sent("disable", port)
        self.onlookers.sent("pulse", port)

    def _moved(self, change: RelayChange | DirtyCut) -> None:
        """Report a move. One that nobody asked of this outlet, or not last, loses its request, although a command caused it."""
        if isinstance(change, RelayChange) and self._is_stray(change):
            change = evolve(change, request=None)
        self.onlookers.moved(change)

    def _is_stray(self, change: RelayChange) -> bool:
        return change.on not in self._told.get(change.port, ()) or change.port in self._strays

    def _other_moved(self, change: RelayChange | DirtyCut) -> None:
        if isinstance(change, RelayChange) and change.by == "command":
            self.onlookers.strange(change)

    def can_be_seen(self, port: Port) -> bool:
        """Return whether its contact follows."""
        return not self.outlets[port].relay.stuck

    def medium(self, port: Port) -> str | None:  # noqa: ARG002 - of no port
        """Return None: nothing selects."""
        return None

    def apart_s(self, port: Port) -> float:  # noqa: ARG002 - of any port
        """Return the time between beats of any guest."""
        return BEAT_S

    # --- What happens --------------------------------------------------------------------------------------------

    def happens(self, words: str) -> None:
        """See the module."""
        match words.split():
            case ["restart", "cold" | "warm" as how]:
                self.plugs.restart(cold=how == "cold")
            case ["fault", *rest]:
                self._fault(rest)
            case ["hang" | "panic" | "revive" | "halt" as what, port] if port in self.outlets:
                getattr(self.outlets[port].guest, what)(self.onlookers.now_s())
            case ["guest", port, keys] if port in self.outlets:
                with suppress(GuestSpecError):
                    guest = self.outlets[port].guest
                    guest.change(self.onlookers.now_s(), guest.spec.changed(keys))
            case _:
                raise CallerError(f"'board {words}': nobody knows what that is")

    def _fault(self, words: list[str]) -> None:
        match words:
            case ["weld", port, "on"] if port in self.outlets:
                self.plugs.weld(port)
            case ["weld", port, "off"] if port in self.outlets:
                self.plugs.mend(port)
            case ["power", port, "on" | "off" as how] if port in self.outlets:
                self.plugs.set(port, "fault", on=how == "on")
            case ["replayed"]:
                for name, asked in self._told.items():
                    self.plugs.set(str(name), "fault", on=True in asked)
            case [name, "on" | "off" as how] if name in self.faults:
                self.faults[name].share = float(how == "on")
            case _:
                raise CallerError(f"'fault {' '.join(words)}': nobody knows what that is")

    def way(self, words: str) -> None:
        """Take the way to it away, or give it back."""
        if words not in ("out", "in"):
            raise CallerError(f"'cable {words}': nothing is known of such a cable")
        self.faults["hangs"].share = float(words == "out")

    def halt(self, port: Port) -> bool:
        """Ask the guest of an outlet to shut down."""
        return self.outlets[port].guest.halt(self.onlookers.now_s())

    def catch_up(self) -> None:
        """Switch on what has been off for long enough: a rail says nothing by itself, but its timers run."""
        self.plugs.catch_up()

    def mend(self, doomed: Collection[Port]) -> None:
        """End all faults."""
        for fault in self.faults.values():
            fault.share = 0.0
        for name in self.plugs.outlets:
            self.plugs.mend(name)
        for device in self.devices:
            if device.leads_to:
                self.plugs.set(str(device.port), "fault", on=True)  # somebody goes there and presses the button
            if device.port not in doomed:
                keys = f"boot=30,beat={self._spec(device).beat_s:g},halt=10,hush=0,ignore=0,good=emmc+sd,flap=0"
                self.happens(f"guest {device.port} {keys}")
