"""What a file means."""

from pathlib import Path

import attrs
import pytest

from wagman.config.boards import WagmanBoard
from wagman.config.enclosure import Bounds, EnvironmentConfig
from wagman.config.load import advice, load, loads
from wagman.config.schema import Config, DeviceConfig, WagmanConfig
from wagman.config.service import ServiceConfig

EXAMPLE = Path(__file__).parents[2] / "examples" / "wagman.toml"
GUEST = "[device.gn]\nport = 1\nshutdown = []\n"


def device(text: str, name: str = "gn") -> DeviceConfig:
    return {each.name: each for each in loads(text, "f").devices}[name]


def test_a_device_is_all_that_a_file_needs() -> None:
    assert loads(GUEST, "f") == Config(
        environment=EnvironmentConfig(sensors={"temperature_c": Bounds(70.0, -30.0, 5.0)}),
        devices=(DeviceConfig(name="gn", port=1, shutdown=(), primary="emmc"),),
    )


def test_the_example_states_the_defaults() -> None:
    config = load(str(EXAMPLE))
    plain = DeviceConfig(name="", port=0)
    stated = {"name", "port", "is_self", "hears_board", "primary", "shutdown", "restart"}
    for each in config.devices:
        assert attrs.evolve(plain, **{name: getattr(each, name) for name in stated}) == each
    bare = loads(GUEST, "f")
    assert attrs.evolve(config, devices=bare.devices, wagman=bare.wagman) == bare
    assert attrs.evolve(config.wagman, start_order=()) == bare.wagman


def test_the_example_names_its_devices_in_port_order_and_its_guests_in_start_order() -> None:
    config = load(str(EXAMPLE))
    assert [each.name for each in config.devices] == ["nc", "gn", "cs", "x1"]
    assert [each.name for each in config.guests] == ["gn", "cs", "x1"]


def test_every_kind_of_value_reaches_its_attribute() -> None:
    config = loads(
        """
        [board]
        device = "/dev/pts/9"
        dialect = "auto"
        poll = 0.5
        [service]
        socket = "/tmp/s"
        state_dir = "/tmp/d"
        control_group = "staff"
        read_group = "adm"
        max_events = 100
        max_bytes = 1048576
        [wagman]
        start_order = ["b", "a"]
        stagger = "1s"
        [environment]
        samples = 1
        [environment.humidity_pct]
        high = 90
        low_action = "hibernate"
        [device.a]
        port = 4
        heartbeat = false
        shutdown = ["ssh", "a", "halt"]
        restart = ["ssh", "a", "reboot"]
        stop_silence = "2s"
        [device.b]
        port = 0
        shutdown = []
        primary = "sd"
        allowed_attempts = 1
        recover_attempts = 0
        """,
        "f",
    )
    assert config.boards == (WagmanBoard(device="/dev/pts/9", dialect="auto", poll_s=0.5),)
    assert config.service == ServiceConfig(
        socket="/tmp/s",
        state_dir="/tmp/d",
        control_group="staff",
        control_group_configured=True,
        read_group="adm",
        max_events=100,
        max_bytes=1_048_576,
    )
    assert config.wagman == WagmanConfig(start_order=("b", "a"), stagger_s=1.0)
    assert config.environment == EnvironmentConfig(
        samples=1, sensors={"temperature_c": Bounds(70.0, -30.0, 5.0), "humidity_pct": Bounds(high=90.0, low_action="hibernate")}
    )
    assert config.devices == (
        DeviceConfig(name="b", port=0, shutdown=(), primary="sd", allowed_attempts=1, recover_attempts=0),
        DeviceConfig(
            name="a",
            port=4,
            hears_board=False,
            shutdown=("ssh", "a", "halt"),
            restart=("ssh", "a", "reboot"),
            stop_silence_s=2.0,
            primary=None,
        ),
    )


