"""The reference page is made from the classes, and says all of them."""

from docs.make import configuration as reference
from docs.make.configuration import SECTIONS, existing
from wagman.config.ears import EarConfig
from wagman.config.enclosure import Bounds
from wagman.config.gauges import GaugeConfig
from wagman.config.registry import BOARDS, EARS
from wagman.config.schema import DeviceConfig, NetworkConfig
from wagman.config.setting import settings


def test_every_key_has_its_row() -> None:
    rows = {line.split("|")[1].strip(" `") for line in reference.page().splitlines() if line.startswith("| `")}
    kinds = [*existing(BOARDS), *existing(EARS)]
    classes = [*(section for _, section, _ in SECTIONS), Bounds, GaugeConfig, DeviceConfig, NetworkConfig, EarConfig, *kinds]
    assert rows == {key for section in classes for key in settings(section)}


def test_defaults_are_shown_as_one_would_write_them() -> None:
    rows = reference.page().splitlines()
    for start in (
        "| `port` | *required* | a number, 0 or more, or a name of 1 to 64 printable characters |",
        '| `start_timeout` | `"2min"` (seed) | [a duration](#durations) |',
        "| `heartbeat` | `true` (chosen) | true or false, or an [ear](#ears), or a list of [ears](#ears) |",
        "| `shutdown` | none |",
    ):
        assert any(row.startswith(start) for row in rows), start
