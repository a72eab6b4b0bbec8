"""`wagman test`: what it refuses, what it makes of what happens, and what it does to the service."""

import os
import pty
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.kit import WAGMAN, Daemon
from tests.service.test_recollection import told
from wagman.cli.drill import LEFT_ALONE_S, Rehearsal
from wagman.cli.drill.harm import why_not
from wagman.cli.drill.steps import MARGIN_S, STOP_S, Drill
from wagman.cli.outcome import CommandError
from wagman.client.errors import LostError
from wagman.model.catalogue import EVENT_TYPES
from wagman.simulation.play import Scenario, play
from wagman.simulation.records import EventShown, Record, RelayMoved
from wagman.simulation.script import parse
from wagman.simulation.sites import site

METHODS = ("status", "stop", "start", "maintenance")


def row(name: str = "gn", **more: Any) -> dict[str, Any]:
    known = {"name": name, "board": "board", "self": False, "state": "started", "wanted": "up", "heartbeat_age_s": 3.0}
    return {**known, "stale": False, "alarms": [], "term": None, "command_trouble": None, "has_shutdown": True, **more}


def status(*rows: dict[str, Any], problems: Any = (), blind: bool = False, wagman: str = "normal") -> Any:
    board = {"name": "board", "blind": blind}
    return {"board": board, "boards": [board], "wagman": {"state": wagman}, "problems": problems, "devices": rows or (row(),)}


# --- What is refused --------------------------------------------------------------------------------------------------


def test_a_guest_that_is_well_on_a_node_that_is_well_can_be_tested() -> None:
    resting = row("cs", state="stopped")
    unsettled: Any = [{"severity": "warning", "device": "cs", "text": "cs runs from its other medium"}]
    assert why_not(status(row(), resting, problems=unsettled), "gn", METHODS) == ""


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        ({"self": True}, "the computer that the service runs on"),
        ({"state": "stopped"}, "it is stopped"),
        ({"state": "maintenance"}, "it is maintenance"),
        ({"wanted": "down"}, "is to run"),
        ({"has_shutdown": False}, "would be cut while it runs"),
        ({"command_trouble": "no such file"}, "cannot be asked to halt: no such file"),
        ({"stale": True}, "the board cannot be seen"),
        ({"heartbeat_age_s": None}, "it is not heard"),
        ({"alarms": [{"name": "stable", "in_s": 9.0}]}, "not been up for long"),
    ],
)
def test_a_drill_that_would_harm_or_prove_nothing_is_refused(trouble: dict[str, Any], says: str) -> None:
    assert says in why_not(status(row(**trouble)), "gn", METHODS)


@pytest.mark.parametrize(
    ("node", "says"),
    [
        (status(blind=True), "the board cannot be seen"),
        (status(wagman="hibernating"), "would not be started again"),
        (status(row(), row("cs", state="starting")), "cs is starting: one at a time"),
        (status(problems=[{"severity": "critical", "device": None, "text": "no board"}]), "wrong already: no board"),
        (status(problems=[{"severity": "warning", "device": "gn", "text": "gn flaps"}]), "wrong already: gn flaps"),
    ],
)
def test_a_node_that_is_not_well_is_left_alone(node: Any, says: str) -> None:
    assert says in why_not(node, "gn", METHODS)


def test_a_service_that_cannot_call_it_off_is_not_asked() -> None:
    assert "this service is older" in why_not(status(), "gn", ("status", "stop", "start"))


# --- What it makes of what happens ------------------------------------------------------------------------------------


def event(at_s: float, what: str, *, boot: str = "a", device: str = "gn", **fields: Any) -> Any:
    return {"boot_id": boot, "mono_s": at_s, "type": f"device.{what}", "device": device, "fields": fields}


ASKED = event(10, "stopping", reason="asked by the operator")
TOLD = event(12, "message", message="shutdown", ok=True, detail="exit status 0", output="")
SILENT = event(80, "stopped", reason="asked by the operator", silent_s=60.0)
REST = (event(83, "off"), event(84, "starting"), event(120, "started", media="emmc"))


def drilled(*events: Any) -> Drill:
    drill = Drill("gn")
    for each in events:
        drill.heard(each, each["mono_s"] + 1000)
    return drill


def test_each_step_is_told_with_how_long_it_took() -> None:
    drill = drilled(ASKED, TOLD, SILENT, *REST)
    assert drill.is_over
    assert drill.steps == [
        "asked to halt",
        "its shutdown command reached it after 2 s",
        "it fell silent after 10 s, and was for 1 min",
        "its power was seen off",
        "it is being started",
        "it was up after 36 s, from emmc",
    ]
    assert drill.document() == {
        "guest": "gn",
        "outcome": "done",
        "told_s": 2,
        "silent_s": 10,
        "off_s": 73,
        "started_s": 36,
        "media": "emmc",
        "reason": None,
    }


