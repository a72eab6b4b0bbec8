"""The configuration as immutable classes: what the rest of the program sees.

Each attribute carries its `Setting`: the kind of its value, what it is for, and where its number comes from. The loader
and the reference page are both driven by these, so that neither can fall behind. A key has the name of its attribute,
without the `_s` of a duration; if not, the setting says so.

Every duration is in seconds. The numbers are those of the seed note if it names one ("seed"), of the board's
firmware if that forces one ("firmware"), and otherwise chosen ("chosen").
"""

from typing import Any

from attrs import field, frozen

from wagman.config.boards import BoardConfig, WagmanBoard
from wagman.config.ears import EarConfig, StillDraws
from wagman.config.enclosure import EnvironmentConfig
from wagman.config.kinds import (
    BOARD_NAMES,
    BOOLEAN,
    COMMAND,
    DURATION,
    HEARING,
    NAMES,
    PORT_NAME,
    STILL_ON,
    TEXT,
    WITNESS,
    one_of,
    whole,
)
from wagman.config.service import ServiceConfig
from wagman.config.setting import setting
from wagman.config.wagman import MEDIA
from wagman.model.facts import DEFAULT_BOARD, Plug
from wagman.model.order import in_order


@frozen
class WagmanConfig:
    """`[wagman]`: the scheduler."""

    start_order: tuple[str, ...] = field(
        default=(),
        metadata=setting(
            NAMES,
            "The order in which guests start, as far as `after` allows. Guests that the list does not name come last, in "
            "the order of their ports.",
        ),
    )
    stagger_s: float = field(
        default=5.0, metadata=setting(DURATION, "The shortest time between two relays that go on, whoever asked for it.")
    )
    normal_interval_s: float = field(
        default=60.0, metadata=setting(DURATION, "How often the scheduler looks for guests that should start.", "seed")
    )
    hibernate_interval_s: float = field(
        default=30.0,
        metadata=setting(
            DURATION,
            "How long the scheduler waits after it stopped one guest before it stops the next, while all guests are taken down.",
            "seed",
        ),
    )
    hibernate_min_s: float = field(
        default=900.0, metadata=setting(DURATION, "The shortest time that guests stay down after heat.")
    )
    first_verdict_s: float = field(
        default=300.0,
        metadata=setting(
            DURATION,
            "How long the first start waits, at most, until the sensors have shown whether the enclosure is within its bounds.",
        ),
    )


@frozen
class NetworkConfig:
    """`[network.NAME]`: a way through which guests are heard, and the witnesses that show that it works."""

    name: str
    witnesses: tuple[EarConfig, ...] = field(
        default=(),
        metadata=setting(
            WITNESS,
            "Who answers as long as the network works, and is no guest; any one witness is enough. A guest that does not "
            "answer counts as silent only if a witness answers that was asked after the guest.",
            key="witness",
        ),
    )


