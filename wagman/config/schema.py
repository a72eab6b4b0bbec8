"""The configuration as immutable classes: what the rest of the program sees.

Each attribute carries its `Setting`: the kind of its value, what it is for, and where its number comes from. The loader
and the reference page are both driven by these, so that neither can fall behind. A key has the name of its attribute,
without the `_s` of a duration; if not, the setting says so.

Every duration is in seconds. The numbers are those of the seed note if it names one ("seed"), of the board's
firmware if that forces one ("firmware"), and otherwise chosen ("chosen").
"""

from collections.abc import Mapping
from typing import Any, Literal

from attrs import field, frozen

from wagman.config.boards import BoardConfig, WagmanBoard
from wagman.config.ears import EarConfig, StillDraws
from wagman.config.gauges import GaugeConfig
from wagman.config.kinds import (
    BOARD_NAMES,
    BOOLEAN,
    COMMAND,
    DURATION,
    DURATION_OR_NEVER,
    HEARING,
    NAMES,
    NUMBER,
    NUMBER_FROM_0,
    PORT_NAME,
    SOCKET_PATH,
    STILL_ON,
    TEXT,
    WITNESS,
    one_of,
    whole,
)
from wagman.config.setting import setting
from wagman.config.wagman import MEDIA
from wagman.model.facts import DEFAULT_BOARD, Plug
from wagman.model.order import in_order

LEAST_EVENTS = 100
"""The least `max_events` (chosen: fewer would not even hold the story of one bad start)."""

LEAST_BYTES = 1_048_576
"""The least `max_bytes` (chosen: 1 MiB, which a database needs to work)."""


@frozen
class ServiceConfig:
    """`[service]`: the daemon's own places and bounds."""

    socket: str = field(default="/run/wagman/wagman.sock", metadata=setting(SOCKET_PATH, "The control socket."))
    state_dir: str = field(
        default="/var/lib/wagman", metadata=setting(TEXT, "The directory of the rolling log and of what must last.")
    )
    control_group: str = field(default="wagman", metadata=setting(TEXT, "Members of this group may do everything."))
    control_group_configured: bool = False  # a default group that does not exist is a warning, a configured one an error
    operate_group: str | None = field(
        default=None,
        metadata=setting(
            TEXT,
            "Members of this group may look, start, stop, restart, enable and disable, and nothing else.",
        ),
    )
    read_group: str | None = field(
        default=None, metadata=setting(TEXT, "Members of this group may look, and not touch. Without it, nobody else may look.")
    )
    max_events: int = field(
        default=100_000, metadata=setting(whole(LEAST_EVENTS), "How many events the rolling log keeps at most.")
    )
    max_bytes: int = field(
        default=67_108_864, metadata=setting(whole(LEAST_BYTES), "How many bytes the rolling log takes on disk at most.")
    )
    log: Literal["auto", "json", "text"] = field(
        default="auto",
        metadata=setting(
            one_of("auto", "json", "text"),
            "What each event is on standard output. `auto`: an entry with fields where that is the journal, a sentence on a "
            "terminal, JSON anywhere else.",
        ),
    )
    unreadable_release_s: float = field(
        default=3600.0,
        metadata=setting(
            DURATION_OR_NEVER,
            "Where the saved state is there and cannot be read, guests that are off stay off for so long; then those start that "
            "nobody is known to have stopped or disabled. 0: they stay off until it can be read, or somebody starts them.",
        ),
    )


@frozen
class WagmanConfig:
    """`[wagman]`: the scheduler."""

    start_order: tuple[str, ...] = field(
        default=(),
        metadata=setting(
            NAMES,
            "The guests in the order in which they start, as far as `after` allows. Those not named come last, in port order.",
        ),
    )
    stagger_s: float = field(
        default=5.0, metadata=setting(DURATION, "The least time between two relays going on, whoever asked for it.")
    )
    normal_interval_s: float = field(
        default=60.0, metadata=setting(DURATION, "How often the scheduler looks for a guest that is due.", "seed")
    )
    hibernate_interval_s: float = field(
        default=30.0, metadata=setting(DURATION, "The time between stopping one guest and the next on the way down.", "seed")
    )
    hibernate_min_s: float = field(default=900.0, metadata=setting(DURATION, "The least time spent hibernating."))
    first_verdict_s: float = field(
        default=300.0,
        metadata=setting(DURATION, "How long the first start waits, at most, for a verdict on the environment."),
    )


