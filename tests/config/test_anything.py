"""Whatever a file holds, it gives a configuration or the list of its problems, and nothing else."""

from pathlib import Path
from typing import Any

import attrs
from hypothesis import example, given
from hypothesis import strategies as st

from tests.config.kit import Mute, Strip, kinds
from wagman.config.boards import BoardConfig, WagmanBoard
from wagman.config.enclosure import Bounds, EnvironmentConfig
from wagman.config.load import loads
from wagman.config.schema import Config, DeviceConfig, NetworkConfig, WagmanConfig
from wagman.config.service import ServiceConfig
from wagman.config.setting import settings
from wagman.model.errors import ConfigError

EXAMPLE = (Path(__file__).parents[2] / "examples" / "wagman.toml").read_text(encoding="utf-8")

SECTIONS = {
    "board": WagmanBoard,
    "board.rail": Strip,
    "board.mute": Mute,
    "board.node": WagmanBoard,
    "network.lan": NetworkConfig,
    "network.far": NetworkConfig,
    "service": ServiceConfig,
    "wagman": WagmanConfig,
    "environment": EnvironmentConfig,
    "environment.temperature_c": Bounds,
    "defaults": DeviceConfig,
    "device.gn": DeviceConfig,
    "device.nc": DeviceConfig,
    "device.ai": DeviceConfig,
}
VALUES = [
    *("0", "1", "-1", "3", "4", "5", "100", "1e3", "0.1", "nan", "-inf", "true", "false", "9" * 30, "2000-01-01", "07:00:00"),
    *('""', '"gn"', '"nc"', '"emmc"', '"sd"', '"v4"', '"90s"', '"1h30min"', '"1 h"', '"hibernate"', '"\\u0000"', "'''\n'''"),
    *('"wagman"', '"strip"', '"mute"', '"rail"', '"node"', '"a10"', '"lan"', '"none"', '"/dev/null"'),
    *("{ board = true }", "{ knock = 'gn' }", "{ knock = 'w', every = 5, network = 'far' }", "{ wire = 'x' }", "{ watts = 2 }"),
    *("[{ page = 'http://gn/' }, { board = true }, { letter = 'gn', every = '1h' }]", "[{ knock = 'x' }, 5]", "{ knock = 5 }"),
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
    parts = (*config.boards, config.wagman, *config.devices, *(ear for device in config.devices for ear in device.ears))
    return (
        [device for board in config.boards for device in config.devices_on(board.name)] == list(config.devices)
        and len(config.boards) == len({board.name for board in config.boards}) > 0
        and all(sound_on(config, board) for board in config.boards)
        and all(guest.shutdown is not None and sound_hearing(config, guest) for guest in config.guests)
        and all(value >= 0.1 for part in parts for value in durations_of(part))
    )


def sound_on(config: Config, board: BoardConfig) -> bool:
    """A Wagman's ports are numbers, and those of any other board are text; each is taken once."""
    devices = config.devices_on(board.name)
    ports = [device.port for device in devices]
    if isinstance(board, WagmanBoard):
        is_well = ports == sorted(ports) and set(ports) <= set(range(5))
    else:
        is_well = all(isinstance(port, str) and port for port in ports)
    selected = all((device.primary is not None) == (device.port in board.selectors) for device in devices)
    return is_well and selected and len(set(ports)) == len(ports)


def sound_hearing(config: Config, guest: DeviceConfig) -> bool:
    """Whoever is heard over a network is heard over one with a witness, or says that there is none."""
    witnessed = {network.name for network in config.networks if network.witnesses}
    through = {ear.network for ear in guest.ears if ear.networked}
    is_patient = "none" not in through or guest.heartbeat_timeout_s >= 1800
    return through <= {*witnessed, "none"} and is_patient and (config.board_of(guest).hears or not guest.hears_board)


def durations_of(part: Any) -> list[float]:
    return [getattr(part, each.name) for each in attrs.fields(type(part)) if each.name.endswith("_s")]


@st.composite
def plausible(draw: st.DrawFn) -> str:
    """Known tables with known keys, and any value."""
    lines: list[str] = []
    for table in draw(st.lists(st.sampled_from(list(SECTIONS)), unique=True)):
        lines.append(f"[{table}]")
        keys = draw(st.lists(st.sampled_from([*settings(SECTIONS[table]), "kind", "other"]), max_size=6, unique=True))
        lines.extend(f"{key} = {draw(st.sampled_from(VALUES))}" for key in keys)
    return "\n".join(lines)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """The example with a few of its pieces replaced."""
    text = draw(st.sampled_from([EXAMPLE, SEVERAL]))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(["", *TOKENS])) + text[at + draw(st.integers(0, 12)) :]
    return text


@st.composite
def altered(draw: st.DrawFn) -> str:
    """The example with the values of a few of its keys replaced."""
    lines = draw(st.sampled_from([EXAMPLE, SEVERAL])).splitlines()
    for at in draw(st.lists(st.integers(0, len(lines) - 1), min_size=1, max_size=4)):
        key, equals, _ = lines[at].partition(" = ")
        lines[at] = key + equals + (draw(st.sampled_from(VALUES)) if equals else "")
    return "\n".join(lines)


SEVERAL = """
[board.rail]
kind = "strip"
host = "rail"
[board.node]
[board.mute]
kind = "mute"
[network.lan]
witness = [{ knock = "w" }, { page = "http://w2/" }]
[defaults]
network = "lan"
[device.gn]
board = "node"
port = 1
shutdown = ["halt"]
heartbeat = [{ board = true }, { knock = "gn" }]
[device.nc]
board = "rail"
port = "3"
self = true
[device.ai]
board = "rail"
port = "a10"
heartbeat = { page = "http://ai/", every = "30s" }
still_on = { watts = 2 }
shutdown = []
[device.lte]
board = "mute"
port = 7
heartbeat = { knock = "1.1.1.1", network = "none" }
heartbeat_timeout = "1h"
shutdown = []
"""


@given(st.one_of(st.text(), st.lists(st.sampled_from(TOKENS)).map("".join), plausible(), damaged(), altered()))
@example("x = 0x" + "f" * 5000)
@example("[board]\npoll = 0x" + "f" * 5000)
@example("\ufeff")
@example("[environment.temperature_c]\nhigh = 0x" + "f" * 5000)
def test_anything_gives_a_sound_configuration_or_its_problems(text: str) -> None:
    with kinds():
        result = outcome(text)
    assert sound(result) if isinstance(result, Config) else well_told(result)


def test_the_files_that_are_damaged_are_right_before() -> None:
    with kinds():
        assert all(isinstance(outcome(text), Config) for text in (EXAMPLE, SEVERAL))


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
