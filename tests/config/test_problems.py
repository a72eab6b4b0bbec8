"""What is said about a file that cannot be meant: one line for each problem, with place, key and what to do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.config.kit import problems

GUEST = "[device.gn]\nport = 1\nshutdown = []\n"


DURATION = 'must be a duration from 0.1 s to 36500 d: a number of seconds, or such as "90s", "10min", "1h30min"'
TEXT = "must be a non-empty string of printable characters"
COMMAND = "must be a list of non-empty strings, the command and its arguments"
NAME = 'a device name has 1 to 32 of a-z, 0-9, _ and -, begins with no -, and is neither a number nor "all": rename it'

PROBLEMS = [
    # keys that nobody reads
    ("[bord]\n", "4: bord: unknown key: the nearest that is known here is board"),
    ("[board]\npol = 1\n", "5: board.pol: unknown key: the nearest that is known here is poll"),
    ("[wagman]\nallowed_attempts = 1\n", "5: wagman.allowed_attempts: unknown key: it belongs in [device.NAME]"),
    ("[defaults]\nport = 1\n", "5: defaults.port: unknown key: it belongs in [device.NAME]"),
    (
        "[service]\nnetwork.lan.witness = { ping = '10.0.0.1' }\n",
        "5: service.network: unknown key: it is a table of its own: put the line above the first line in brackets",
    ),
    ("[environment.temp_c]\n", "4: environment.temp_c: unknown key: the nearest that is known here is temperature_c"),
    ("start_timeout_s = 1\n", "4: device.gn.start_timeout_s: unknown key: the nearest that is known here is start_timeout"),
    ("is_self = true\n", "4: device.gn.is_self: unknown key: the nearest that is known here is self"),
    ("name = 'gn'\n", "4: device.gn.name: unknown key: …"),
    ('"ä\\nb" = 1\n', '4: device.gn."\\u00e4\\nb": unknown key: …'),
    ("[service]\ncontrol_group_configured = true\n", "5: service.control_group_configured: unknown key: …"),
    # wrong types
    ("[[board]]\n", "4: board: must be a table, not [a table]"),
    ("[environment]\ntemperature_c = 5\n", "5: environment.temperature_c: must be a table, not 5"),
    ("[device]\nx1 = 5\n", "5: device.x1: must be a table, not 5"),
    ("[board]\npoll = '5 s'\n", f'5: board.poll: {DURATION}, not "5 s"'),
    ("[board]\npoll = true\n", f"5: board.poll: {DURATION}, not true"),
    ("[board]\npoll = nan\n", f"5: board.poll: {DURATION}, not nan"),
    ("[board]\npoll = -1\n", f"5: board.poll: {DURATION}, not -1"),
    ("[board]\npoll = 2000-01-01\n", f"5: board.poll: {DURATION}, not 2000-01-01"),
    ("[board]\ndevice = ''\n", f'5: board.device: {TEXT}, not ""'),
    ('[board]\ndevice = "\\u0000"\n', f'5: board.device: {TEXT}, not "\\u0000"'),
    ("[board]\ndevice = 5\n", f"5: board.device: {TEXT}, not 5"),
    ("[board]\ndialect = 'v5'\n", '5: board.dialect: must be "v3" or "v4" or "auto", not "v5"'),
    ("[service]\nmax_events = 99\n", "5: service.max_events: must be a whole number, 100 or more, not 99"),
    ("[service]\nmax_events = 1e6\n", "5: service.max_events: must be a whole number, 100 or more, not 1000000.0"),
    ("[service]\nmax_bytes = 1048575\n", "5: service.max_bytes: must be a whole number, 1048576 or more, not 1048575"),
    (f"[service]\nmax_bytes = 0x{'f' * 4000}\n", "5: service.max_bytes: must be a whole number, 1048576 or more, not a number …"),
    ("[service]\nsocket = '/s'\nstate_dir = '/s'\n", "5: service.socket: /s is the folder of state_dir: give the …"),
    ("[service]\nsocket = '/s'\nstate_dir = '/s/x'\n", "5: service.socket: /s is the folder of state_dir: give the …"),
    (
        "[service]\nsocket = '/s/wagman.db-wal'\nstate_dir = '/s'\n",
        "5: service.socket: /s/wagman.db-wal is a file that the service keeps in state_dir: give the …",
    ),
    (f"[service]\nsocket = '/{'ä' * 54}'\n", "5: service.socket: must be a path of 1 to 107 bytes, not …"),
    ("[environment]\nsamples = 0\n", "5: environment.samples: must be a whole number, 1 or more, not 0"),
    ("[environment.temperature_c]\nhigh = inf\n", "5: environment.temperature_c.high: must be a finite number, not inf"),
    ("[environment.temperature_c]\nhigh = true\n", "5: environment.temperature_c.high: must be a finite number, not true"),
    ("[environment.temperature_c]\nlow = nan\n", "5: environment.temperature_c.low: must be a finite number, not nan"),
    (
        "[environment.temperature_c]\nhysteresis = -1\n",
        "5: environment.temperature_c.hysteresis: must be a finite number, 0 or more, not -1",
    ),
    (
        "[environment.temperature_c]\nlow_action = 'stop'\n",
        '5: environment.temperature_c.low_action: must be "wait" or "hibernate", not "stop"',
    ),
    ("self = 1\n", "4: device.gn.self: must be true or false, not 1"),
    ("allowed_attempts = 0\n", "4: device.gn.allowed_attempts: must be a whole number, 1 or more, not 0"),
    ("allowed_attempts = true\n", "4: device.gn.allowed_attempts: must be a whole number, 1 or more, not true"),
    ("recover_attempts = -1\n", "4: device.gn.recover_attempts: must be a whole number, 0 or more, not -1"),
    ("primary = 'usb'\n", '4: device.gn.primary: must be "emmc" or "sd", not "usb"'),
    ("restart = 'halt now'\n", f'4: device.gn.restart: {COMMAND}, not "halt now"'),
    ("restart = ['']\n", f'4: device.gn.restart: {COMMAND}, not [""]'),
    ("restart = ['halt', 1]\n", f'4: device.gn.restart: {COMMAND}, not ["halt", 1]'),
    ('restart = ["h\\u0000"]\n', f'4: device.gn.restart: {COMMAND}, not ["h\\u0000"]'),
    ("[wagman]\nstart_order = 'gn'\n", '5: wagman.start_order: must be a list of names of guests, not "gn"'),
    ("[wagman]\nstart_order = [1]\n", "5: wagman.start_order: must be a list of names of guests, not [1]"),
    ("[device.x1]\nport = 5\nshutdown = []\n", "5: device.x1.port: must be a whole number from 0 to 4, not 5"),
    ("[device.x1]\nport = -1\nshutdown = []\n", "5: device.x1.port: must be a whole number from 0 to 4, not -1"),
    ("[device.x1]\nport = true\nshutdown = []\n", "5: device.x1.port: must be a whole number from 0 to 4, not true"),
    ("[device.x1]\nshutdown = []\n", "4: device.x1.port: missing: say which port the guest is on: a whole number from 0 to 4"),
    # names
    ("[device.17]\nport = 2\nshutdown = []\n", f"4: device.17: {NAME}"),
    ("[device.all]\nport = 2\nshutdown = []\n", f"4: device.all: {NAME}"),
    ("[device.-x]\nport = 2\nshutdown = []\n", f"4: device.-x: {NAME}"),
    ("[device.GN]\nport = 2\nshutdown = []\n", f"4: device.GN: {NAME}"),
    ("[device.'']\nport = 2\nshutdown = []\n", f'4: device."": {NAME}'),
    (f"[device.{'x' * 33}]\nport = 2\nshutdown = []\n", f"4: device.{'x' * 33}: {NAME}"),
    ('[device."x\\n"]\nport = 2\nshutdown = []\n', f'4: device."x\\n": {NAME}'),
    # between keys
    (
        "[device.x1]\nport = 1\nshutdown = []\n",
        '5: device.x1.port: port 1 is already that of "gn": give each guest a port of its own',
    ),
    ("[wagman]\nstart_order = [\n'gm']\n", '6: wagman.start_order[0]: "gm" is no guest; the guests are "gn"'),
    ("[wagman]\nstart_order = ['gn',\n'gn', 'gn']\n", '6: wagman.start_order[1]: "gn" is named more than once: keep one'),
    (
        "[wagman]\nstart_order = ['nc']\n[device.nc]\nport = 0\nself = true\n",
        '5: wagman.start_order[0]: "nc" is the computer that this service runs on, which is never started: remove it',
    ),
    (
        "[device.nc]\nport = 2\nself = true\n",
        "6: device.nc.self: the computer that this service runs on is on port 0, not on 2",
    ),
    (
        "[device.nc]\nport = 3\nprimary = 'sd'\nshutdown = []\n",
        "6: device.nc.primary: port 3 has no boot-media selector of its own: remove this key",
    ),
    (
        "[device.x1]\nport = 2\n",
        "4: device.x1.shutdown: missing: give the command that asks this guest to halt, or [] if its power may simply be cut",
    ),
    (
        "[device.x1]\nport = 2\nshutdown = ['halt']\nrestart = []\n",
        "7: device.x1.restart: [] cuts the power at a restart, and shutdown says that this guest is to be asked first: …",
    ),
    (
        "start_timeout = '9min'\n",
        "4: device.gn.start_timeout: start_timeout_max is 8min, and must be at least start_timeout, which is 9min: …",
    ),
    (
        "backoff_max = 30\n",
        "4: device.gn.backoff_max: backoff_max is 30s, and must be at least backoff_min, which is 1min: …",
    ),
    (
        "heartbeat_timeout = 29.9\n",
        "4: device.gn.heartbeat_timeout: heartbeat_timeout is 29s900ms, and must be at least 3 times beat_interval, …",
    ),
    (
        "stop_silence = 29\n",
        "4: device.gn.stop_silence: stop_silence is 29s, and must be at least 3 times beat_interval, which is 30s: …",
    ),
    (
        "[defaults]\nbeat_interval = 21\n[device.x1]\nport = 2\nshutdown = []\n",
        "5: defaults.beat_interval: stop_silence is 1min, and must be at least 3 times beat_interval, which is 1min3s: …",
    ),
    (
        "[board]\npoll = '10min1s'\n",
        "5: board.poll: poll is 10min1s, and must be at most 10min: the board cuts what it was not given a heartbeat for in time",
    ),
    (
        "[board]\npoll = 101\n",
        "5: board.poll: heartbeat_timeout is 5min, and must be at least 3 times poll, which is 5min3s: …",
    ),
    (
        "[device.x1]\nport = 2\nshutdown = []\nheartbeat_timeout = 14\nbeat_interval = 4\n",
        "7: device.x1.heartbeat_timeout: heartbeat_timeout is 14s, and must be at least 3 times poll, which is 15s: …",
    ),
    ("[environment.humidity_pct]\nhigh = 5\nlow = 5\n", "5: environment.humidity_pct.high: high (5) must be above low (5)"),
    (
        "[environment.humidity_pct]\nhigh = 5\nlow = 4\nhysteresis = 1\n",
        "7: environment.humidity_pct.hysteresis: hysteresis (1) must be smaller than the 1 between low and high",
    ),
]


@pytest.mark.parametrize(("text", "problem"), PROBLEMS, ids=[problem for _, problem in PROBLEMS])
def test_each_problem_is_told_once_with_its_place(text: str, problem: str) -> None:
    (told,) = problems(GUEST + text)
    if problem.endswith("…"):
        told = told[: len(problem) + 1] + "…"
    assert told == f"f:{problem}"


ONE_LINERS = {text.split(" = ")[0]: (text, problem) for text, problem in PROBLEMS if "[" not in text}
"""One problem for each key of a guest, on a line of its own."""


@given(st.lists(st.sampled_from(list(ONE_LINERS.values())), min_size=1, unique=True))
def test_all_problems_are_told_at_once_in_the_order_of_the_file(planted: list[tuple[str, str]]) -> None:
    told = problems(GUEST + "".join(text for text, _ in planted))
    assert [each.split(": ")[:2] for each in told] == [
        [f"f:{line}", problem.split(": ")[1]] for line, (_, problem) in enumerate(planted, start=4)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "backoff_min = 'x'\nbackoff_max = 1\n",
        "backoff_min = 9999\nbackoff_max = 'x'\n",
        "heartbeat = 'x'\nstop_silence = 1\n",
        "heartbeat_timeout = 'x'\n[board]\npoll = 101\n",
        "[defaults]\nbackoff_min = 'x'\nbackoff_max = 1\n",
        "[defaults]\nshutdown = 'x'\n[device.x1]\nport = 2\n",
        "[device.nc]\nport = 0\nself = 'x'\n",
        "[device.nc]\nport = 'x'\nself = true\n",
        "[device.x1]\nport = 'x'\nprimary = 'sd'\nshutdown = []\n",
        "[environment.humidity_pct]\nhigh = 'x'\nlow = 1\n",
        "[environment.humidity_pct]\nhigh = 5\nlow = 1\nhysteresis = 'x'\n",
        "[device]\nx1 = 'x'\n[wagman]\nstart_order = ['x1']\n",
    ],
)
def test_nothing_is_concluded_from_a_value_that_is_wrong_in_itself(text: str) -> None:
    (told,) = problems(GUEST + text)
    assert told.endswith('not "x"')


def test_what_each_device_inherits_is_told_once() -> None:
    (told,) = problems(GUEST + "[device.x1]\nport = 2\nshutdown = []\n[defaults]\nbackoff_min = '2h'\n")
    assert told.startswith("f:8: defaults.backoff_min: ")


def test_a_device_that_says_otherwise_than_the_defaults_is_blamed_itself() -> None:
    (told,) = problems(GUEST + "backoff_max = 30\n[defaults]\nbackoff_max = 90\n")
    assert told.startswith("f:4: device.gn.backoff_max: ")


def test_two_devices_without_a_port_do_not_share_one() -> None:
    assert problems("[device.a]\nshutdown = []\n[device.b]\nshutdown = []\n") == [
        "f:1: device.a.port: missing: say which port the guest is on: a whole number from 0 to 4",
        "f:3: device.b.port: missing: say which port the guest is on: a whole number from 0 to 4",
    ]


def test_two_controllers_are_one_too_many() -> None:
    assert problems("[device.nc]\nport = 0\nself = true\n[device.nd]\nport = 1\nself = true\n") == [
        'f:6: device.nd.self: "nc" is already the computer that this service runs on: only one guest can be',
        "f:6: device.nd.self: the computer that this service runs on is on port 0, not on 1",
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "[device]\n", "[board]\n[defaults]\n"])
def test_a_file_without_a_device_is_refused(text: str) -> None:
    (told,) = problems(text)
    assert told == "f:1: device: missing: describe at least one guest, in a table such as [device.gn]"


def test_a_device_key_that_holds_no_table_is_the_only_problem_of_its_file() -> None:
    assert problems("device = 5\n") == ["f:1: device: must be a table, not 5"]


def test_a_wrong_value_is_shown_cut_to_a_decent_length() -> None:
    (told,) = problems(f"{GUEST}primary = '{'x' * 1000}'\n")
    assert told == f'f:4: device.gn.primary: must be "emmc" or "sd", not "{"x" * 56}...'
