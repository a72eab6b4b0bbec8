"""Whatever a file holds, it gives a configuration or the list of its problems, and nothing else."""

from pathlib import Path
from typing import Any

import attrs
from hypothesis import example, given
from hypothesis import strategies as st

from wagman.config.boards import WagmanBoard
from wagman.config.load import loads
from wagman.config.schema import Bounds, Config, DeviceConfig, EnvironmentConfig, ServiceConfig, WagmanConfig
from wagman.config.setting import settings
from wagman.model.errors import ConfigError

EXAMPLE = (Path(__file__).parents[2] / "examples" / "wagman.toml").read_text(encoding="utf-8")

SECTIONS = {
    "board": WagmanBoard,
    "service": ServiceConfig,
    "wagman": WagmanConfig,
    "environment": EnvironmentConfig,
    "environment.temperature_c": Bounds,
    "defaults": DeviceConfig,
    "device.gn": DeviceConfig,
    "device.nc": DeviceConfig,
}
VALUES = [
    *("0", "1", "-1", "3", "4", "5", "100", "1e3", "0.1", "nan", "-inf", "true", "false", "9" * 30, "2000-01-01", "07:00:00"),
    *('""', '"gn"', '"nc"', '"emmc"', '"sd"', '"v4"', '"90s"', '"1h30min"', '"1 h"', '"hibernate"', '"\\u0000"', "'''\n'''"),
    *("[]", '["gn"]', '["nc", "gn"]', "[[]]", "[{}]", "{}", "{ a = 1 }", "[\n1,\n2]"),
]
TOKENS = [*VALUES, *SECTIONS, "[", "]", "{", "}", "=", ".", ",", "#", "\n", " ", '"', "'", '"""', "'''", "\\", "port", "device"]


def outcome(text: str) -> Config | tuple[str, ...]:
    try:
        return loads(text, "f")
    except ConfigError as error:
        return error.problems


def well_told(problems: tuple[str, ...]) -> bool:
    return len(problems) > 0 and all(problem.startswith("f:") and "\n" not in problem for problem in problems)


def sound(config: Config) -> bool:
    """What the rest of the program relies on."""
    ports = [device.port for device in config.devices]
    return (
        ports == sorted(set(ports))
        and set(ports) <= set(range(5))
        and all(guest.shutdown is not None for guest in config.guests)
        and all((device.primary is not None) == (device.port < 2) for device in config.devices)
        and all(value >= 0.1 for part in (*config.boards, config.wagman, *config.devices) for value in durations_of(part))
    )


def durations_of(part: Any) -> list[float]:
    return [getattr(part, each.name) for each in attrs.fields(type(part)) if each.name.endswith("_s")]


@st.composite
def plausible(draw: st.DrawFn) -> str:
    """Known tables with known keys, and any value."""
    lines = []
    for table in draw(st.lists(st.sampled_from(list(SECTIONS)), unique=True)):
        lines.append(f"[{table}]")
        keys = draw(st.lists(st.sampled_from([*settings(SECTIONS[table]), "other"]), max_size=6, unique=True))
        lines.extend(f"{key} = {draw(st.sampled_from(VALUES))}" for key in keys)
    return "\n".join(lines)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """The example with a few of its pieces replaced."""
    text = EXAMPLE
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(["", *TOKENS])) + text[at + draw(st.integers(0, 12)) :]
    return text


@st.composite
def altered(draw: st.DrawFn) -> str:
    """The example with the values of a few of its keys replaced."""
    lines = EXAMPLE.splitlines()
    for at in draw(st.lists(st.integers(0, len(lines) - 1), min_size=1, max_size=4)):
        key, equals, _ = lines[at].partition(" = ")
        lines[at] = key + equals + (draw(st.sampled_from(VALUES)) if equals else "")
    return "\n".join(lines)


@given(st.one_of(st.text(), st.lists(st.sampled_from(TOKENS)).map("".join), plausible(), damaged(), altered()))
@example("x = 0x" + "f" * 5000)
@example("[board]\npoll = 0x" + "f" * 5000)
@example("\ufeff")
@example("[environment.temperature_c]\nhigh = 0x" + "f" * 5000)
def test_anything_gives_a_sound_configuration_or_its_problems(text: str) -> None:
    result = outcome(text)
    assert sound(result) if isinstance(result, Config) else well_told(result)


@given(st.text(st.characters(codec="ascii"), min_size=1, max_size=8))
def test_a_device_may_have_any_name_that_cannot_be_mistaken(name: str) -> None:
    quoted = '"' + "".join(f"\\u{ord(each):04x}" for each in name) + '"'
    good = (
        name != "all"
        and not name.isdigit()
        and not name.startswith("-")
        and set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")
    )
    result = outcome(f"device.{quoted} = {{ port = 1, shutdown = [] }}\n")
    assert isinstance(result, Config) is good