def test_it_is_started_once_its_power_is_off_unless_it_is_already() -> None:
    assert not drilled(ASKED, TOLD, SILENT).wants_start
    assert drilled(ASKED, TOLD, SILENT, REST[0]).wants_start
    assert not drilled(ASKED, TOLD, SILENT, REST[1], REST[0]).wants_start


def test_a_command_that_fails_is_told_of_with_its_last_words_and_the_drill_is_called_off() -> None:
    drill = drilled(ASKED, {**TOLD, "fields": {"ok": False, "detail": "exit status 255", "output": "ssh: hm\nno route to gn\n"}})
    assert drill.trouble == "its shutdown command failed: exit status 255: no route to gn"
    assert drill.has_to_be_called_off


@pytest.mark.parametrize("state", ["stopping", "restarting"])
def test_a_guest_that_goes_on_running_is_left_alone_before_it_would_be_cut(state: str) -> None:
    drill = drilled(ASKED, TOLD)
    drill.seen(status(row(state=state, alarms=[{"name": "timeout", "in_s": MARGIN_S + 1}, {"name": "heartbeat", "in_s": 1.0}])))
    assert not drill.is_over
    drill.seen(status(row(state=state, alarms=[{"name": "timeout", "in_s": MARGIN_S}])))
    assert drill.trouble == "it was told to halt, and goes on running"
    assert drill.has_to_be_called_off


OURS = {"kind": "stop", "in_s": STOP_S}


@pytest.mark.parametrize(
    ("node", "says"),
    [
        (status(row(state="stopping", wanted="down")), "somebody else has stopped it meanwhile"),
        (status(row(state="stopped", wanted="down", term={"kind": "stop", "in_s": 86_400.0})), "somebody else has stopped it"),
        (status(row(state="maintenance", wanted="down", term={"kind": "maintenance", "in_s": 9.0})), "put it into maintenance"),
        (status(row(state="stopping", wanted="down", term=OURS), wagman="will_hibernate"), "are being taken down meanwhile"),
    ],
)
def test_one_that_somebody_else_wants_something_of_ends_with_words_and_is_left_to_them(node: Any, says: str) -> None:
    drill = drilled(ASKED, TOLD)
    drill.seen(status(row(state="stopping", wanted="down", term=OURS)))
    assert not drill.is_over
    drill.seen(node)
    assert says in drill.trouble
    assert not drill.has_to_be_called_off


@pytest.mark.parametrize(
    ("events", "says"),
    [
        ([ASKED, TOLD, event(15, "power_lost")], "its power was lost meanwhile"),
        ([ASKED, TOLD, event(15, "stopped", reason="killed by the operator")], "killed by the operator"),
        ([ASKED, TOLD, SILENT, *REST[:2], event(300, "start_failed")], "did not come up again"),
    ],
)
def test_whatever_else_comes_of_it_is_no_success_and_nothing_that_can_be_called_off(events: list[Any], says: str) -> None:
    drill = drilled(*events)
    assert says in drill.trouble
    assert not drill.has_to_be_called_off


def test_a_message_that_fails_once_it_was_told_means_nothing() -> None:
    assert not drilled(ASKED, TOLD, {**TOLD, "fields": {"ok": False}}).trouble


def test_other_guests_do_not_count() -> None:
    assert drilled({**ASKED, "device": "cs"}).steps == []


@given(
    st.lists(
        st.builds(
            event,
            st.floats(0, 1e6),
            st.sampled_from([each.removeprefix("device.") for each in EVENT_TYPES if each.startswith("device.")]),
            boot=st.sampled_from("ab"),
            silent_s=st.none() | st.floats(0, 99) | st.text(max_size=3),
            ok=st.none() | st.booleans(),
        )
    )
)
def test_whatever_is_told_a_success_has_every_step(events: list[Any]) -> None:
    drill = drilled(*events)
    if drill.is_over and not drill.trouble:
        assert {"silent", "starting", "started"} <= {*drill._at_s}
    assert not (drill.has_to_be_called_off and not drill.trouble)


def test_the_service_tells_all_that_a_drill_needs() -> None:
    drill, moved = Drill("gn"), list[RelayMoved]()

    def watch(record: Record) -> None:
        if isinstance(record, EventShown):
            drill.heard(record.event.as_json(), record.at_s)  # type: ignore[arg-type]
        elif isinstance(record, RelayMoved) and record.plug.port == 1:
            moved.append(record)

    play(Scenario(1, site("one"), parse("15 min; gn: stop; 2 min; gn: start; 3 min")), watch)
    took = drill.document()
    assert took["outcome"] == "done"
    assert took["told_s"] == pytest.approx(1)
    assert took["silent_s"] == pytest.approx(1 + 10, abs=10)  # it takes 10 s to halt; a beat, and when the board told of it
    assert took["off_s"] == pytest.approx(moved[-2].at_s - 900, abs=10)
    assert took["started_s"] == pytest.approx(30, abs=10)


