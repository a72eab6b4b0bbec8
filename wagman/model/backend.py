"""What a board must be able to do so that it can power guests, and what may be believed of what it says."""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from attrs import evolve, field, frozen

from wagman.model.facts import Supply

Readback: TypeAlias = Literal["none", "told", "sensed"]
"""How a board shows whether a port is on: only by its replies; by its own register; by a contact, a meter, a detection."""

Restore: TypeAlias = Literal["on", "off", "last", "unknown"]
"""What the ports of a board do when the power of the board itself comes back."""

BLANK_BOOTS = 0xFFFF_FFFF
"""The boot count of a board whose memory was lost while it ran: it means nothing until the next start makes it 1 (firmware).

It also stands for the count of a board that has none.
"""

FAKE_MAC = "02FACE000000"
"""The MAC address of a fake plug: a configuration with this `id` switches no real plug (chosen: locally administered)."""

RUNS_APART_S = 10
"""Two starts of a board are further apart, in seconds: it boots for 20 s (firmware). Answers about one start differ by less."""


MOST_FIRMWARE_CHARS = 64
"""How many characters of a board's own words about its firmware are kept (chosen: real ones have some twenty)."""


def _short(firmware: str | None) -> str | None:
    return None if firmware is None else firmware[:MOST_FIRMWARE_CHARS]


@frozen
class Identity:
    """Which board this is, how often it has started, and when."""

    board_id: str | None
    boots: int
    firmware: str | None = field(converter=_short)  # None: the board does not tell
    began_s: int | None = None  # when it started, by the board's own clock, right or wrong; None: it does not tell
    anew: bool = field(default=False, eq=False)  # it has certainly restarted since it was last seen, whatever it counts

    @property
    def counted(self) -> int | None:
        """How often the board has started; None: it does not count."""
        return None if self.boots == BLANK_BOOTS else self.boots

    def same_run(self, other: "Identity") -> bool:
        """Whether the board has neither restarted in between nor been replaced (if its id chip can tell).

        The count of its starts is not enough: a board whose memory was lost counts from 1 again.
        """
        return self.agrees(other) and not other.anew

    def with_start_of(self, before: "Identity | None") -> "Identity":
        """This identity with the start time of `before`, which is the same run, if the board does not tell it now."""
        return self if before is None or self.began_s is not None else evolve(self, began_s=before.began_s)

    def agrees(self, other: "Identity") -> bool:
        """Whether no answer contradicts that both are the same run of the same board."""
        ids, boots = (self.board_id, other.board_id), (self.boots, other.boots)
        same_board = None in ids or self.board_id == other.board_id
        same_count = BLANK_BOOTS in boots or self.boots == other.boots
        return same_board and same_count and not _apart(self.began_s, other.began_s)


def _apart(one_s: int | None, other_s: int | None) -> bool:
    return one_s is not None and other_s is not None and abs(one_s - other_s) > RUNS_APART_S


@frozen
class Look:
    """What a board shows of one port."""

    relay: Supply = "unknown"
    watts: float | None = None  # None: no meter, or no reading
    by: str | None = None  # who switched it last, if the board tells


@frozen
class Abilities:
    """What may be believed of a board, and what it does by itself."""

    readback: Readback = "told"
    settle_s: float = 1.5  # how long after a command a reading may not show its effect yet
    meter_w: float | None = None  # from this many watts on something certainly runs; None: there is no meter
    meter_settle_s: float = 50.0  # for how long after a command 0 W of a meter are no evidence
    survives: bool = False  # its relays outlived its latest restart, as it says: they latch, and its own power stayed
    on_restore: Restore = "unknown"
    outlives_service: bool = True  # its ports stay as they are when the service ends
    pulse: bool = False  # it can switch a port off and on again by itself, by one command


class Backend(Protocol):
    """A board that can be asked one thing at a time.

    Every method bounds its own time, and may raise a `BoardError`: the board cannot be reached, does not answer, says no.
    A reply is no evidence. A method may be called again after it was cancelled.
    """

    @property
    def address(self) -> str:
        """Where the board is looked for, for people."""
        ...

    @property
    def abilities(self) -> Abilities:
        """What may be believed of the board; some of it may be known only after `greet`."""
        ...

    async def greet(self) -> Identity:
        """Ask which board it is, and since when it runs.

        Raises:
            StrangerError: another board than the configured one is there; it is never switched.
        """
        ...

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        """What the board shows of each of these ports; a port that it says nothing about is unknown."""
        ...

    async def switch(self, port: str, *, on: bool) -> None:
        """Have the board switch a port."""
        ...


@runtime_checkable
class Pulsing(Protocol):
    """The ability to switch a port off and on again by one command, which the board carries out even if nobody reaches it."""

    async def pulse(self, port: str, off_s: float) -> None:
        """Have the board switch a port off, and on again `off_s` seconds later."""
        ...


class Probe(Protocol):
    """Asks a guest, or a witness, whether it is alive."""

    async def ask(self) -> bool:
        """Ask once, within a bound of its own; returns whether the expected answer came.

        Raises:
            EarError: the question could not be asked. Nothing that a guest does raises.
        """
        ...
