"""Which boards there are, and what hangs on each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wagman.config import board_tables
from wagman.config.boards import PlainBoard, WagmanBoard
from wagman.config.load import loads
from wagman.config.schema import Config
from wagman.model.errors import ConfigError


class Strip(PlainBoard):
    """A board whose ports have names."""

    kind = "strip"


@pytest.fixture(autouse=True)
def strip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_tables, "KINDS", {**board_tables.KINDS, "strip": Strip})


def guest(name: str, board: str | None, port: object) -> str:
    stated = "" if board is None else f"board = '{board}'\n"
    return f"[device.{name}]\n{stated}port = {port!r}\nshutdown = []\n"


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loads(text, "f")
    return list(caught.value.problems)


def places(config: Config) -> list[tuple[str, int | str]]:
    return [(device.board, device.port) for device in config.devices]


@pytest.mark.parametrize("text", ["", "[board]\n"])
def test_a_file_that_says_nothing_of_a_board_has_one_wagman(text: str) -> None:
    config = loads(text + guest("gn", None, 1), "f")
    assert config.boards == (WagmanBoard(name="board"),)
    assert config.board_of(config.devices[0]) == config.board_named("board") == config.boards[0]


def test_a_table_of_boards_names_each_in_the_order_of_the_file() -> None:
    text = "[board.rail]\nkind = 'strip'\npoll = 7\n[board.node]\ndialect = 'v4'\n"
    config = loads(text + guest("gn", "node", 1) + guest("ai", "rail", "a"), "f")
    assert config.boards == (Strip(name="rail", poll_s=7), WagmanBoard(name="node", dialect="v4"))
    assert places(config) == [("rail", "a"), ("node", 1)]


def test_the_only_board_need_not_be_named_by_what_hangs_on_it() -> None:
    assert places(loads("[board.rail]\nkind = 'strip'\n" + guest("ai", None, "a"), "f")) == [("rail", "a")]
    assert places(loads("[board]\nkind = 'strip'\n" + guest("ai", "board", "a"), "f")) == [("board", "a")]


def test_the_board_of_all_devices_may_stand_in_the_defaults() -> None:
    text = "[board.a]\n[board.b]\n[defaults]\nboard = 'b'\n"
    assert places(loads(text + guest("gn", None, 1) + guest("cs", "a", 1), "f")) == [("a", 1), ("b", 1)]


def test_a_port_is_called_as_its_board_calls_it() -> None:
    boards = "[board.node]\n[board.rail]\nkind = 'strip'\n"
    assert places(loads(boards + guest("gn", "node", 1) + guest("ai", "rail", 1), "f")) == [("node", 1), ("rail", "1")]
    assert problems(boards + guest("gn", "node", "1") + guest("ai", "rail", " ")) == [
        'f:6: device.gn.port: must be a whole number from 0 to 4, not "1"',
        'f:10: device.ai.port: must be a number, 0 or more, or a name of 1 to 64 printable characters, not " "',
    ]


def test_devices_stand_in_the_order_of_their_boards_and_by_port_on_each_as_people_count() -> None:
    boards = "[board.z]\nkind = 'strip'\n[board.a]\nkind = 'strip'\n"
    ports = [("a", "1"), ("a", "a"), ("z", "10"), ("z", "2"), ("z", "a10"), ("z", "a2"), ("z", "a")]
    tables = [guest(f"x{number}x", board, port) for number, (board, port) in enumerate(ports)]
    expected = [("z", "2"), ("z", "10"), ("z", "a"), ("z", "a2"), ("z", "a10"), ("a", "1"), ("a", "a")]
    assert places(loads(boards + "".join(tables), "f")) == expected


@given(
    st.lists(st.text(st.sampled_from("a1 20-"), min_size=1, max_size=6).filter(lambda port: port == port.strip()), unique=True)
)
def test_any_ports_can_be_put_in_order(ports: list[str]) -> None:
    tables = "".join(guest(f"x{number}x", None, port) for number, port in enumerate(["x", *ports]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(board_tables, "KINDS", {"strip": Strip})
        assert sorted(place[1] for place in places(loads("[board]\nkind = 'strip'\n" + tables, "f"))) == sorted(["x", *ports])


def test_what_hangs_on_a_board_is_found_by_its_name() -> None:
    order = "[wagman]\nstart_order = ['b', 'a', 'c']\n"
    tables = (
        guest("a", "one", 1) + guest("b", "one", 2) + guest("c", "two", 1) + "[device.nc]\nboard = 'one'\nport = 0\nself = true\n"
    )
    config = loads("[board.one]\n[board.two]\n" + order + tables, "f")
    assert [device.name for device in config.devices_on("one")] == ["nc", "a", "b"]
    assert [guest.name for guest in config.guests_on("one")] == ["b", "a"]
    assert [guest.name for guest in config.guests_on("two")] == ["c"]


NAME = 'a board name has 1 to 32 of a-z, 0-9, _ and -, begins with no -, and is neither a number nor "all": rename it'

NO_KIND = "there is no kind of board called"
PROBLEMS = [
    ("[board]\nkind = 'wagmen'\n", f'2: board.kind: {NO_KIND} "wagmen"; those that there are: "wagman", "strip"'),
    ("[board.x]\nkind = 'stripe'\n", f'2: board.x.kind: {NO_KIND} "stripe"; those that there are: "strip", "wagman"'),
    ("[board]\nkind = ['strip']\nsettle = 1\n", f"2: board.kind: {NO_KIND} …"),
    ("[board.X]\n", f"1: board.X: {NAME}"),
    ("[board.17]\n", f"1: board.17: {NAME}"),
    ("[board.x]\npol = 1\n", "2: board.x.pol: unknown key: the nearest that is known here is poll"),
    ("[board.x]\nsettle = 1\n", "2: board.x.settle: unknown key: …"),
]


@pytest.mark.parametrize(("text", "problem"), PROBLEMS, ids=[problem for _, problem in PROBLEMS])
def test_each_problem_of_a_board_is_told_once_with_its_place(text: str, problem: str) -> None:
    (told,) = problems(text + guest("gn", None, 1))
    assert told.startswith(f"f:{problem.removesuffix('…')}")
    assert problem.endswith("…") or told == f"f:{problem}"


def test_one_board_and_several_cannot_stand_in_one_file() -> None:
    text = "[board]\ndialect = 'v4'\npoll = 7\n[board.rail]\nkind = 'strip'\n"
    (told,) = problems(text + guest("gn", "board", 1) + guest("ai", "rail", "a"))
    assert told == (
        "f:2: board.dialect: [board] says how one board is, and [board.rail] how one of several is: "
        "move dialect, poll into a table of its own, [board.board]"
    )


def test_where_there_are_several_each_device_says_on_which_it_hangs() -> None:
    (told,) = problems("[board.a]\n[board.b]\n" + guest("gn", None, 1))
    assert told == 'f:3: device.gn.board: missing: say which board it hangs on: "a", "b"'
    (told,) = problems("[board.a]\n[board.b]\n" + guest("gn", "aa", 1) + "primary = 'sd'\n")
    assert told == 'f:4: device.gn.board: there is no board called "aa"; those that there are: "a", "b"'


def test_a_port_is_taken_on_its_own_board_only() -> None:
    boards = "[board.a]\n[board.b]\n"
    assert len(loads(boards + guest("gn", "a", 1) + guest("cs", "b", 1), "f").devices) == 2
    (told,) = problems(boards + guest("gn", "b", 1) + guest("cs", "b", 1))
    assert told == 'f:9: device.cs.port: port 1 of b is already that of "gn": give each device a port of its own'


def test_a_medium_is_the_matter_of_boards_with_selectors() -> None:
    boards = "[board.a]\n[board.rail]\nkind = 'strip'\n"
    config = loads(boards + "[defaults]\nprimary = 'sd'\n" + guest("gn", "a", 1) + guest("cs", "rail", 1), "f")
    assert [device.primary for device in config.devices] == ["sd", None]
    (told,) = problems(boards + guest("cs", "rail", 1) + "primary = 'sd'\n")
    assert told == "f:8: device.cs.primary: port 1 has no boot-media selector of its own: remove this key"


def test_each_board_is_asked_often_enough_for_its_own_guests() -> None:
    boards = "[board.a]\npoll = '2min'\n[board.b]\n"
    guests = guest("gn", "a", 1) + "heartbeat_timeout = '6min'\n" + guest("cs", "b", 1)
    assert len(loads(boards + guests, "f").boards) == 2
    (told,) = problems(boards + guests + guest("x1", "a", 2))
    assert told.startswith("f:2: board.a.poll: heartbeat_timeout is 5min, and must be at least 3 times poll, which is 6min: ")