def test_defaults_count_for_each_device_that_does_not_say_otherwise() -> None:
    text = """
        [defaults]
        start_timeout = "1min"
        shutdown = ["halt-it"]
        [device.gn]
        port = 1
        [device.cs]
        port = 2
        start_timeout = "2min"
        shutdown = []
        """
    assert (device(text).start_timeout_s, device(text).shutdown) == (60.0, ("halt-it",))
    assert (device(text, "cs").start_timeout_s, device(text, "cs").shutdown) == (120.0, ())


@pytest.mark.parametrize(
    ("port", "stated", "inherited", "primary"),
    [
        (1, None, None, "emmc"),
        (1, "sd", None, "sd"),
        (1, None, "sd", "sd"),
        (1, "emmc", "sd", "emmc"),
        (2, None, "sd", None),
        (4, None, None, None),
    ],
)
def test_a_port_with_a_selector_has_a_primary_medium_and_no_other_has(
    port: int, stated: str | None, inherited: str | None, primary: str | None
) -> None:
    defaults = f'[defaults]\nprimary = "{inherited}"\n' if inherited else ""
    own = f'primary = "{stated}"\n' if stated else ""
    assert device(f"{defaults}[device.gn]\nport = {port}\nshutdown = []\n{own}").primary == primary


def test_a_sensor_with_an_empty_table_is_not_watched() -> None:
    assert loads(GUEST + "[environment.temperature_c]\n", "f").environment.sensors == {}


def test_a_table_of_bounds_states_all_of_them() -> None:
    assert loads(GUEST + "[environment.temperature_c]\nhigh = 60\n", "f").environment.sensors == {
        "temperature_c": Bounds(high=60.0)
    }


def test_a_controller_alone_is_worth_guarding() -> None:
    config = loads("[device.nc]\nport = 0\nself = true\n", "f")
    assert (len(config.devices), config.guests) == (1, ())


def test_three_beats_of_a_tenth_of_a_second_fit_into_three_tenths() -> None:
    timing = "beat_interval = 0.1\nstop_silence = 0.3\nheartbeat_timeout = 0.3\n[board]\npoll = 0.1\n"
    assert device(GUEST + timing).stop_silence_s == 0.3


def test_silence_is_not_measured_in_beats_where_there_are_none() -> None:
    assert device(f"{GUEST}stop_silence = 1\nheartbeat = false\n").stop_silence_s == 1.0


def test_the_board_may_be_asked_as_rarely_as_every_ten_minutes_where_nobody_is_heard_by_it() -> None:
    assert loads(f"{GUEST}heartbeat = false\n[board]\npoll = '10min'\n", "f").boards[0].poll_s == 600


def test_the_controller_needs_no_timing_and_no_shutdown() -> None:
    text = GUEST + "[device.nc]\nport = 0\nself = true\nstop_silence = 1\nbackoff_min = 9000\n"
    assert device(text, "nc").stop_silence_s == 1.0


# --- Heartbeats that the board shows but rarely -------------------------------------------------------------------------


def on_port(port: int, dialect: str, keys: str = "", defaults: str = "") -> DeviceConfig:
    text = f'[board]\ndialect = "{dialect}"\n[defaults]\n{defaults}\n[device.cs]\nport = {port}\nshutdown = ["halt"]\n{keys}\n'
    (device,) = loads(text, "node.toml").devices
    return device


@pytest.mark.parametrize("dialect", ["v4", "auto"])
def test_silence_on_the_pin_that_a_v4_board_rarely_looks_at_takes_three_of_its_rare_beats(dialect: str) -> None:
    device = on_port(2, dialect)
    assert (device.beat_interval_s, device.stop_silence_s, device.heartbeat_timeout_s) == (75, 225, 300)


