"""What a board must be able to do, at least, so that it can power guests; and what may be believed of what it says."""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from attrs import evolve, field, frozen

from wagman.model.facts import Supply

Readback: TypeAlias = Literal["none", "told", "sensed"]
"""How a board shows whether a port is on: only by its replies; from its own register; by a contact, a meter, a detection."""

Restore: TypeAlias = Literal["on", "off", "last", "unknown"]
"""What the ports of a board do when the power of the board itself comes back."""

BLANK_BOOTS = 0xFFFF_FFFF
"""What a board counts whose memory was lost while it runs: it tells nothing, until the next start makes it 1 (firmware).

It stands for the count of a board that has none as well.
"""

FAKE_MAC = "02FACE000000"
"""The MAC address of a fake plug: whoever names it as `id` switches no real one (chosen: locally administered)."""

RUNS_APART_S = 10
"""Two starts of a board are further apart: it boots for 20 s (firmware); an answer when it started may be off by less."""


@frozen
class Identity:
    """Which board this is, how often it has started, and when."""

    board_id: str | None
    boots: int
    firmware: str | None  # None: the board does not tell
    began_s: int | None = None  # by the board's own clock, whatever that shows; None where it does not tell
    anew: bool = field(default=False, eq=False)  # it has certainly restarted since it was last seen, whatever it counts

    @property
    def counted(self) -> int | None:
        """How often it has started; None where nobody counts."""
        return None if self.boots == BLANK_BOOTS else self.boots

    def same_run(self, other: "Identity") -> bool:
        """The board has not restarted in between, nor been replaced (where its id chip can tell).

        The count of its starts is not enough: a board whose memory was lost counts from 1 again.
        """
        return self.agrees(other) and not other.anew

    def with_start_of(self, before: "Identity | None") -> "Identity":
        """The same run as before: where the board does not tell when it began, what it told then stands."""
        return self if before is None or self.began_s is not None else evolve(self, began_s=before.began_s)

    def agrees(self, other: "Identity") -> bool:
        """Nothing in what was told speaks against it."""
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
    watts: float | None = None  # None: nothing meters it
    by: str | None = None  # who switched it last, where the board tells


@frozen
class Abilities:
    """What may be believed of a board, and what it does by itself."""

    readback: Readback = "told"
    settle_s: float = 1.5  # so long after a command a reading may not show it yet
    meter_w: float | None = None  # from so many watts on something certainly runs; None: it has no meter
    meter_settle_s: float = 50.0  # for so long after a command 0 W are no evidence, where it has a meter
    survives: bool = False  # its relays outlived its latest restart, as it tells: they latch, and its own power stayed
    on_restore: Restore = "unknown"
    outlives_service: bool = True  # its ports stay as they are when the service ends
    pulse: bool = False  # it can switch a port off and on again by itself, in one command


class Backend(Protocol):
    """A board that can be asked one thing at a time.

    Every method bounds its own time, and may raise a `BoardError`: the board cannot be reached, does not answer, says no.
    A reply is no evidence. A method may be called again after it was cancelled.
    """

    @property
    def address(self) -> str:
        """Where it is looked for, for people."""
        ...

    @property
    def abilities(self) -> Abilities:
        """What may be believed of it; may become known with `greet` only."""
        ...

    async def greet(self) -> Identity:
        """Ask which board it is, and since when it runs.

        Raises:
            StrangerError: another one than the configured is there; it is never switched.
        """
        ...

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        """What it shows of each of these ports; what it does not tell of is unknown."""
        ...

    async def switch(self, port: str, *, on: bool) -> None:
        """Have it switch a port."""
        ...


@runtime_checkable
class Pulsing(Protocol):
    """The ability to switch a port off and on again in one command, which the board carries out though nobody reaches it."""

    async def pulse(self, port: str, off_s: float) -> None:
        """Have it switch a port off, and on again `off_s` later."""
        ...


class Probe(Protocol):
    """A question to a guest, or to a witness, whether it is alive."""

    async def ask(self) -> bool:
        """Ask once, within a bound of its own; False: nobody answered as expected. It raises for nothing that a guest does."""
        ...