@pytest.mark.parametrize(
    "trouble",
    ["message lost; gn: stop for 900; 20 s", "guest gn ignore=1; gn: stop for 900; 9 min; 30 s"],
    ids=["broken", "deaf"],
)
def test_a_guest_that_does_not_halt_is_not_cut_where_the_drill_is_called_off(trouble: str) -> None:
    """What the drill asks for then, asked of a whole node; each is answered before the next one."""
    story = told(
        f"20 min; {trouble}; gn: start; 1 s; gn: maintenance for {LEFT_ALONE_S:.0f}; 1 s; gn: maintenance; message ok; 30 min"
    )
    assert [cut for cut in story.cuts if cut.at_s > 1200 and cut.plug.port == 1] == []
    assert (story.rows()["gn"]["state"], story.rows()["gn"]["wanted"]) == ("started", "up")


# --- What it does to the service --------------------------------------------------------------------------------------


class Service:
    """A service that says what it is told to, and notes what it is asked for."""

    def __init__(self, *happens: Any, refuses: str = "", rows: Any = None) -> None:
        self.happens, self.refuses, self.rows = deque(happens), refuses, rows
        self.asked: list[Any] = []
        self.meanwhile: dict[str, Callable[[], object]] = {}  # what happens between such a request and its answer
        self.client = self

    def item(self, _within_s: float) -> Any:
        found = self.happens.popleft()
        if isinstance(found, BaseException):
            raise found
        if isinstance(found, signal.Signals):
            signal.raise_signal(found)
            return None
        return found

    def call(self, method: str, **params: Any) -> Any:
        if method == "status":
            return status(self.rows or row(state="stopping"))
        self.asked.append((method, params.get("for_s")))
        self.meanwhile.pop(method, int)()
        return {"accepted": method != self.refuses, "reason": "so it is", "state": "stopping", "event_id": 1}

    def drop(self) -> None:
        pass


def held(service: Service, *, is_quiet: bool = False) -> int:
    return Rehearsal(service, "gn", is_quiet=is_quiet).hold()  # type: ignore[arg-type]


CALLED_OFF = [("start", None), ("maintenance", LEFT_ALONE_S), ("maintenance", None)]


def test_a_drill_that_goes_well_stops_it_for_a_while_and_starts_it(capsys: pytest.CaptureFixture[str]) -> None:
    service = Service(ASKED, TOLD, SILENT, *REST)
    assert held(service) == 0
    assert service.asked == [("stop", STOP_S), ("start", None)]
    assert capsys.readouterr().out.splitlines()[-1] == "gn: the drill went well, 1 min 50 s"


def test_a_drill_whose_command_is_broken_cuts_nothing_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    service = Service(ASKED, {**TOLD, "fields": {"ok": False, "detail": "exit status 1"}})
    assert held(service) == 1
    assert service.asked == [("stop", STOP_S), *CALLED_OFF]
    assert capsys.readouterr().err == "wagman: gn: called off, and nothing was cut: its shutdown command failed: exit status 1\n"


ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT]


@pytest.mark.parametrize("number", ENDING)
def test_one_that_is_interrupted_before_it_fell_silent_is_called_off(number: signal.Signals) -> None:
    service = Service(ASKED, TOLD, number)
    assert held(service) == 128 + number
    assert service.asked == [("stop", STOP_S), *CALLED_OFF]


@pytest.mark.parametrize("number", ENDING)
def test_one_that_is_interrupted_while_it_begins_is_called_off(number: signal.Signals) -> None:
    service = Service(None)
    service.meanwhile["stop"] = lambda: signal.raise_signal(number)
    assert held(service) == 128 + number
    assert service.asked == [("stop", STOP_S), *CALLED_OFF]


@pytest.mark.parametrize("number", ENDING)
def test_who_interrupts_again_does_not_stop_the_calling_off_halfway(number: signal.Signals) -> None:
    service = Service(ASKED, TOLD, signal.SIGINT)
    service.meanwhile = dict.fromkeys(("start", "maintenance"), lambda: signal.raise_signal(number))
    assert held(service) == 128 + signal.SIGINT
    assert service.asked == [("stop", STOP_S), *CALLED_OFF]


def test_one_that_is_interrupted_after_that_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    service = Service(ASKED, TOLD, SILENT, signal.SIGTERM)
    assert held(service) == 128 + signal.SIGTERM
    assert service.asked == [("stop", STOP_S)]
    assert "it is started again by itself" in capsys.readouterr().err


