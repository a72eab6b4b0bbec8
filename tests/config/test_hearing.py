"""How guests are heard, and who shows that the way to them works."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.config.kit import Knock, Letter, Page, Wire, kinds, problems
from wagman.config.changes import change
from wagman.config.ears import EarConfig, StillDraws
from wagman.config.findings import Finding, Findings
from wagman.config.load import advice, loads
from wagman.config.schema import DeviceConfig, NetworkConfig

LAN = "[network.lan]\nwitness = { knock = '10.0.0.1' }\n"
GUEST = "[device.gn]\nport = 1\nshutdown = []\n"


@pytest.fixture(autouse=True)
def _kinds() -> Iterator[None]:
    with kinds():
        yield


def heard(keys: str, rest: str = LAN) -> DeviceConfig:
    (device,) = loads(f"{GUEST}{keys}\n{rest}", "f").devices
    return device


# --- What a file means --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "board", "ears"),
    [
        ("true", True, ()),
        ("false", False, ()),
        ("{ board = true }", True, ()),
        ("[{ board = true }]", True, ()),
        ("{ page = 'http://gn/x' }", False, (Page(page="http://gn/x", network="lan"),)),
        (
            "[{ knock = 'gn', every = '30s', timeout = 1 },\n{ board = true }, { wire = '/dev/ttyS1' }]",
            True,
            (Knock(knock="gn", every_s=30, timeout_s=1, network="lan"), Wire(wire="/dev/ttyS1")),
        ),
    ],
)
def test_a_guest_is_heard_by_its_board_or_by_ears_or_not_at_all(value: str, board: bool, ears: tuple[EarConfig, ...]) -> None:
    device = heard(f"heartbeat = {value}")
    assert (device.hears_board, device.ears, device.has_heartbeat) == (board, ears, board or ears != ())


def test_ears_may_stand_in_tables_of_their_own_and_in_the_defaults() -> None:
    one = heard("[device.gn.heartbeat]\nknock = 'gn'")
    several = heard("[[device.gn.heartbeat]]\nboard = true\n[[device.gn.heartbeat]]\nknock = 'gn'")
    shared = heard("[defaults]\nheartbeat = { letter = 'any' }")
    own = heard("heartbeat = true\n[defaults]\nheartbeat = { letter = 'any' }")
    assert one.ears == several.ears == (Knock(knock="gn", network="lan"),)
    assert (one.hears_board, several.hears_board) == (False, True)
    assert shared.ears == (Letter(letter="any", network="lan"),)
    assert (own.hears_board, own.ears) == (True, ())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{ watts = 2 }", StillDraws(2.0)),
        ("{ knock = 'gn' }", Knock(knock="gn", network="lan")),
        ("{ wire = 'x' }", Wire(wire="x")),
    ],
)
def test_something_else_may_have_to_be_silent_before_power_goes(value: str, expected: EarConfig | StillDraws) -> None:
    text = f"[board]\nkind = 'strip'\nhost = 'h'\n{GUEST}heartbeat = false\nstill_on = {value}\n{LAN}"
    assert loads(text, "f").devices[0].still_on == expected


def test_a_network_has_witnesses_in_the_order_of_the_file() -> None:
    text = (
        "[network.b]\nwitness = [{ knock = 'x', timeout = 1 }, { page = 'http://y/' }]\n[network.a]\nwitness = { knock = 'z' }\n"
    )
    assert loads(GUEST + text, "f").networks == (
        NetworkConfig("b", (Knock(knock="x", timeout_s=1), Page(page="http://y/"))),
        NetworkConfig("a", (Knock(knock="z"),)),
    )


@pytest.mark.parametrize(
    ("ear", "device", "defaults", "expected"),
    [
        (None, None, None, "lan"),
        (None, None, "far", "far"),
        (None, "lan", "far", "lan"),
        ("far", "lan", "lan", "far"),
        ("none", "lan", None, "none"),
    ],
)
def test_the_nearest_to_say_so_says_through_which_network_a_guest_is_heard(
    ear: str | None, device: str | None, defaults: str | None, expected: str
) -> None:
    own = f", network = '{ear}'" if ear else ""
    keys = f"heartbeat = {{ knock = 'gn'{own} }}\nheartbeat_timeout = '1h'\n" + (f"network = '{device}'\n" if device else "")
    shared = f"[defaults]\nnetwork = '{defaults}'\n" if defaults else ""
    far = "[network.far]\nwitness = { knock = '10.9.0.1' }\n" if "far" in (ear, device, defaults) else ""
    (only,) = heard(keys, LAN + far + shared).ears
    assert only.network == expected


# --- What is told of it -------------------------------------------------------------------------------------------------

EAR = "needs exactly one key that says who is listened to:"
OUTAGE = "it is heard over a network, whose outage must not be taken for its silence:"
HALF_AN_HOUR = (
    "and must be at least 30min where nobody shows that the network works: raise it, or name a network that has a witness"
)
PROBLEMS = [
    ("heartbeat = 5\n", "4: device.gn.heartbeat: must be true or false, or an ear, or a list of ears, not …"),
    ("heartbeat = [5]\n", "4: device.gn.heartbeat: must be true or false, or an ear, or a list of ears, not …"),
    (
        "heartbeat = []\n",
        "4: device.gn.heartbeat: the list is empty: write heartbeat = false if the guest gives no signs of life",
    ),
    ("heartbeat = {}\n", f'4: device.gn.heartbeat: {EAR} one of "http", "banner", "ping", …'),
    ("heartbeat = [{ knock = 'a' },\n{ every = 5 }]\n", f"5: device.gn.heartbeat[1]: {EAR} one of …"),
    ("heartbeat = { knock = 'a', wire = 'b' }\n", f'4: device.gn.heartbeat: {EAR} not both of "knock", "wire"'),
    ("heartbeat = { knock = ' ' }\n", '4: device.gn.heartbeat.knock: must be a host name or an IP address, not " "'),
    (
        "heartbeat = { knock = 'a', ever = 5 }\n",
        "4: device.gn.heartbeat.ever: unknown key: the nearest that …",
    ),
    ("heartbeat = { knock = 'a', port = 5 }\n", "4: device.gn.heartbeat.port: unknown key: it belongs in [device.NAME]"),
    ("heartbeat = { board = false }\n", "4: device.gn.heartbeat.board: must be true, not false"),
    ("heartbeat = { board = true, every = 5 }\n", "4: device.gn.heartbeat.every: unknown key: …"),
    ("still_on = 5\n", "4: device.gn.still_on: must be { watts = NUMBER }, or an ear, not 5"),
    ("still_on = { watts = 0 }\n", "4: device.gn.still_on.watts: must be a finite number above 0, not 0"),
    ("still_on = { board = true }\n", f"4: device.gn.still_on: {EAR} one of …"),
    ("network = 5\n", "4: device.gn.network: must be a non-empty string of printable characters, not 5"),
    # networks
    ("[network]\nlan2 = 5\n", "5: network.lan2: must be a table, not 5"),
    ("[network.none]\nwitness = { knock = 'a' }\n", '4: network.none: "none" stands for no network: rename it'),
    ("[network.LAN]\nwitness = { knock = 'a' }\n", "4: network.LAN: a network name has …"),
    ("[network.lan2]\nwitnes = 5\nwitness = { knock = 'a' }\n", "5: network.lan2.witnes: unknown key: …"),
    (
        "[network.lan2]\nwitness = 5\n",
        "5: network.lan2.witness: must be an ear, or a list of ears, not 5",
    ),
    ("[network.lan2]\nwitness = { knock = 'a', every = 5 }\n", "5: network.lan2.witness.every: unknown key: …"),
    ("[network.lan2]\nwitness = { knock = 'a', network = 'lan' }\n", "5: network.lan2.witness.network: unknown key: …"),
    (
        "[network.lan2]\nwitness = [{ knock = 'a' },\n{ letter = 'b' }]\n",
        "6: network.lan2.witness[1].letter: an ear of this kind only waits, and a witness has to be asked: take another kind",
    ),
    ("[network.lan2]\n", "4: network.lan2.witness: missing: name who answers as long as this network works, and is no guest, …"),
    ("[network.lan2]\nwitness = []\n", "5: network.lan2.witness: missing: …"),
    # between keys
    (
        "heartbeat = { knock = 'gn', network = 'wan' }\n",
        '4: device.gn.heartbeat.network: there is no network called "wan"; those that there are: "lan", "none"',
    ),
    ("heartbeat = { knock = 'gn' }\nnetwork = 'wan'\n", '5: device.gn.network: there is no network called "wan"; …'),
    ("heartbeat = { wire = 'a' }\nstill_on = { knock = 'gn' }\nnetwork = 'wan'\n", "6: device.gn.network: there is no …"),
    (
        "heartbeat = { knock = 'gn' }\n[network.far]\nwitness = { knock = '10.9.0.1' }\n",
        f'4: device.gn.heartbeat: {OUTAGE} say by network which of "far", "lan" that is',
    ),
    (
        "heartbeat = { knock = 'gn' }\nnetwork = 'none'\n",
        f"5: device.gn.network: heartbeat_timeout is 5min, {HALF_AN_HOUR}",
    ),
    (
        "heartbeat_timeout = '29min'\nheartbeat = { knock = 'gn', network = 'none' }\n",
        f"4: device.gn.heartbeat_timeout: heartbeat_timeout is 29min, {HALF_AN_HOUR}",
    ),
    (
        "heartbeat = [{ board = true }, { knock = 'gn' },\n{ wire = 'x', every = '101s' }]\n",
        "5: device.gn.heartbeat[2].every: heartbeat_timeout is 5min, and must be at least 3 times every, which is 5min3s: …",
    ),
    (
        "heartbeat_timeout = 29\nheartbeat = { wire = 'x' }\n",
        "4: device.gn.heartbeat_timeout: heartbeat_timeout is 29s, and must be at least 3 times every, which is 30s: …",
    ),
    (
        "network = 'far'\nheartbeat = { page = 'http://gn:81/' }\n[network.far]\nwitness = [{ knock = 'x' },\n{ knock = 'GN'}]\n",
        '8: network.far.witness[1].knock: gn is "gn", which does not answer while it is off: take somebody who is no guest',
    ),
    ("[network.far]\nwitness = { knock = '127.0.0.1' }\n", "5: network.far.witness.knock: 127.0.0.1 is this computer, which …"),
    (
        "[network.far]\nwitness = { page = 'http://localhost/' }\n",
        "5: network.far.witness.page: localhost is this computer, which answers whatever the network does: take …",
    ),
]


@pytest.mark.parametrize(("text", "problem"), PROBLEMS, ids=[problem for _, problem in PROBLEMS])
def test_each_problem_is_told_once_with_its_place(text: str, problem: str) -> None:
    (told,) = problems(f"{GUEST}{text}{LAN}")
    if problem.endswith("…"):
        told = told[: len(problem) + 1] + "…"
    assert told == f"f:{problem}"


def test_without_any_network_a_guest_cannot_be_heard_over_one() -> None:
    (told,) = problems(f"{GUEST}heartbeat = {{ knock = 'gn' }}\n")
    assert told == f"f:4: device.gn.heartbeat: {OUTAGE} describe that in [network.NAME], with a witness"
    assert heard("heartbeat = { wire = 'x' }", "").ears == (Wire(wire="x"),)
    (told,) = problems(f"{GUEST}heartbeat = {{ knock = 'gn', network = 'lan' }}\n")
    assert told == 'f:4: device.gn.heartbeat.network: there is no network called "lan"; those that there are: "none"'


@pytest.mark.parametrize("ear", ["knock = '{}'", "page = 'http://{}:80/x?y=http://z/'", "greeting = '{}:22'"])
@pytest.mark.parametrize("host", ["gn", "10.0.0.11", "[fd00::1]"])
def test_a_witness_is_no_guest_however_it_is_asked(ear: str, host: str) -> None:
    text = f"{GUEST}heartbeat = {{ {ear.format(host)} }}\n[network.lan]\nwitness = {{ knock = '{host}' }}\n"
    (told,) = problems(text)
    assert told.startswith("f:6: network.lan.witness.knock: ")
    assert loads(text.replace(f"witness = {{ knock = '{host}", "witness = { knock = 'other"), "f").networks


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.255.0.9", "127.1", "127.0.1", "2130706433", "0.0.0.0", "0"),  # noqa: S104 - a witness, nobody binds to it
        *("::1", "[::1]", "::", "::ffff:127.0.0.1", "::1%lo", "0:0::1"),
        *("localhost", "LocalHost", "localhost.localdomain", "ip6-localhost", "ip6-loopback", "gn.localhost"),
    ],
)
def test_a_witness_is_not_this_computer_by_whatever_name(host: str) -> None:
    (told,) = problems(f"{GUEST}[network.lan]\nwitness = {{ knock = '{host}' }}\n")
    assert "is this computer, which answers whatever the network does" in told


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "10.1", "128.1", "1.127.0.1", "127", "fe80::1", "localhost.lan", "my-localhost", "127.lan"]
)
def test_a_witness_may_be_anybody_else(host: str) -> None:
    assert loads(f"{GUEST}[network.lan]\nwitness = {{ knock = '{host}' }}\n", "f").networks


@pytest.mark.parametrize(("guest", "witness"), [("fd00::1", "[fd00::1]"), ("[fd00::1]", "fd00::1"), ("GN", "gn")])
def test_a_host_is_the_same_however_it_is_written(guest: str, witness: str) -> None:
    (told,) = problems(f"{GUEST}heartbeat = {{ knock = '{guest}' }}\n[network.lan]\nwitness = {{ knock = '{witness}' }}\n")
    assert told.startswith("f:6: network.lan.witness.knock: ")


def test_a_guest_on_a_board_that_hears_nobody_is_heard_otherwise() -> None:
    strip = "[board.rail]\nkind = 'strip'\nhost = 'h'\n"
    missing = 'board "rail" hears nobody: say how it is heard, as in { http = "http://gn/health" }, or false'
    assert problems(strip + GUEST) == [f"f:4: device.gn.heartbeat: missing: {missing}"]
    assert problems(f"{strip}{GUEST}heartbeat = true\n") == [f"f:7: device.gn.heartbeat: {missing}"]
    assert problems(f"{strip}{GUEST}[defaults]\nheartbeat = true\n") == [f"f:8: defaults.heartbeat: {missing}"]


def test_what_the_board_shows_rarely_is_of_no_matter_to_a_guest_that_it_does_not_hear() -> None:
    keys = "heartbeat = { wire = 'x' }\nbeat_interval = '10min'\nstop_silence = 5\n[board]\npoll = '10min'\ndialect = 'v4'\n"
    assert heard(keys.replace("port = 1", "port = 2")).stop_silence_s == 5


@pytest.mark.parametrize(
    ("heartbeat", "shutdown", "is_warned"),
    [
        ("{ knock = 'gn' }", "['halt']", True),
        ("[{ knock = 'gn' }, { wire = 'x' }]", "['halt']", True),
        ("{ knock = 'gn' }", "[]", False),
        ("[{ knock = 'gn' }, { page = 'http://gn/' }]", "['halt']", False),
        ("[{ knock = 'gn' }, { board = true }]", "['halt']", False),
        ("false", "['halt']", False),
    ],
)
def test_a_kernel_alone_is_a_weak_sign_of_life(
    tmp_path_factory: pytest.TempPathFactory,
    heartbeat: str,
    shutdown: str,
    is_warned: bool,
) -> None:
    path = tmp_path_factory.mktemp("f") / "f"
    path.write_text(f"[device.gn]\nport = 1\nshutdown = {shutdown}\nheartbeat = {heartbeat}\n{LAN}")
    loads(path.read_text(), "f")
    told = advice(str(path))
    assert len(told) == is_warned
    assert all(line.startswith(f"{path}:4: device.gn.heartbeat: warning: ") for line in told)


@pytest.mark.parametrize(
    ("heartbeats", "told"),
    [
        (("{ page = 'http://gn/' }", "{ page = 'http://nx/' }"), None),
        (("{ page = 'http://gn/' }", "{ knock = 'gn' }"), None),
        (("[{ page = 'http://gn/' },\n{ page = 'http://gn/' }]", "false"), None),
        (("{ page = 'http://gn/' }", "{ page = 'http://gn/', every = '20s', timeout = '1s' }"), "8: device.nx.heartbeat.page"),
        (("{ page = 'http://gn/' }", "[{ knock = 'nx' },\n{ page = 'http://gn/' }]"), "9: device.nx.heartbeat[1].page"),
    ],
)
def test_two_guests_that_are_heard_in_the_same_way_are_a_warning(
    tmp_path: Path, heartbeats: tuple[str, str], told: str | None
) -> None:
    path = tmp_path / "f"
    one, other = heartbeats
    guest = "[device.{}]\nport = {}\nshutdown = []\nheartbeat = {}\n"
    path.write_text(f"{guest.format('gn', 1, one)}{guest.format('nx', 2, other)}{LAN}")
    loads(path.read_text(), "f")
    said = 'warning: "nx" is heard by page http://gn/, and so is "gn"'
    assert [line.partition(": while one")[0] for line in advice(str(path))] == ([f"{path}:{told}: {said}"] if told else [])


@pytest.mark.parametrize(
    ("keys", "is_told"),
    [
        ("heartbeat = false\nheartbeat_timeout = '5min'\n", True),
        ("heartbeat = false\n[defaults]\nheartbeat_timeout = '5min'\n", False),
        ("heartbeat_timeout = '5min'\n", False),
    ],
)
def test_a_patience_with_a_guest_that_nobody_hears_is_a_warning(tmp_path: Path, keys: str, *, is_told: bool) -> None:
    path = tmp_path / "f"
    path.write_text(f"[device.gn]\nport = 1\nshutdown = []\n{keys}")
    loads(path.read_text(), "f")
    told = advice(str(path))
    assert len(told) == is_told
    assert all(line.startswith(f"{path}:5: device.gn.heartbeat_timeout: warning: nobody hears this guest") for line in told)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("heartbeat = { page = 'http://gn/', timeout = '100s' }\n", None),
        (
            "heartbeat = { page = 'http://gn/', timeout = '101s' }\n",
            "4: device.gn.heartbeat.timeout: warning: timeout is 1min41s, and should be at most a third of heartbeat_timeout",
        ),
        ("[network.far]\nwitness = { page = 'http://a/', timeout = '2min30s' }\n", None),
        (
            "[network.far]\nwitness = [{ page = 'http://a/' },\n{ page = 'http://b/', timeout = '151s' }]\n",
            "6: network.far.witness[1].timeout: warning: timeout is 2min31s, and should be at most 2min30s: no silence counts",
        ),
    ],
)
def test_an_answer_that_is_waited_for_too_long_is_a_warning(tmp_path: Path, keys: str, told: str | None) -> None:
    path = tmp_path / "f"
    path.write_text(f"[device.gn]\nport = 1\nshutdown = ['halt']\n{keys}{LAN}")
    loads(path.read_text(), "f")
    assert [line.startswith(f"{path}:{told}") for line in advice(str(path))] == [True] * (told is not None)


@pytest.mark.parametrize(
    ("keys", "is_told"),
    [
        ("heartbeat_timeout = '44min'\n", False),
        ("heartbeat_timeout = '45min'\n", True),
        ("heartbeat_timeout = '45min'\nheartbeat = false\n", False),
        (f"heartbeat_timeout = '45min'\nheartbeat = {{ page = 'http://gn/' }}\n{LAN}", False),
    ],
)
def test_a_silence_that_a_wagman_never_shows_is_a_warning(tmp_path: Path, keys: str, is_told: bool) -> None:
    path = tmp_path / "f"
    path.write_text(f"[device.gn]\nport = 1\nshutdown = ['halt']\n{keys}")
    loads(path.read_text(), "f")
    start = f"{path}:4: device.gn.heartbeat_timeout: warning: "
    told = 'heartbeat_timeout is 45min, and board "board" shows no silence of 45min'
    assert sum(line.startswith(start + told) for line in advice(str(path))) == is_told


def test_how_guests_are_heard_changes_with_a_restart() -> None:
    old = loads(f"{GUEST}heartbeat = {{ knock = 'gn' }}\n{LAN}", "f")
    new = loads(
        f"{GUEST}heartbeat = {{ knock = 'cs' }}\nstill_on = {{ knock = 'gn' }}\nnetwork = 'lan'\n"
        + LAN.replace("10.0.0.1", "10.0.0.2")
        + LAN.replace("lan", "far"),
        "f",
    )
    changed = change(old, new)
    assert (changed.config, changed.live) == (old, ())
    assert changed.waiting == (
        "network.lan.witness",
        "device.gn.heartbeat",
        "device.gn.network",
        "device.gn.still_on",
        "network.far",
    )


def test_nothing_is_concluded_from_a_table_that_holds_a_wrong_key() -> None:
    findings = Findings()
    findings.add(("a", "b", 0, "c"), "wrong")
    findings.judge([Finding(("a", "b"), "no"), Finding(("d",), "no", (("a",),)), Finding(("a", "b", 0, "x"), "yes")])
    assert findings.render("f", {}) == ("f:1: a.b[0].c: wrong", "f:1: a.b[0].x: yes")