@frozen
class DeviceConfig:
    """`[device.NAME]` over `[defaults]`: one guest (or, with `is_self`, the node controller itself)."""

    name: str
    port: Any = field(  # a `Port`: a number on a Wagman, text on any other board
        metadata=setting(
            PORT_NAME,
            "The port of the board that powers the guest. Each guest has a port of its own. On a Wagman the port is a "
            "whole number from 0 to 4; on other boards it is what that board calls it.",
            "firmware",
        )
    )
    board: str = field(
        default=DEFAULT_BOARD,
        metadata=setting(
            TEXT, "The name of the board that powers the guest. If there is only one board, you may leave this out."
        ),
    )
    is_self: bool = field(
        default=False,
        metadata=setting(
            BOOLEAN,
            "Whether this is the computer that the service runs on: the service never switches its power. On a Wagman "
            "this computer is on port 0, and the service sends the board a heartbeat for it.",
            key="self",
        ),
    )
    enabled: bool = field(
        default=True,
        metadata=setting(
            BOOLEAN,
            "`false` keeps the guest off, whatever was decided before: the service asks it to halt, switches it off, and "
            "nobody can start it.",
        ),
    )
    after: tuple[str, ...] = field(
        default=(),
        metadata=setting(
            NAMES,
            "The guests that this guest needs: it starts after them, and they stop after it. It does not wait for a guest "
            "that should not run, nor longer than the start of that guest may take: see [one after the "
            "other](how-it-works.md#one-after-the-other).",
        ),
    )
    leads_to: tuple[str, ...] = field(
        default=(),
        metadata=setting(
            BOARD_NAMES,
            "The boards that are reached through this guest: it is their switch, router or access point. Its power never "
            "stays off, not even in a hibernation, unless an operator uses `--force`. If its own board is one of them, "
            "that board must be of a kind that switches a port off and on by one command: see [what leads to a "
            "board](several-boards.md#what-leads-to-a-board).",
        ),
    )
    hears_board: bool = field(
        default=True,
        metadata=setting(
            HEARING,
            "Whether the guest gives signs of life, and how it is heard. `true`: on the board's own input, which a Wagman "
            "has. Of several ears, any one is enough. `false`: the guest counts as started once its relay is on.",
            key="heartbeat",
        ),
    )
    ears: tuple[EarConfig, ...] = ()  # of `heartbeat`, too; each with the network that it is heard through
    network: str | None = field(
        default=None,
        metadata=setting(
            TEXT,
            "The name of the network that the guest is heard through. If there is only one network, you may leave this "
            "out. `none`: the guest's silence counts although nobody shows that the network works. This is right only for "
            "an uplink; `heartbeat_timeout` must then be 30min or more.",
        ),
    )
    still_on: EarConfig | StillDraws | None = field(
        default=None,
        metadata=setting(
            STILL_ON,
            "What else has to be silent before the service takes the guest for halted: a guest's programs end long before "
            "the guest has halted.",
        ),
    )
    primary: str | None = field(
        default=None,
        metadata=setting(
            one_of(*MEDIA),
            "The medium that the guest boots from; the other medium is for recovery. Only ports 0 and 1 have media; "
            'there, "emmc" is the default.',
            "firmware",
        ),
    )
    shutdown: tuple[str, ...] | None = field(
        default=None,
        metadata=setting(
            COMMAND,
            "The command that asks the guest to halt. `[]`: the service cuts the power without asking. Every guest needs "
            "one or the other.",
        ),
    )
    restart: tuple[str, ...] | None = field(
        default=None,
        metadata=setting(
            COMMAND,
            "The command that asks the guest to halt when its power will come back. Without `restart`, `shutdown` is "
            "used; `[]` is allowed only if `shutdown` is `[]`.",
        ),
    )
    start_timeout_s: float = field(
        default=120.0,
        metadata=setting(
            DURATION,
            "How long a start may take, from the relay that goes on to the first heartbeat. This time doubles after each "
            "failed start.",
            "seed",
        ),
    )
    start_timeout_max_s: float = field(
        default=480.0,
        metadata=setting(DURATION, "The longest time that `start_timeout` grows to: long enough for a long file system check."),
    )
    heartbeat_timeout_s: float = field(
        default=300.0,
        metadata=setting(
            DURATION, "If a started guest is silent for this long, the service stops it and starts it again.", "seed"
        ),
    )
    stop_timeout_s: float = field(
        default=600.0,
        metadata=setting(
            DURATION,
            "The longest time that a stop takes; then the service cuts the power, even if the guest still gives heartbeats.",
            "seed",
        ),
    )
    stop_silence_s: float = field(
        default=60.0,
        metadata=setting(
            DURATION, "How long a guest that was asked to halt has to be silent before the service takes it for halted.", "seed"
        ),
    )
    shutdown_resend_s: float = field(
        default=10.0,
        metadata=setting(DURATION, "The shortest time between two shutdown messages while the guest still gives heartbeats."),
    )
    off_time_s: float = field(
        default=10.0,
        metadata=setting(
            DURATION,
            "The shortest time that the guest's power stays off. On a Wagman the default is 10s, on other boards 30s: a "
            "computer that has crashed draws so little that its power supply bridges a short off.",
        ),
    )
    settle_s: float = field(
        default=5.0, metadata=setting(DURATION, "How long after power off the service ignores heartbeats: they are echoes.")
    )
    beat_interval_s: float = field(
        default=10.0,
        metadata=setting(
            DURATION,
            "How often the board shows the guest's heartbeats. `heartbeat_timeout` and `stop_silence` must be three times "
            "as long, or longer. On port 2 of a board that is no v3 board, the default is 75 s (and `stop_silence` is 3 "
            "min 45 s): see [heartbeats by pin](boards.md#heartbeats-by-pin-on-a-v4-board).",
        ),
    )
    adopt_window_s: float = field(
        default=90.0,
        metadata=setting(
            DURATION,
            "If no state of the guest was saved: how long the guest may show that it runs before the service touches its power.",
        ),
    )
    command_timeout_s: float = field(
        default=15.0, metadata=setting(DURATION, "How long the `shutdown` or `restart` command of the guest may run.")
    )
    allowed_attempts: int = field(
        default=3,
        metadata=setting(
            whole(1), "How many starts from the primary medium the service tries before it tries the recovery medium."
        ),
    )
    recover_attempts: int = field(
        default=3,
        metadata=setting(
            whole(0),
            "How many starts from the recovery medium fail before the service reports the guest as unrecoverable. The "
            "service goes on trying.",
        ),
    )
    backoff_min_s: float = field(
        default=60.0,
        metadata=setting(
            DURATION,
            "How long the service waits after the first failed start. This time doubles after each further failed start.",
        ),
    )
    backoff_max_s: float = field(
        default=3600.0, metadata=setting(DURATION, "The longest time that the service waits between two starts.")
    )
    stable_after_s: float = field(
        default=600.0,
        metadata=setting(
            DURATION,
            "A guest that has been up for this long, with a heartbeat at the end of this time, is stable: its failures "
            "are forgotten.",
        ),
    )

    @property
    def plug(self) -> Plug:
        """The guest's outlet."""
        return Plug(self.board, self.port)

    @property
    def has_heartbeat(self) -> bool:
        """Whether the guest gives signs of life."""
        return self.hears_board or bool(self.ears)


