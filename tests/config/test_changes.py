"""One configuration taking over from another."""

import attrs
from hypothesis import given
from hypothesis import strategies as st

from tests.config.kit import Strip, kinds
from wagman.config.boards import PlainBoard, as_wagman
from wagman.config.changes import FIXED_OF_DEVICE, LIVE_OF_BOARD, change, differing
from wagman.config.load import loads
from wagman.config.schema import Config, DeviceConfig

TEXT = """
[board]
poll = "5s"
[wagman]
start_order = ["gn", "cs"]
[environment.temperature_c]
high = 70
[device.gn]
port = 1
start_timeout = "2min"
shutdown = []
[device.cs]
port = 2
shutdown = []
"""


def config(*changes: tuple[str, str]) -> Config:
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return loads(text, "wagman.toml")


def test_nothing_changes_for_the_same_file() -> None:
    changed = change(config(), config())
    assert (changed.config, changed.live, changed.waiting) == (config(), (), ())


def test_numbers_bounds_and_order_change_at_once() -> None:
    new = config(
        ('"2min"', '"3min"'), ("high = 70", "high = 60"), ('["gn", "cs"]', '["cs", "gn"]'), ('poll = "5s"', 'poll = "9s"')
    )
    changed = change(config(), new)
    assert changed.config == new
    assert set(changed.live) == {
        "board.poll",
        "wagman.start_order",
        "environment.temperature_c.high",
        "device.gn.start_timeout",
    }
    assert changed.waiting == ()


def test_what_the_running_service_rests_on_waits_for_a_restart() -> None:
    new = config(
        ('poll = "5s"', 'poll = "9s"\ndevice = "/dev/ttyACM1"\n[service]\nmax_events = 500'),
        ("port = 2", "port = 3\nheartbeat = false"),
    )
    changed = change(config(), new)
    assert changed.live == ("board.poll",)
    assert changed.waiting == ("board.device", "service.max_events", "device.cs.port", "device.cs.heartbeat")
    assert as_wagman(changed.config.boards[0]).device == as_wagman(config().boards[0]).device
    assert changed.config.devices == config().devices


def test_a_device_comes_or_goes_with_a_restart_and_is_named_as_a_whole() -> None:
    less = config(("[device.cs]\nport = 2\nshutdown = []\n", ""), ('"gn", "cs"', '"gn"'))
    assert change(config(), less).waiting == ("device.cs",)
    assert change(less, config()).waiting == ("device.cs",)
    assert change(less, config()).config.devices == less.devices
    assert change(less, config()).config.guests == less.guests, "the order may name who is not there yet"


def test_a_sensor_comes_or_goes_at_once() -> None:
    without = config(("high = 70", ""))
    assert change(config(), without).live == ("environment.temperature_c",)
    assert change(without, config()).config == config()


DURATIONS = ("start_timeout", "heartbeat_timeout", "stop_timeout", "off_time", "backoff_max")


@given(st.dictionaries(st.sampled_from(DURATIONS), st.integers(600, 700), min_size=1), st.sampled_from(["gn", "cs"]))
def test_what_is_named_is_what_differs(durations: dict[str, int], name: str) -> None:
    plain = ('start_timeout = "2min"\n', "")
    lines = "".join(f"{key} = {seconds}\n" for key, seconds in durations.items())
    old = config(plain, (f"[device.{name}]\n", f"[device.{name}]\nstart_timeout_max = 800\n"))
    new = config(plain, (f"[device.{name}]\n", f"[device.{name}]\nstart_timeout_max = 800\n{lines}"))
    usual = {field.name: field.default for field in attrs.fields(DeviceConfig)}
    expected = {f"device.{name}.{key}" for key, seconds in durations.items() if usual[f"{key}_s"] != seconds}
    assert set(differing(old, new)) == expected
    assert set(change(old, new).live) == expected
    assert change(old, new).config == new


def test_the_fixed_ones_are_attributes_that_there_are() -> None:
    assert set(FIXED_OF_DEVICE) <= {field.name for field in attrs.fields(DeviceConfig)}
    assert {field.name for field in attrs.fields(PlainBoard)} >= LIVE_OF_BOARD


def test_the_pauses_of_any_kind_of_board_change_at_once_and_another_kind_waits() -> None:
    board = "[board.rail]\nkind = 'strip'\nhost = 'a'\n"
    guest = "[device.gn]\nport = 1\nheartbeat = false\nshutdown = []\n"
    with kinds():
        old = loads(board + guest, "f")
        changed = change(old, loads(board.replace("'a'", "'b'") + "settle = 3\npoll = 20\non_restore = 'on'\n" + guest, "f"))
        other = change(old, loads("[board.rail]\nkind = 'mute'\nreadback = 'told'\nsettle = 3\n" + guest, "f"))
    assert (changed.live, changed.waiting) == (
        ("board.rail.poll", "board.rail.settle"),
        ("board.rail.on_restore", "board.rail.host"),
    )
    assert changed.config.boards == (Strip(name="rail", host="a", settle_s=3, poll_s=20),)
    assert (other.config.boards, other.live) == (old.boards, ())
    assert "board.rail.kind" in other.waiting


def test_of_a_board_the_pauses_change_at_once_and_all_else_waits() -> None:
    old = loads("[board.a]\n[board.b]\ndevice = '/dev/b'\n[device.gn]\nboard = 'a'\nport = 1\nshutdown = []\n", "f")
    new = loads(
        "[board.b]\ndevice = '/dev/b'\npoll = 9\ndialect = 'v4'\n[board.c]\n[device.gn]\nboard = 'b'\nport = 1\nshutdown = []\n",
        "f",
    )
    changed = change(old, new)
    assert changed.live == ("board.b.poll",)
    assert changed.waiting == ("board.a", "board.b.dialect", "device.gn.board", "board.c")
    assert [board.name for board in changed.config.boards] == ["a", "b"]
    assert changed.config.devices[0].board == "a"
