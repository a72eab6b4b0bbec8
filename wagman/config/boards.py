"""`[board]` and `[board.NAME]`: the keys of every board's table, and those of the Wagman.

Each other kind of board brings a class of its own, derived from `PlainBoard`, beside the code that speaks to it, and has its
line in `wagman.config.registry`.
"""

import math
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from attrs import field, frozen

from wagman.config import durations
from wagman.config.findings import Finding
from wagman.config.kinds import DURATION, PORT_NAME, SERIAL_PORT, Kind, one_of, whole
from wagman.config.setting import setting
from wagman.config.wagman import PING_AGE_S
from wagman.model.backend import Backend, Readback, Restore
from wagman.model.facts import DEFAULT_BOARD, Port

if TYPE_CHECKING:
    from wagman.config.schema import Config, DeviceConfig

PORT_NAMES = ("nc", "gn", "cs", "x1", "x2")
"""A Wagman's own names of its ports 0 to 4 (firmware)."""

LONGEST_POLL_S = 600.0
"""The longest poll of a Wagman (chosen: a lost poll costs no guest its power).

A Wagman waits for an hour for a heartbeat (firmware). It gets the controller's with a poll, and also that of a guest that it has
not heard for 45 minutes.
"""

CONTROLLER_PORT = 0
"""The port that a Wagman's firmware treats as the node controller's (firmware)."""

RARE_PORT = 2
"""The port whose pin a v4 board reads so rarely that it shows few of the beats (firmware)."""


@frozen(kw_only=True)
class BoardConfig:
    """The keys of every board's table. Class attributes describe the kind; they are no keys."""

    kind: ClassVar[str]
    about: ClassVar[str]  # what the kind is, for the reference page
    port_kind: ClassVar[Kind] = PORT_NAME  # how its ports are named in the file
    selectors: ClassVar[Collection[Port]] = ()  # ports with a boot-media selector of their own
    port_names: ClassVar[Mapping[Port, str]] = {}  # the board's own names of its ports, if they are others
    self_port: ClassVar[Port | None] = None  # the only port that the controller itself may be on; None: any
    hears: ClassVar[bool] = False  # guests on it can beat on its own inputs
    measures: ClassVar[bool] = False  # it has the sensors of the enclosure
    longest_silence_s: ClassVar[float] = math.inf  # no longer silence is ever seen on those inputs
    feeds: ClassVar[bool] = False  # it powers the controller, and wants the controller's heartbeat
    off_time_s: ClassVar[float] = 10.0  # the default for a guest on it
    may_meter: ClassVar[bool] = False  # it may tell how many watts a port draws

    takes_commands: ClassVar[bool] = False  # an operator can send it commands of its own
    hardly_without: ClassVar[Sequence[str]] = ()  # keys with a default that almost every table states
    # What to do if it does not answer, and how a person switches off a port that the service does not look after: `{port}` stands
    # for that, and `{typed}` for what is typed before a raw command to the board.
    if_silent: ClassVar[str] = "look at its power and at the way to it; the service goes on asking"
    how_off: ClassVar[str] = " at the board itself"

    name: str = DEFAULT_BOARD
    poll_s: float = field(
        default=5.0,
        metadata=setting(
            DURATION,
            "How long the service waits before it asks the board for its state again: at most 10min, and at most a third "
            "of any `heartbeat_timeout`.",
        ),
    )

    @property
    def typed(self) -> str:
        """What is typed before a raw command to this board, which without a name goes to the first that takes any."""
        return "wagman board" if self.name == DEFAULT_BOARD else f"wagman board --board {self.name}"

    @property
    def address(self) -> str:
        """Where the board is looked for, for people."""
        raise NotImplementedError

    @property
    def place(self) -> tuple[str, int] | None:
        """The host and the TCP port that the service connects to; None: the board is reached otherwise."""
        return None

    @property
    def unit(self) -> Hashable:
        """What has the ports: equal for two tables that certainly mean the same; None: nobody knows."""
        return None if self.place is None else (self.place[0].lower(), self.place[1])

    @property
    def rare_ports(self) -> Collection[Port]:
        """The ports whose beats the board may show only rarely."""
        return ()

    @property
    def pulses(self) -> bool:
        """Whether the board can switch a port off and on again by itself, by one command. Then what leads to it may be on it."""
        return False

    @property
    def longest_pulse_s(self) -> float:
        """For how long at most the board can keep a port off by such a command."""
        return math.inf

    @property
    def stated_readback(self) -> Readback | None:
        """How the board shows the state of its ports, as far as its table says; None: the board has to be asked."""
        return None

    def findings(self, config: "Config", devices: "Sequence[DeviceConfig]") -> Iterator[Finding]:  # noqa: ARG002
        """What is wrong with the table in a way that only its kind knows.

        A path is that of a key in the table, or `("device", NAME, KEY)`.

        Args:
            config: the whole configuration.
            devices: the guests on this board.
        """
        yield from ()