@frozen
class Config:
    """A whole configuration, checked."""

    boards: tuple[BoardConfig, ...] = (WagmanBoard(),)  # in the order of the file
    service: ServiceConfig = field(factory=ServiceConfig)
    wagman: WagmanConfig = WagmanConfig()
    environment: EnvironmentConfig = field(factory=EnvironmentConfig)
    networks: tuple[NetworkConfig, ...] = ()  # in the order of the file
    devices: tuple[DeviceConfig, ...] = ()  # by board, and by port on each

    @property
    def guests(self) -> tuple[DeviceConfig, ...]:
        """The guests that have a machine: all but the controller itself, in the order in which they are started."""
        by_name = {device.name: device for device in self.devices if not device.is_self}
        named = [name for name in self.wagman.start_order if name in by_name]
        after = {device.name: device.after for device in by_name.values() if device.after}
        names = dict.fromkeys((*named, *by_name))
        return tuple(by_name[name] for name in (in_order(names, after) if after else names))

    @property
    def enclosure(self) -> str | None:
        """The name of the board whose sensors show the enclosure: the first that has any; None: none has."""
        return next((board.name for board in self.boards if board.measures), None)

    def board_named(self, name: str) -> BoardConfig:
        """The board of that name; raises KeyError if there is none."""
        return {board.name: board for board in self.boards}[name]

    def board_of(self, device: DeviceConfig) -> BoardConfig:
        """The board that the guest is on."""
        return self.board_named(device.board)

    def devices_on(self, board: str) -> tuple[DeviceConfig, ...]:
        """The guests on the board of that name, with the controller, by port."""
        return tuple(device for device in self.devices if device.board == board)