@pytest.mark.parametrize(
    ("port", "dialect", "keys"), [(2, "v3", ""), (1, "v4", ""), (3, "auto", ""), (2, "v4", "heartbeat = false")]
)
def test_elsewhere_beats_are_shown_as_often_as_ever(port: int, dialect: str, keys: str) -> None:
    device = on_port(port, dialect, keys)
    assert (device.beat_interval_s, device.stop_silence_s) == (10, 60)


@pytest.mark.parametrize(
    ("stated", "beat_s", "silence_s"),
    [
        ("beat_interval = 5", 5, 60),
        ('stop_silence = "1min"', 20, 60),
        ('heartbeat_timeout = "2min"', 40, 120),
        ('heartbeat_timeout = "1h"', 75, 225),
        ('stop_silence = "10min"', 75, 600),
        ('heartbeat_timeout = "30s"\nstop_silence = "40s"', 10, 40),
    ],
)
@pytest.mark.parametrize("where", ["keys", "defaults"])
def test_what_a_file_states_of_them_stands_and_every_file_that_was_right_is_right(
    stated: str, beat_s: float, silence_s: float, where: str
) -> None:
    device = on_port(2, "v4", **{where: stated})
    assert (device.beat_interval_s, device.stop_silence_s) == (beat_s, silence_s)


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ("", None),
        ("beat_interval = 5", None),
        ('stop_silence = "5min"', None),
        ('stop_silence = "1min"', "device.cs.stop_silence: warning: stop_silence is 1min, and a v4 board"),
        ('heartbeat_timeout = "2min"', "warning: "),
    ],
)
def test_a_file_that_waits_for_less_than_a_slow_pin_takes_is_warned_of(tmp_path: Path, stated: str, told: str | None) -> None:
    path = tmp_path / "node.toml"
    path.write_text(f'[board]\ndialect = "v4"\n[device.cs]\nport = 2\nshutdown = ["halt"]\n{stated}\n')
    lines = advice(str(path))
    assert len(lines) == (0 if told is None else 1)
    assert all(line.startswith(f"{path}:6: ") and (told or "") in line for line in lines)


@pytest.mark.parametrize(
    ("stated", "is_warned"),
    [
        ('adopt_window = "5s"', True),
        ('adopt_window = "10s"', False),
        ('adopt_window = "5s"\nbeat_interval = "1s"', False),
        ('adopt_window = "5s"\nheartbeat = false', False),  # the current is all that there is to see of it
        ('beat_interval = "2min"\nheartbeat_timeout = "10min"\nstop_silence = "6min"', True),  # more than the default
        ("", False),
    ],
)
def test_a_file_that_gives_a_running_guest_less_than_a_beat_to_be_found_is_warned_of(
    tmp_path: Path, stated: str, is_warned: bool
) -> None:
    path = tmp_path / "node.toml"
    path.write_text(f'[device.cs]\nport = 3\nshutdown = ["halt"]\n{stated}\n')
    lines = advice(str(path))
    assert len(lines) == is_warned
    assert all(line.startswith(f"{path}:4: device.cs.") and "adopt_window is " in line for line in lines)


@pytest.mark.parametrize(
    ("stated", "is_warned"),
    [
        ('stop_timeout = "1min"', True),  # as long as the default of stop_silence
        ('stop_timeout = "61s"', False),
        ('stop_silence = "15min"', True),
        ('stop_timeout = "30s"\nheartbeat = false', True),  # its silence is a plain wait
        ('stop_timeout = "30s"\nshutdown = []', False),  # it is just cut
        ("", False),
    ],
)
def test_a_file_in_which_no_stop_could_go_well_is_warned_of(tmp_path: Path, stated: str, is_warned: bool) -> None:
    path = tmp_path / "node.toml"
    path.write_text("[device.cs]\nport = 3\n" + stated + ("" if "shutdown" in stated else '\nshutdown = ["halt"]') + "\n")
    lines = advice(str(path))
    assert len(lines) == is_warned
    assert all(line.startswith(f"{path}:3: device.cs.stop_") and "Take a longer stop_timeout" in line for line in lines)