@frozen(kw_only=True)
class WagmanBoard(BoardConfig):
    """A Wagman: a serial port, and the dialect of its firmware."""

    kind = "wagman"
    about = "A Wagman, of version 3 or 4."
    port_kind = whole(0, 4)
    selectors = (0, 1)
    port_names: ClassVar[Mapping[Port, str]] = dict(enumerate(PORT_NAMES))
    self_port = CONTROLLER_PORT
    hears = measures = feeds = takes_commands = True
    longest_silence_s = PING_AGE_S
    if_silent = "press the board's reset button only if its guests may lose their power; else look at board.dialect and the cable"
    how_off = ": {typed} --force stop {port} 0"

    device: str = field(
        default="/dev/waggle_sysmon",
        metadata=setting(
            SERIAL_PORT, "The serial port of the board, or a pty. The port need not exist yet when the service starts."
        ),
    )
    dialect: str = field(
        default="v3",
        metadata=setting(one_of("v3", "v4", "auto"), "Which dialect the board's firmware speaks; `auto`: the service finds out."),
    )

    @property
    def address(self) -> str:
        """The serial port."""
        return self.device

    @property
    def rare_ports(self) -> Collection[Port]:
        """The port with the slow pin, on a v4 board."""
        return () if self.dialect == "v3" else (RARE_PORT,)

    def findings(self, config: "Config", devices: "Sequence[DeviceConfig]") -> Iterator[Finding]:  # noqa: ARG002
        """The poll must come before the board cuts a guest."""
        if durations.is_shorter(LONGEST_POLL_S, self.poll_s):
            message = (
                f"poll is {durations.show(self.poll_s)}, and must be at most {durations.show(LONGEST_POLL_S)}: "
                "the board cuts what it was not given a heartbeat for in time"
            )
            yield Finding(("poll",), message)


@frozen(kw_only=True)
class PlainBoard(BoardConfig):
    """A board that can be asked one thing at a time: what a port shows, and to switch it."""

    may_meter = True
    # A computer that has crashed draws so little that its supply bridges a short off (seen: Pyronear).
    off_time_s = 30.0

    poll_s: float = field(
        default=10.0,
        metadata=setting(
            DURATION,
            "How long the service waits before it asks the board for its state again: at most the `stop_silence` of any "
            "guest with a heartbeat.",
        ),
    )
    settle_s: float = field(
        default=1.5,
        metadata=setting(
            DURATION,
            "How long after a command the board may still show the old state. The service does not believe what it shows "
            "during that time.",
        ),
    )
    on_restore: Restore = field(
        default="unknown",
        metadata=setting(
            one_of("on", "off", "last", "unknown"),
            "What the board does with its ports when its own power comes back, as you have set it on the board itself.",
        ),
    )

    @property
    def address(self) -> str:
        """The address of the back end."""
        return self.backend().address

    def backend(self) -> Backend:
        """The back end that speaks to the board; it opens nothing before it is first asked."""
        raise NotImplementedError

    def findings(self, config: "Config", devices: "Sequence[DeviceConfig]") -> Iterator[Finding]:  # noqa: ARG002
        """The board must be able to show the state of a port before the patience with its guest ends."""
        for guest in devices:
            if guest.is_self or not guest.has_heartbeat:
                continue
            shown_s = self.poll_s + self.settle_s
            if durations.is_shorter(guest.stop_silence_s, self.poll_s):
                yield _too_slow(guest.name, "stop_silence", guest.stop_silence_s, "poll", self.poll_s)
            if durations.is_shorter(guest.start_timeout_s, shown_s):
                yield _too_slow(guest.name, "start_timeout", guest.start_timeout_s, "poll and settle together", shown_s)


def _too_slow(name: str, key: str, patience_s: float, what: str, lasts_s: float) -> Finding:
    message = (
        f"{key} is {durations.show(patience_s)}, and its board shows what a port does only after {what}, which is "
        f"{durations.show(lasts_s)}: raise {key} or lower {what}"
    )
    return Finding(("device", name, key), message, (("poll",), ("settle",)))


@frozen(kw_only=True)
class UnknownBoard(BoardConfig):
    """Stands for a board whose table cannot be read, which has been noted: nothing more is said of the guests on it."""

    kind = ""
    about = ""


def as_wagman(board: BoardConfig) -> WagmanBoard:
    """The board as a Wagman.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(board, WagmanBoard):
        raise TypeError(board)
    return board