@frozen
class Bounds:
    """`[environment.NAME]`: abnormal from `high` up and from `low` down; normal again `hysteresis` inside.

    A table without either leaves the sensor unwatched.
    """

    high: float | None = field(default=None, metadata=setting(NUMBER, "From here up the guests are hibernated."))
    low: float | None = field(default=None, metadata=setting(NUMBER, "From here down nothing is started."))
    hysteresis: float = field(
        default=0.0, metadata=setting(NUMBER_FROM_0, "How far inside its bounds a reading must come to be normal again.")
    )
    low_action: str = field(
        default="wait",
        metadata=setting(
            one_of("wait", "hibernate"), "What a low reading does: starts wait, or the guests are hibernated as when it is high."
        ),
    )


SENSORS = ("temperature_c", "humidity_pct", "current_ma")
"""The sensors of the enclosure on a Wagman, each in the unit that its name ends in (firmware)."""

WATCHED_BY_DEFAULT: Mapping[str, Bounds] = {"temperature_c": Bounds(high=70.0, low=-30.0, hysteresis=5.0)}
"""The bounds of the sensors that the file does not name (chosen)."""


@frozen
class EnvironmentConfig:
    """`[environment]`: when the enclosure counts as abnormal."""

    samples: int = field(default=3, metadata=setting(whole(1), "How many samples in a row make a verdict."))
    unknown_release_s: float = field(
        default=21_600.0,
        metadata=setting(DURATION, "After so long without a reading while hibernating, the guests are started again."),
    )
    stale_s: float = field(
        default=180.0, metadata=setting(DURATION, "A sensor that has not told anything for so long is unknown.")
    )
    sensors: dict[str, Bounds] = field(factory=dict)  # by sensor name; a sensor without bounds is not in it
    gauges: dict[str, GaugeConfig] = field(factory=dict)  # the sensors that a command reads, with bounds or without


