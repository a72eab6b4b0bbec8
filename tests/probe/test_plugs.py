"""Asking everybody around a plug: a fake rail that is a process, and guests that are real servers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define

from tests.ports import free_port
from tests.probe.kit import OUR_OWN, Rail, Web, rail, web
from wagman.cli import main
from wagman.config.boards import PlainBoard
from wagman.fake.plain import FakePlugs
from wagman.io.ears import addresses
from wagman.model.backend import Backend, Identity
from wagman.probe.answers import Answer, Answers, Asked
from wagman.probe.boards import ask_plain
from wagman.probe.table import shown


@pytest.fixture(scope="module")
def shelly() -> Iterator[Rail]:
    with rail("shelly", "--on-restore", "on") as made:
        yield made


@pytest.fixture
def page() -> Iterator[Web]:
    with web() as made:
        yield made


@define
class Site:
    """A configuration, and the command."""

    path: Path
    capsys: pytest.CaptureFixture[str]

    def write(self, text: str) -> None:
        self.path.write_text(f'[service]\nsocket = "{self.path.parent}/none"\n{text}')

    def probe(self, *words: str) -> tuple[int, str]:
        code = main(["probe", *words, "--config", str(self.path)])
        return code, self.capsys.readouterr().out

    def json(self, *words: str) -> Any:
        return json.loads(self.probe(*words, "--json")[1])

    def ask(self) -> tuple[int, list[str]]:
        """What `check-config --ask` says, and with which code it ends."""
        code = main(["check-config", "--ask", str(self.path)])
        return code, [line.removeprefix(f"{self.path}:") for line in self.capsys.readouterr().err.splitlines()]


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(addresses, "is_own", lambda _: False)  # everybody around these tests is on this computer
    return Site(tmp_path / "wagman.toml", capsys)


MAST = """[board]
kind = "shelly"
host = "{rail}"
[network.lan]
witness = {{ tcp = "{rail}" }}
[device.gn]
port = 0
heartbeat = {{ http = "{page}" }}
shutdown = []
"""


def mast(site: Site, shelly: Rail, page: Web, more: str = "") -> None:
    site.write(MAST.format(rail=shelly.host, page=page.url) + more)


def test_who_answers_is_shown_with_how_long_it_took(site: Site, shelly: Rail, page: Web) -> None:
    mast(site, shelly, page)
    code, out = site.probe()
    assert code == 0
    who, lan, board, port = [line.split() for line in out.splitlines() if line.split()[:1] in (["gn"], ["lan"], ["board"], ["0"])]
    assert who[1:4] == ["http", page.url, "yes"]
    assert (lan[1:4], lan[-1]) == (["tcp", shelly.host, "yes"], "witness")
    assert board[1] == "yes"
    assert "id AABBCCDDEEFF" in out
    assert port[:3] == ["0", "(gn)", "off"]


def test_a_witness_that_is_this_computer_is_none(site: Site, shelly: Rail, page: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    mast(site, shelly, page)
    [witness], [source] = (site.json()[which] for which in ("witnesses", "sources"))
    assert (witness["answered"], source["answered"]) == (False, True)
    assert witness["why"] == "it is this computer, which answers whatever the network does"
    assert site.probe()[0] == 1


def test_the_same_is_told_to_programs(site: Site, shelly: Rail, page: Web) -> None:
    mast(site, shelly, page)
    told = site.json()
    for each in (*told["sources"], *told["witnesses"], *told["boards"]):
        assert each["answered"] is True
        assert 0 < each["took_s"] < 5
        assert each["why"] is None
    [board] = told["boards"]
    assert (board["board"], board["kind"], board["board_id"]) == ("board", "shelly", "AABBCCDDEEFF")
    assert board["ports"] == [{"port": "0", "device": "gn", "power": "off", "watts": 0.0, "by": "init", "why": None}]


def test_nothing_is_switched(site: Site, shelly: Rail, page: Web) -> None:
    before = shelly.switched
    mast(site, shelly, page)
    site.probe()
    site.ask()
    assert shelly.switched == before


def test_a_source_that_does_not_answer_is_shown_with_the_reason_and_is_exit_1(site: Site, shelly: Rail, page: Web) -> None:
    page.status = 503
    closed = free_port()
    more = (
        f'[device.cs]\nport = 1\nshutdown = []\nheartbeat = [{{ tcp = "127.0.0.1:{closed}" }},\n'
        f'{{ banner = "{page.url[7:-7]}", timeout = "200ms" }}, {{ http = "http://nobody.invalid/" }}]\n'
    )
    mast(site, shelly, page, more)
    code, _ = site.probe()
    assert code == 1
    gn, tcp, banner, http = site.json()["sources"]
    assert [each["answered"] for each in (gn, tcp, banner, http)] == [False] * 4
    assert gn["why"] == "it answers 503"
    assert tcp["why"] == "Connection refused"
    assert banner["why"] == "nothing came within 0.2 s"
    assert http["why"].startswith("it cannot be asked: the name nobody.invalid cannot be looked up")


def test_a_command_to_be_copied_is_below_the_tables_in_one_line_and_once() -> None:
    command = 'sysctl -w net.ipv4.ping_group_range="0 2147483647"'
    no = Answer("no", why=f"no ping may be sent: net.ipv4.ping_group_range lets no group do so; try: {command}")
    asked = tuple(Asked(whose, "ping 10.31.81.2", no) for whose in ("gn", "nc"))
    lines = shown(Answers(asked, (Asked("lan", "ping 10.31.81.1", no),), ()))
    assert lines[-2:] == ["", f"try: {command}"]
    assert " ".join(lines).count("try: ") == 1
    assert " ".join(lines).count("no ping may") == 3


def test_what_else_must_be_silent_is_asked_too_and_a_command_as_well(site: Site, shelly: Rail, page: Web) -> None:
    mast(site, shelly, page, 'still_on = { exec = ["false"] }\n')
    [_, halted] = site.json()["sources"]
    assert halted["still_on"] is True
    assert (halted["answered"], halted["why"]) == (False, "it did not answer as expected")


def test_a_guest_that_speaks_by_itself_cannot_be_asked_without_a_service(site: Site, shelly: Rail, page: Web) -> None:
    mast(site, shelly, page, "[device.cs]\nport = 1\nshutdown = []\nheartbeat = { udp = 9000 }\n")
    [told] = site.json("cs")["sources"]
    assert told["answered"] is None
    assert "speaks by itself" in told["why"]


def test_one_guest_is_asked_with_its_witnesses_and_its_board_only(site: Site, shelly: Rail, page: Web) -> None:
    mast(
        site,
        shelly,
        page,
        '[device.cs]\nport = 1\nshutdown = []\nheartbeat = { exec = ["true"] }\nnetwork = "none"\nheartbeat_timeout = "1h"\n',
    )
    told = site.json("cs")
    assert [each["source"] for each in told["sources"]] == ["exec true"]
    assert told["witnesses"] == []
    assert [port["device"] for port in told["boards"][0]["ports"]] == ["cs"]


def test_a_guest_that_is_not_there_is_exit_2(site: Site, shelly: Rail, page: Web) -> None:
    mast(site, shelly, page)
    assert site.probe("nn")[0] == 2
    site.write("[device.gn]\n")
    assert site.probe() == (2, "")


@pytest.mark.parametrize("fault", ["garbage", "error", "half", "refuse"])
def test_a_board_that_talks_nonsense_is_one_that_does_not_answer(site: Site, shelly: Rail, page: Web, fault: str) -> None:
    mast(site, shelly, page)
    shelly.do(f"net {fault}")
    try:
        [board] = site.json()["boards"]
        assert (board["answered"], board["ports"]) == (False, [])
        assert board["why"]
        code, [told] = site.ask()
        assert code == 1
        assert told.startswith("4: board.kind: it cannot be compared: ")
    finally:
        shelly.do("net ok")


# --- check-config --ask -------------------------------------------------------------------------------------------------


def test_the_id_to_put_into_the_file_is_told_and_is_nothing_wrong(site: Site, shelly: Rail, page: Web) -> None:
    mast(site, shelly, page)
    code, [told] = site.ask()
    assert code == 0
    assert told.startswith('4: board.kind: AABBCCDDEEFF answers there: with id = "AABBCCDDEEFF"')
    mast(site, shelly, page)
    site.path.write_text(site.path.read_text().replace("[network", 'id = "AA:BB:CC:DD:EE:FF"\n[network'))
    assert site.ask() == (0, [])


def test_another_board_than_the_one_that_is_meant_is_told(site: Site, shelly: Rail, page: Web) -> None:
    mast(site, shelly, page)
    site.path.write_text(site.path.read_text().replace("[network", 'id = "001122334455"\n[network'))
    code, [told] = site.ask()
    assert code == 1
    assert "AABBCCDDEEFF answers at" in told


def test_what_a_return_of_its_power_does_is_compared(site: Site, shelly: Rail, page: Web) -> None:
    for stated, codes in (("on", 0), ("off", 1), ("unknown", 0)):
        mast(site, shelly, page)
        text = site.path.read_text().replace("[network", f'id = "AABBCCDDEEFF"\non_restore = "{stated}"\n[network')
        site.path.write_text(text)
        code, told = site.ask()
        assert code == codes
        assert told == (
            [f'7: board.on_restore: the file says "{stated}", and the board is set to "on": change one of them'] * codes
        )


def test_a_port_that_the_board_does_not_have_is_told_at_its_line(site: Site, shelly: Rail, page: Web) -> None:
    mast(site, shelly, page, "[device.cs]\nport = 9\nshutdown = []\nheartbeat = false\n")
    code, [_, told] = site.ask()
    assert code == 1
    assert told == "13: device.cs.port: port 9: the board tells nothing of it: has it such a port?"


def test_a_meter_that_is_not_there_is_told_at_the_key_that_rests_on_it(site: Site, shelly: Rail, page: Web) -> None:
    mast(site, shelly, page, "still_on = { watts = 2 }\n")
    assert site.ask()[0] == 0
    site.path.write_text(site.path.read_text().replace("[network", 'meter = "none"\n[network'))
    code, [_, told] = site.ask()
    assert code == 1
    assert told.startswith("13: device.gn.still_on: the board board has no meter")


def test_boards_that_are_commands_are_asked_and_a_port_that_one_does_not_have_is_no_others_fault(site: Site) -> None:
    status = json.dumps(["sh", "-c", '[ "$0" = a ] && exit 0; echo no such plug; exit 1', "%p"])
    site.write(
        f'[board.odd]\nkind = "exec"\non = ["true", "%p"]\noff = ["true", "%p"]\nstatus = {status}\n'
        + "".join(f"[device.{name}]\nport = '{name}'\nshutdown = []\nheartbeat = false\n" for name in ("a", "b"))
    )
    [board] = site.json()["boards"]
    assert [(port["power"], port["why"] is None) for port in board["ports"]] == [("on", True), ("unknown", False)]


def test_a_board_that_need_not_tell_is_not_blamed_for_it(site: Site) -> None:
    site.write(
        '[board.odd]\nkind = "exec"\non = ["true"]\noff = ["true"]\n'
        f'[network.lan]\nwitness = {{ tcp = "{OUR_OWN}:1" }}\n'
        '[device.a]\nport = 1\nshutdown = []\nheartbeat = { exec = ["true"] }\nstart_timeout = "5min"\nstop_silence = "2min"\n'
    )
    assert site.json()["boards"][0]["ports"][0]["why"] is None


def test_a_kind_of_board_with_a_defect_is_one_that_does_not_answer() -> None:
    class Defective(FakePlugs):
        async def greet(self) -> Identity:
            raise KeyError("mac")

    class Board(PlainBoard):
        def backend(self) -> Backend:
            return Defective({})

    seen = trio.run(ask_plain, Board(), ())
    assert (seen.answer.came, seen.answer.why) == (
        "no",
        "it cannot be asked, for its kind of board has a defect: KeyError: 'mac'",
    )
