"""The configuration as immutable classes: what the rest of the program sees.

Every duration is in seconds. The numbers are those of the seed note where it names one ("seed"), of the board's
firmware where that forces one ("firmware"), and otherwise chosen ("chosen").
"""

from attrs import field, frozen

PORTS = range(5)
"""The board's ports: 0 (node controller) to 4 (firmware)."""

SELECTOR_PORTS = (0, 1)
"""Ports with a boot-media selector of their own (firmware)."""

MEDIA = ("emmc", "sd")
"""The boot media that a selector knows (firmware)."""


def other_medium(medium: str) -> str:
    """The medium that is not `medium`: the recovery medium of a device whose primary it is."""
    return MEDIA[1 - MEDIA.index(medium)]


@frozen
class BoardConfig:
    """`[board]`: where the Wagman is and how it speaks."""

    device: str = "/dev/waggle_sysmon"
    dialect: str = "v3"  # or "v4", "auto"
    poll_s: float = 5.0  # chosen


@frozen
class ServiceConfig:
    """`[service]`: the daemon's own places and bounds."""

    socket: str = "/run/wagman/wagman.sock"
    state_dir: str = "/var/lib/wagman"
    control_group: str = "wagman"
    control_group_configured: bool = False  # a default group that does not exist is a warning, a configured one an error
    read_group: str | None = None
    max_events: int = 100_000  # chosen
    max_bytes: int = 67_108_864  # chosen: 64 MiB


@frozen
class WagmanConfig:
    """`[wagman]`: the machine that starts and stops the guests."""

    start_order: tuple[str, ...] = ()  # device names; guests that are not named come after, in port order
    stagger_s: float = 5.0
    normal_interval_s: float = 60.0  # seed
    hibernate_interval_s: float = 30.0  # seed
    hibernate_min_s: float = 900.0
    first_verdict_s: float = 300.0  # chosen: how long the first start waits for a verdict on the environment


@frozen
class Bounds:
    """`[environment.SENSOR]`: abnormal from `high` up and from `low` down; normal again `hysteresis` inside."""

    high: float | None = None
    low: float | None = None
    hysteresis: float = 0.0
    low_action: str = "wait"  # or "hibernate"


@frozen
class EnvironmentConfig:
    """`[environment]`: what the enclosure may be like."""

    samples: int = 3
    unknown_release_s: float = 21_600.0
    stale_s: float = 180.0  # chosen: a sensor that has not told for this long is unknown
    sensors: dict[str, Bounds] = field(factory=dict)  # by sensor name: "temperature_c", "humidity_pct"


@frozen
class DeviceConfig:
    """`[device.NAME]` over `[defaults]`: one guest (or, with `is_self`, the node controller itself)."""

    name: str
    port: int
    is_self: bool = False  # the key is `self`
    has_heartbeat: bool = True  # the key is `heartbeat`
    primary: str | None = None  # boot medium; None on a port without a selector of its own
    shutdown: tuple[str, ...] | None = None  # () says that the device may simply be cut
    restart: tuple[str, ...] | None = None  # None: the same command as `shutdown`
    start_timeout_s: float = 120.0  # seed
    start_timeout_max_s: float = 480.0
    heartbeat_timeout_s: float = 300.0  # seed
    stop_timeout_s: float = 600.0  # seed
    stop_silence_s: float = 60.0  # seed
    shutdown_resend_s: float = 10.0
    off_time_s: float = 10.0
    settle_s: float = 5.0
    beat_interval_s: float = 10.0
    adopt_window_s: float = 90.0
    command_timeout_s: float = 15.0
    allowed_attempts: int = 3
    recover_attempts: int = 3
    backoff_min_s: float = 60.0
    backoff_max_s: float = 3600.0
    stable_after_s: float = 600.0


@frozen
class Config:
    """A whole configuration file, checked."""

    board: BoardConfig = BoardConfig()
    service: ServiceConfig = ServiceConfig()
    wagman: WagmanConfig = WagmanConfig()
    environment: EnvironmentConfig = EnvironmentConfig()
    devices: tuple[DeviceConfig, ...] = ()  # in port order

    @property
    def guests(self) -> tuple[DeviceConfig, ...]:
        """The devices that have a machine: all but the controller itself, in the order in which they are started."""
        by_name = {device.name: device for device in self.devices if not device.is_self}
        named = [by_name.pop(name) for name in self.wagman.start_order if name in by_name]
        return (*named, *by_name.values())