@frozen
class NetworkConfig:
    """`[network.NAME]`: a way through which guests are heard, and the witnesses that show that it works."""

    name: str
    witnesses: tuple[EarConfig, ...] = field(
        default=(),
        metadata=setting(
            WITNESS,
            "Who answers as long as the network works, and is no guest: any one of them is enough. A guest that does not answer "
            "is silent only if a witness answers that is asked after it.",
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
            "The port of the board that it gets its power from. Each guest has one of its own. On a Wagman it is a whole number "
            "from 0 to 4, elsewhere what that board calls it.",
            "firmware",
        )
    )
    board: str = field(
        default=DEFAULT_BOARD,
        metadata=setting(TEXT, "The board that it is on, by its name. It may be left out where there is but one."),
    )
    is_self: bool = field(
        default=False,
        metadata=setting(
            BOOLEAN,
            "It is the computer that this service runs on: it is never switched. On a Wagman it is on port 0, and is fed its "
            "heartbeat.",
            key="self",
        ),
    )
    enabled: bool = field(
        default=True,
        metadata=setting(
            BOOLEAN,
            "`false` keeps it down, whatever else is remembered: it is stopped in an orderly way, and nobody can start it.",
        ),
    )
    after: tuple[str, ...] = field(
        default=(),
        metadata=setting(
            NAMES,
            "The guests that it needs: it is started once they are, and they are stopped once it is. It does not wait for one "
            "that is not to run, nor longer than a start of that one may take: see "
            "[one after the other](how-it-works.md#one-after-the-other).",
        ),
    )
    leads_to: tuple[str, ...] = field(
        default=(),
        metadata=setting(
            BOARD_NAMES,
            "The boards that are reached through it: it is their switch, router or access point. Its power is never left off but "
            "by an operator's `--force`, nor for hibernation. Where its own board is among them, that board has to be of a "
            "kind that switches a port off and on by one command: see "
            "[what leads to a board](several-boards.md#what-leads-to-a-board).",
        ),
    )
    hears_board: bool = field(
        default=True,
        metadata=setting(
            HEARING,
            "Whether it gives signs of life, and how it is heard: `true` is on the board's own input, which a Wagman has; of "
            "several ears any one is enough. Without, it counts as started once its relay is on.",
            key="heartbeat",
        ),
    )
    ears: tuple[EarConfig, ...] = ()  # of `heartbeat`, too; each with the network that it is heard through
    network: str | None = field(
        default=None,
        metadata=setting(
            TEXT,
            "The network that it is heard through, by its name. It may be left out where there is but one. `none`: silence "
            "counts although nobody shows that the network works, as is right for an uplink only; `heartbeat_timeout` is at "
            "least 30min then.",
        ),
    )
    still_on: EarConfig | StillDraws | None = field(
        default=None,
        metadata=setting(
            STILL_ON,
            "What else has to be silent before a guest that was asked to halt counts as halted: its programs end long before it.",
        ),
    )
    primary: str | None = field(
        default=None,
        metadata=setting(
            one_of(*MEDIA),
            'The medium that it boots from; the other one is for recovery. Only on ports 0 and 1, where it is "emmc" if not set.',
            "firmware",
        ),
    )
    shutdown: tuple[str, ...] | None = field(
        default=None,
        metadata=setting(
            COMMAND,
            "The command that asks it to halt. `[]` says that its power may simply be cut. Every guest needs one or the other.",
        ),
    )
    restart: tuple[str, ...] | None = field(
        default=None,
        metadata=setting(
            COMMAND,
            "The command that asks it to halt when power will come back: as `shutdown` if not set; `[]` only where that is `[]`.",
        ),
    )
    start_timeout_s: float = field(
        default=120.0,
        metadata=setting(DURATION, "From relay on to the first heartbeat. It is doubled after each failed start.", "seed"),
    )
    start_timeout_max_s: float = field(
        default=480.0,
        metadata=setting(DURATION, "The longest that `start_timeout` grows to: a long file system check must win."),
    )
    heartbeat_timeout_s: float = field(
        default=300.0,
        metadata=setting(DURATION, "A started guest that is silent for so long is stopped and started again.", "seed"),
    )
    stop_timeout_s: float = field(
        default=600.0,
        metadata=setting(DURATION, "The longest that a stop takes: then the power is cut, heartbeats or not.", "seed"),
    )
    stop_silence_s: float = field(
        default=60.0, metadata=setting(DURATION, "The silence after a shutdown message that shows that it has halted.", "seed")
    )
    shutdown_resend_s: float = field(
        default=10.0, metadata=setting(DURATION, "The least time between two shutdown messages while it goes on beating.")
    )
    off_time_s: float = field(
        default=10.0,
        metadata=setting(
            DURATION,
            "The least time that its power stays off. It is 30s if not set, but on a Wagman: a computer that has crashed "
            "draws so little that its supply bridges a short off.",
        ),
    )
    settle_s: float = field(
        default=5.0, metadata=setting(DURATION, "Heartbeats so soon after power off are echoes, and are ignored.")
    )
    beat_interval_s: float = field(
        default=10.0,
        metadata=setting(
            DURATION,
            "How often the board shows its heartbeats. `heartbeat_timeout` and `stop_silence` are at least three of these. On "
            "port 2, unless the board is a v3 one, it is 75 s if not set (and `stop_silence` 3 min 45 s): see "
            "[heartbeats by pin](boards.md#heartbeats-by-pin-on-a-v4-board).",
        ),
    )
    adopt_window_s: float = field(
        default=90.0,
        metadata=setting(DURATION, "Where no state was saved: how long it may show itself before its power is touched."),
    )
    command_timeout_s: float = field(
        default=15.0, metadata=setting(DURATION, "How long its `shutdown` or `restart` command may run.")
    )
    allowed_attempts: int = field(
        default=3, metadata=setting(whole(1), "Starts from the primary medium before the recovery medium is tried.")
    )
    recover_attempts: int = field(
        default=3,
        metadata=setting(whole(0), "Failed recoveries before it is reported as unrecoverable. It goes on being tried."),
    )
    backoff_min_s: float = field(
        default=60.0, metadata=setting(DURATION, "The wait after the first failed start. It is doubled after each further one.")
    )
    backoff_max_s: float = field(default=3600.0, metadata=setting(DURATION, "The longest wait between two starts."))
    stable_after_s: float = field(
        default=600.0,
        metadata=setting(DURATION, "A guest that has been up for so long, with a heartbeat at its end, is stable."),
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
    service: ServiceConfig = ServiceConfig()
    wagman: WagmanConfig = WagmanConfig()
    environment: EnvironmentConfig = EnvironmentConfig()
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

    def guests_on(self, board: str) -> tuple[DeviceConfig, ...]:
        """The guests on the board of that name, without the controller, in the order in which they are started."""
        return tuple(guest for guest in self.guests if guest.board == board)
