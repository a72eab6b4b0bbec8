"""Which boards there are, what hangs on each, and what must hold between the two."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.config.kit import Strip, kinds, problems
from wagman.config.boards import WagmanBoard
from wagman.config.ears import StillDraws
from wagman.config.load import loads
from wagman.config.schema import Config

STRIP = "kind = 'strip'\nhost = 'h'\n"
OF_STRIP = "kind = 'mqtt'\nhost = 'hub'\ncommand_topic = 'strip/set'\nstate_topic = 'strip'\nask_topic = 'strip/get'\n"
"""A strip of plugs that are all switched by one topic."""

OF_PLUG = "preset = 'tasmota'\ndevice = 'plug'\n"
BY_COMMAND = "on = ['outlet', 'on']\noff = ['outlet', 'off']\nstatus = ['outlet']\n"
EAR = "heartbeat = { serial = '/dev/ttyUSB0' }\n"
WAGMANS = "[board.a]\n[board.b]\ndevice = '/dev/b'\n"


@pytest.fixture(autouse=True)
def _kinds() -> Iterator[None]:
    with kinds():
        yield


def guest(name: str, board: str | None, port: object, keys: str = "") -> str:
    stated = "" if board is None else f"board = '{board}'\n"
    return f"[device.{name}]\n{stated}port = {port!r}\nshutdown = []\n{keys}"


def switched(name: str, board: str | None, port: object) -> str:
    return guest(name, board, port, "heartbeat = false\n")


def places(config: Config) -> list[tuple[str, int | str]]:
    return [(device.board, device.port) for device in config.devices]


@pytest.mark.parametrize("text", ["", "[board]\n", "[board]\nkind = 'wagman'\n"])
def test_a_file_that_says_nothing_of_a_board_has_one_wagman(text: str) -> None:
    config = loads(text + guest("gn", None, 1), "f")
    assert config.boards == (WagmanBoard(name="board"),)
    assert config.board_of(config.devices[0]) == config.board_named("board") == config.boards[0]


def test_a_table_of_boards_names_each_in_the_order_of_the_file() -> None:
    text = f"[board.rail]\n{STRIP}poll = 7\n[board.node]\ndialect = 'v4'\n"
    config = loads(text + guest("gn", "node", 1) + switched("ai", "rail", "a"), "f")
    assert config.boards == (Strip(name="rail", host="h", poll_s=7), WagmanBoard(name="node", dialect="v4"))
    assert places(config) == [("rail", "a"), ("node", 1)]


def test_the_only_board_need_not_be_named_by_what_hangs_on_it() -> None:
    assert places(loads(f"[board.rail]\n{STRIP}" + switched("ai", None, "a"), "f")) == [("rail", "a")]
    assert places(loads(f"[board]\n{STRIP}" + switched("ai", "board", "a"), "f")) == [("board", "a")]


def test_the_board_of_all_devices_may_stand_in_the_defaults() -> None:
    text = f"{WAGMANS}[defaults]\nboard = 'b'\n"
    assert places(loads(text + guest("gn", None, 1) + guest("cs", "a", 1), "f")) == [("a", 1), ("b", 1)]


def test_a_port_is_called_as_its_board_calls_it() -> None:
    boards = f"[board.node]\n[board.rail]\n{STRIP}"
    assert places(loads(boards + guest("gn", "node", 1) + switched("ai", "rail", 1), "f")) == [("node", 1), ("rail", "1")]
    assert problems(boards + guest("gn", "node", "1") + switched("ai", "rail", " ")) == [
        'f:7: device.gn.port: must be a whole number from 0 to 4, not "1"',
        'f:11: device.ai.port: must be a number, 0 or more, or a name of 1 to 64 printable characters, not " "',
    ]


def test_devices_stand_in_the_order_of_their_boards_and_by_port_on_each_as_people_count() -> None:
    boards = f"[board.z]\n{STRIP}[board.a]\n{STRIP}"
    ports = [("a", "1"), ("a", "a"), ("z", "10"), ("z", "2"), ("z", "a10"), ("z", "a2"), ("z", "a")]
    tables = [switched(f"x{number}x", board, port) for number, (board, port) in enumerate(ports)]
    expected = [("z", "2"), ("z", "10"), ("z", "a"), ("z", "a2"), ("z", "a10"), ("a", "1"), ("a", "a")]
    assert places(loads(boards + "".join(tables), "f")) == expected


PORTS = st.text(st.sampled_from("a1 20-٣"), min_size=1, max_size=6).filter(lambda port: port == port.strip())


@given(st.lists(PORTS, unique=True))
def test_any_ports_can_be_put_in_order(ports: list[str]) -> None:
    tables = "".join(switched(f"x{number}x", None, port) for number, port in enumerate(["x", *ports]))
    with kinds():
        assert sorted(place[1] for place in places(loads(f"[board]\n{STRIP}{tables}", "f"))) == sorted(["x", *ports])


def test_what_hangs_on_a_board_is_found_by_its_name() -> None:
    controller = "[device.nc]\nboard = 'one'\nport = 0\nself = true\n"
    tables = guest("a", "one", 1) + guest("b", "one", 2) + guest("c", "two", 1) + controller
    config = loads("[board.one]\n[board.two]\ndevice = '/dev/two'\n" + tables, "f")
    assert [device.name for device in config.devices_on("one")] == ["nc", "a", "b"]
    assert [device.name for device in config.devices_on("two")] == ["c"]


# --- What is told of boards ---------------------------------------------------------------------------------------------

NAME = 'a board name has 1 to 32 of a-z, 0-9, _ and -, begins with no -, and is neither a number nor "all": rename it'
NO_KIND = "there is no kind of board called"
PROBLEMS = [
    ("[board]\nkind = 'wagmen'\n", f'2: board.kind: {NO_KIND} "wagmen"; those that there are: "wagman", "powerman", …'),
    ("[board.x]\nkind = 'stripe'\n", f'2: board.x.kind: {NO_KIND} "stripe"; those that there are: "strip", …'),
    ("[board]\nkind = ['strip']\nsettle = 1\n", f"2: board.kind: {NO_KIND} …"),
    ("[board.X]\n", f"1: board.X: {NAME}"),
    ("[board.17]\n", f"1: board.17: {NAME}"),
    ("[board.x]\npol = 1\n", "2: board.x.pol: unknown key: the nearest that is known here is poll"),
    ("[board.x]\nPOLL = 1\n", "2: board.x.POLL: unknown key: the nearest that is known here is poll"),
    ("[board.x]\nsettle = 1\n", "2: board.x.settle: unknown key: it belongs in [device.NAME]"),
    (f"[board.x]\n{STRIP}dialect = 'v3'\n", '4: board.x.dialect: unknown key: it belongs in [board] of kind "wagman"'),
    ("[board.x]\nkind = 'strip'\n", "1: board.x.host: missing: give a non-empty string of printable characters"),
    ("[board.x]\nkind = 'strip'\nhost = 5\n", "3: board.x.host: must be a non-empty string of printable characters, not 5"),
]


@pytest.mark.parametrize(("text", "problem"), PROBLEMS, ids=[problem for _, problem in PROBLEMS])
def test_each_problem_of_a_board_is_told_once_with_its_place(text: str, problem: str) -> None:
    keys = "heartbeat = false\n" if "'strip'" in text else "primary = 'sd'\n"
    (told,) = problems(text + guest("gn", None, 1, keys))
    assert told.startswith(f"f:{problem.removesuffix('…')}")
    assert problem.endswith("…") or told == f"f:{problem}"


@pytest.mark.parametrize("key", ["kindz", "KIND", "kin"])
def test_of_a_board_whose_kind_is_misspelt_nothing_else_is_told(key: str) -> None:
    text = f"[board]\n{key} = 'shelly'\nhost = '10.0.0.9'\nid = 'AABBCCDDEEFF'\n"
    (told,) = problems(text + guest("ai", None, 3, "self = true\n"))
    assert told == f"f:2: board.{key}: unknown key: the nearest that is known here is kind"


@pytest.mark.parametrize(
    ("keys", "lacks", "kinds"),
    [
        ("host = '10.0.0.9'\nid = 'AABBCCDDEEFF'", '"host", "id"', '"shelly", "tasmota", "mqtt"'),
        ("poll = 5\nchip = 'x'\nlabel = 'y'", '"chip", "label"', '"gpio"'),
        ("on = ['a']\nstatus = ['b']", '"on", "status"', '"exec"'),
    ],
)
def test_a_board_without_a_kind_that_is_no_wagman_is_asked_for_its_kind_and_for_nothing_else(
    keys: str, lacks: str, kinds: str
) -> None:
    (told,) = problems(f"[board]\n{keys}\n" + switched("ai", None, 7))
    assert told == (
        f"f:1: board.kind: missing: without it the board is a Wagman, which has no {lacks}: say of which kind it is: {kinds}"
    )


def test_one_board_and_several_cannot_stand_in_one_file() -> None:
    text = f"[board]\ndialect = 'v4'\npoll = 7\n[board.rail]\n{STRIP}"
    (told,) = problems(text + guest("gn", "board", 1) + switched("ai", "rail", "a"))
    assert told == (
        "f:2: board.dialect: [board] says how one board is, and [board.rail] how one of several is: "
        "move dialect, poll into a table of its own, [board.board]"
    )


def test_where_there_are_several_each_device_says_on_which_it_hangs() -> None:
    (told,) = problems(WAGMANS + guest("gn", None, 1))
    assert told == 'f:4: device.gn.board: missing: say which board the guest is on: "a", "b"'
    (told,) = problems(WAGMANS + guest("gn", "aa", 1, "primary = 'sd'\n"))
    assert told == 'f:5: device.gn.board: there is no board called "aa"; those that there are: "a", "b"'


# --- What is told of what hangs on them ----------------------------------------------------------------------------------


def test_a_port_is_taken_on_its_own_board_only() -> None:
    assert len(loads(WAGMANS + guest("gn", "a", 1) + guest("cs", "b", 1), "f").devices) == 2
    (told,) = problems(WAGMANS + guest("gn", "b", 1) + guest("cs", "b", 1))
    assert told == 'f:10: device.cs.port: port 1 of b is already that of "gn": give each guest a port of its own'


def test_a_port_has_one_name_whether_the_file_writes_a_number_or_text() -> None:
    (told,) = problems(f"[board]\n{STRIP}" + switched("gn", None, 1) + switched("cs", None, "1"))
    assert "port 1 is already that of" in told


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("kind = 'shelly'\nhost = 'Plug.lan'\n", "kind = 'shelly'\nhost = 'plug.lan:80'\npoll = 5\n"),
        ("kind = 'shelly'\nhost = 'fd00::1'\n", "kind = 'tasmota'\nhost = '[FD00::1]'\n"),
        ("kind = 'gpio'\nreleased = 'on'\n", "kind = 'gpio'\nreleased = 'held'\nchip = '/dev//gpiochip0'\n"),
        ("kind = 'powerman'\n", "kind = 'powerman'\nhost = '127.0.0.1'\n"),
        ("kind = 'mqtt'\nhost = 'hub'\n" + OF_PLUG, "kind = 'mqtt'\nhost = 'hub:1883'\nuser = 'me'\n" + OF_PLUG),
    ],
)
def test_a_port_is_the_same_by_whichever_table_of_its_board(one: str, other: str) -> None:
    boards = f"[board.a]\n{one}[board.b]\n{other}"
    (told,) = problems(boards + switched("gn", "a", 1) + switched("cs", "b", 1))
    same = "port 1 of b is port 1 of a by another table of the same board, and already that of"
    assert told.endswith(f': device.cs.port: {same} "gn": give each guest a port of its own')
    assert len(loads(boards + switched("gn", "a", 1) + switched("cs", "b", 2), "f").devices) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("kind = 'shelly'\nhost = 'plug'\n", "kind = 'shelly'\nhost = 'plug:8080'\n"),
        ("kind = 'gpio'\nreleased = 'on'\n", "kind = 'gpio'\nreleased = 'on'\nchip = '/dev/gpiochip1'\n"),
        ("kind = 'powerman'\n", "kind = 'powerman'\nhost = '127.0.0.1:1'\n"),
        ("kind = 'mqtt'\nhost = 'hub'\n" + OF_PLUG, "kind = 'mqtt'\nhost = 'hub'\n" + OF_PLUG.replace("plug", "rail")),
        (f"{OF_STRIP}on = 'A1'\noff = 'A0'\nstate_path = 'A'\n", f"{OF_STRIP}on = 'B1'\noff = 'B0'\nstate_path = 'B'\n"),
        (f"kind = 'exec'\n{BY_COMMAND}", f"kind = 'exec'\n{BY_COMMAND}"),
        (STRIP, STRIP),  # nobody knows what its address means
    ],
)
def test_boards_that_may_be_others_have_ports_of_their_own(one: str, other: str) -> None:
    boards = f"[board.a]\n{one}[board.b]\n{other}"
    assert len(loads(boards + switched("gn", "a", 1) + switched("cs", "b", 1), "f").devices) == 2


HALF = "only one can open it: give each a port of its own"


def test_a_serial_port_is_that_of_one_board() -> None:
    (told,) = problems("[board.a]\n[board.b]\n" + guest("gn", "a", 1) + guest("cs", "b", 2))
    assert told == f"f:2: board.b.device: /dev/waggle_sysmon is the port of board.a.device as well, and {HALF}"


@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        (guest("gn", None, 1, EAR), "6: device.gn.heartbeat.serial: /dev/ttyUSB0 is the port of board.device as well, …"),
        (
            guest("gn", None, 1, EAR.replace("USB0", "S1")) + guest("cs", None, 2, EAR.replace("dev/ttyUSB0", "dev/./ttyS1")),
            "10: device.cs.heartbeat.serial: /dev/./ttyS1 is the port of device.gn.heartbeat.serial as well, …",
        ),
        (
            guest("gn", None, 1, "heartbeat = false\n" + EAR.replace("heartbeat", "still_on")),
            "7: device.gn.still_on.serial: /dev/ttyUSB0 is the port of board.device as well, …",
        ),
        (
            guest("gn", None, 1) + guest("cs", None, 2) + f"[defaults]\n{EAR.replace('USB0', 'S1')}",
            "10: defaults.heartbeat.serial: /dev/ttyS1 is the port of several guests, …",
        ),
    ],
)
def test_a_serial_port_is_that_of_one_guest(rest: str, problem: str) -> None:
    (told,) = problems(f"[board]\ndevice = '/dev/ttyUSB0'\n{rest}")
    assert told == f"f:{problem.removesuffix('…')}and {HALF}"


def test_a_medium_is_the_matter_of_boards_with_selectors() -> None:
    boards = f"[board.a]\n[board.rail]\n{STRIP}"
    defaults = "[defaults]\nprimary = 'sd'\n"
    config = loads(boards + defaults + guest("gn", "a", 1) + switched("cs", "rail", 1), "f")
    assert [device.primary for device in config.devices] == ["sd", None]
    (told,) = problems(boards + switched("cs", "rail", 1) + "primary = 'sd'\n")
    assert told == "f:10: device.cs.primary: port 1 has no boot-media selector of its own: remove this key"


def test_the_controller_hangs_where_its_wagman_feeds_it_or_on_any_port_of_a_board_that_feeds_nobody() -> None:
    controller = "[device.nc]\nport = '3'\nself = true\n"
    config = loads(f"[board]\n{STRIP}" + controller, "f")
    assert (config.guests, config.devices[0].has_heartbeat) == ((), False)
    (told,) = problems("[device.nc]\nport = 3\nself = true\n")
    assert told == "f:3: device.nc.self: the computer that this service runs on is on port 0, not on 3"


def test_each_board_is_asked_often_enough_for_its_own_guests() -> None:
    boards = "[board.a]\npoll = '2min'\n[board.b]\ndevice = '/dev/b'\n"
    guests = guest("gn", "a", 1, "heartbeat_timeout = '6min'\n") + guest("cs", "b", 1)
    assert len(loads(boards + guests, "f").boards) == 2
    (told,) = problems(boards + guests + guest("x1", "a", 2))
    assert told.startswith("f:2: board.a.poll: heartbeat_timeout is 5min, and must be at least 3 times poll, which is 6min: ")


def test_only_a_wagman_has_to_be_asked_before_it_cuts() -> None:
    assert loads(f"[board]\n{STRIP}poll = '2h'\n" + switched("gn", None, 1), "f").boards[0].poll_s == 7200
    (told,) = problems("[board.x]\npoll = '2h'\n" + switched("gn", None, 1))
    assert told.startswith("f:2: board.x.poll: poll is 2h, and must be at most 10min: the board cuts what it was not given a ")


HEARD = "heartbeat = { wire = '/dev/ttyUSB0' }\n"


@pytest.mark.parametrize(
    ("board", "keys", "problem"),
    [
        ("poll = 61\n", "", "4: board.rail.poll: stop_silence is 1min, and its board shows what a port does only after poll, …"),
        ("poll = '1min59s'\n", "stop_silence = '9min'\n", "4: board.rail.poll: start_timeout is 2min, and its board shows …"),
        ("settle = '111s'\n", "", "4: board.rail.settle: start_timeout is 2min, …"),
        ("settle = '2s'\n", "start_timeout = 11\n", "9: device.gn.start_timeout: start_timeout is 11s, …"),
        ("", "stop_silence = 9\n", "8: device.gn.stop_silence: stop_silence is 9s, …"),
    ],
)
def test_a_board_shows_what_its_ports_do_before_the_patience_with_a_guest_ends(board: str, keys: str, problem: str) -> None:
    text = f"[board.rail]\n{STRIP}{board}" + guest("gn", None, 1, HEARD)
    (told,) = problems(text + keys)
    assert told.startswith(f"f:{problem.removesuffix('…')}")
    assert loads(text.replace(HEARD, "heartbeat = false\n") + keys, "f").devices


def test_a_guest_of_which_nothing_at_all_would_be_known_is_refused() -> None:
    board = "[board]\nkind = 'mute'\n"
    (told,) = problems(board + switched("gn", None, 1))
    assert told == (
        'f:6: device.gn.heartbeat: board "board" does not show whether a port is on, and nothing at all would ever be known of '
        "this guest: say how it is heard"
    )
    assert loads(board + guest("gn", None, 1, HEARD), "f").guests
    assert loads(f"{board}readback = 'told'\n" + switched("gn", None, 1), "f").guests


def test_watts_are_the_matter_of_boards_with_a_meter() -> None:
    keys = HEARD + "still_on = { watts = 2 }\n"
    assert loads(f"[board]\n{STRIP}" + guest("gn", None, 1, keys), "f").guests[0].still_on == StillDraws(2.0)
    for text in ("[board]\nkind = 'mute'\n" + guest("gn", None, 1, keys), "[board]\n\n" + guest("gn", None, 1, keys)):
        (told,) = problems(text)
        assert told == 'f:7: device.gn.still_on: board "board" has no meter: take an ear, or remove this key'


def test_an_enclosure_that_no_board_measures_is_neither_watched_nor_waited_for() -> None:
    plug = '[board]\nkind = "shelly"\nhost = "rail"\n' + guest("gn", None, 0) + "heartbeat = false\n"
    assert loads(plug, "f").environment.sensors == {}
    (told,) = problems(plug + "[environment.temperature_c]\nhigh = 60\n")
    assert told == "f:8: environment.temperature_c: no board of this file has sensors of the enclosure: remove this table"


@pytest.mark.parametrize(
    ("board", "keys", "off_time_s"), [("", "", 10), (STRIP, "", 30), (STRIP, "off_time = 7\n", 7), ("", "off_time = 7\n", 7)]
)
def test_a_guest_on_any_board_but_a_wagman_stays_off_for_longer_unless_the_file_says(
    board: str, keys: str, off_time_s: float
) -> None:
    config = loads(f"[board.rail]\n{board}" + guest("ai", "rail", 1 if not board else "a", f"heartbeat = false\n{keys}"), "f")
    assert config.devices[0].off_time_s == off_time_s


def test_the_defaults_of_the_file_count_for_how_long_it_stays_off_too() -> None:
    text = f"[board.rail]\n{STRIP}[defaults]\noff_time = 7\n"
    assert loads(text + switched("ai", "rail", "a"), "f").devices[0].off_time_s == 7
