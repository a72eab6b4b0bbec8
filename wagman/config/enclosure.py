"""`[environment]` and `[environment.NAME]`: when the enclosure counts as out of its bounds, and by which sensors."""

from collections.abc import Mapping

from attrs import field, frozen

from wagman.config.gauges import GaugeConfig
from wagman.config.kinds import DURATION, NUMBER, NUMBER_FROM_0, one_of, whole
from wagman.config.setting import setting


@frozen
class Bounds:
    """`[environment.NAME]`: abnormal from `high` up and from `low` down; normal again `hysteresis` inside.

    A table without either leaves the sensor unwatched.
    """

    high: float | None = field(
        default=None, metadata=setting(NUMBER, "At this reading and above, all guests are taken down (they hibernate).")
    )
    low: float | None = field(default=None, metadata=setting(NUMBER, "At this reading and below, no guest is started."))
    hysteresis: float = field(
        default=0.0,
        metadata=setting(NUMBER_FROM_0, "How far inside the bounds a reading must come before the sensor is normal again."),
    )
    low_action: str = field(
        default="wait",
        metadata=setting(
            one_of("wait", "hibernate"),
            "What a low reading does. `wait`: no guest is started; `hibernate`: all guests are taken down, as at a high reading.",
        ),
    )


SENSORS = ("temperature_c", "humidity_pct", "current_ma")
"""The sensors of the enclosure on a Wagman, each in the unit that its name ends in (firmware)."""

WATCHED_BY_DEFAULT: Mapping[str, Bounds] = {"temperature_c": Bounds(high=70.0, low=-30.0, hysteresis=5.0)}
"""The bounds of the sensors that the file does not name (chosen)."""


@frozen
class EnvironmentConfig:
    """`[environment]`: when the enclosure counts as abnormal."""

    samples: int = field(
        default=3,
        metadata=setting(whole(1), "How many readings in a row must agree before the service changes its view of the sensor."),
    )
    unknown_release_s: float = field(
        default=21_600.0,
        metadata=setting(
            DURATION,
            "If guests are down because of a sensor, and that sensor gives no reading for this long, the service starts "
            "the guests again.",
        ),
    )
    stale_s: float = field(
        default=180.0, metadata=setting(DURATION, "A sensor that has given no reading for this long is unknown.")
    )
    sensors: dict[str, Bounds] = field(factory=dict)  # by sensor name; a sensor without bounds is not in it
    gauges: dict[str, GaugeConfig] = field(factory=dict)  # the sensors that a command reads, with bounds or without