def test_signals_mean_afterwards_what_they_meant_before_and_those_that_were_ignored_stay_so() -> None:
    numbers = (*ENDING, signal.SIGTSTP)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as under nohup
    try:
        were = [*map(signal.getsignal, numbers)]
        service = Service(ASKED, TOLD, signal.SIGHUP, signal.SIGTSTP, SILENT, *REST)
        assert held(service) == 0
        assert [*map(signal.getsignal, numbers)] == were
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(5, "Input/output error"), ZeroDivisionError()])
def test_one_whose_output_fails_is_called_off(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fails(*_text: object, **_how: object) -> None:
        raise error

    monkeypatch.setattr("wagman.cli.drill.print", fails, raising=False)
    service = Service(ASKED)
    with pytest.raises(type(error)):
        held(service)
    assert service.asked == [("stop", STOP_S), *CALLED_OFF]


def test_a_stop_that_is_not_answered_may_have_been_taken_and_is_called_off() -> None:
    def fails() -> None:
        raise LostError("no answer")

    service = Service()
    service.meanwhile["stop"] = fails
    assert held(service) == 1
    assert service.asked == [("stop", STOP_S), *CALLED_OFF]


def test_a_service_that_is_away_while_it_is_called_off_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise LostError("gone")

    monkeypatch.setattr("wagman.cli.drill._RETRY_S", 0.0)
    service = Service(ASKED, TOLD, signal.SIGINT)
    service.meanwhile["start"] = fails
    assert held(service) == 128 + signal.SIGINT
    assert service.asked == [("stop", STOP_S), CALLED_OFF[0], *CALLED_OFF]


class Deaf(Service):
    """A service whose answer to the end of a maintenance is lost, once, and that has no maintenance to be ended after it."""

    def call(self, method: str, **params: Any) -> Any:
        reply = super().call(method, **params)
        match self.asked.count(("maintenance", None)):
            case 1 if method == "maintenance" and "for_s" not in params:
                raise LostError("gone")
            case 2:
                return {**reply, "accepted": False, "reason": "it is not in maintenance"}
        return reply


def test_what_was_carried_out_and_not_answered_is_called_off_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("wagman.cli.drill._RETRY_S", 0.0)
    service = Deaf(ASKED, {**TOLD, "fields": {"ok": False}})
    assert held(service) == 1
    assert service.asked[1:] == [("start", None), ("maintenance", LEFT_ALONE_S), ("maintenance", None), ("maintenance", None)]
    assert "called off, and nothing was cut" in capsys.readouterr().err


def test_where_it_cannot_be_called_off_it_says_what_keeps_it_from_being_cut() -> None:
    service = Service(ASKED, {**TOLD, "fields": {"ok": False}}, refuses="maintenance")
    with pytest.raises(CommandError, match="wagman maintenance gn --for 1h keeps it from that"):
        held(service)


def test_a_service_that_is_away_for_a_while_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wagman.cli.drill._RETRY_S", 0.0)
    again = [{**each, "boot_id": "b", "mono_s": each["mono_s"] - 50} for each in REST]
    assert held(Service(ASKED, TOLD, LostError("gone"), LostError("gone"), SILENT, *again)) == 0


# --- On the command line ----------------------------------------------------------------------------------------------


@pytest.fixture
def up(daemon: Daemon) -> Iterator[Daemon]:
    """A service whose guest is up."""
    daemon.board("guest gn state=started wanted=up on=True")
    yield daemon
    assert daemon.state("gn") == "started", "nothing was done"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["gn"], 2, "there is no terminal to ask on: gn will be asked to halt by its shutdown command"),
        (["nc", "--yes"], 4, "no drill, and nothing was done: it is the computer"),
        (["cs", "--yes"], 4, "no drill, and nothing was done: it is stopped"),
        (["all", "--yes"], 2, "one guest at a time"),
        (["g", "--yes"], 2, "did you mean gn?"),
    ],
)
def test_what_is_not_begun_is_said_in_one_line(up: Daemon, words: list[str], code: int, says: str) -> None:
    done = up.wagman("test", *words)
    assert done.returncode == code
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_on_a_terminal_it_asks_first(up: Daemon) -> None:
    leader, follower = pty.openpty()
    try:
        os.write(leader, b"n\n")
        environment, pipe = up.environment(), subprocess.PIPE
        command = [*WAGMAN, "test", "gn"]
        done = subprocess.run(command, stdin=follower, stderr=pipe, text=True, timeout=30, check=False, env=environment)
    finally:
        os.close(leader)
        os.close(follower)
    assert done.returncode == 4
    assert "Drill gn? [y/N]" in done.stderr
    assert "nothing was done" in done.stderr
