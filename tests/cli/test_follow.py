"""Events without gap or repeat, and waits that outlast the service."""

import json
import os
import pwd
import re
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.kit import HANG_UP, Daemon, Running, scripted, until
from wagman.cli.events import ago_s
from wagman.cli.exits import code_of
from wagman.cli.sentences import sentence
from wagman.client.blocking import Client, Follower
from wagman.client.conversation import MAX_LINE_BYTES
from wagman.client.errors import AnswerError, ClientError, LostError
from wagman.client.following import Missing

Messages = list[Any]


# --- events -----------------------------------------------------------------------------------------------------------


def record(daemon: Daemon, count: int) -> None:
    for _ in range(count):
        daemon.board("record test.event")


def last_id(daemon: Daemon) -> int:
    return int(daemon.ask("events", limit=1)["events"][-1]["id"])


def ids(text: str) -> list[int]:
    return [json.loads(line)["id"] for line in text.splitlines()]


def test_events_are_the_last_ones_oldest_first(daemon: Daemon) -> None:
    record(daemon, 3)
    last = last_id(daemon)
    assert ids(daemon.wagman("events", "--json", "-n", "3").stdout) == [last - 2, last - 1, last]
    assert daemon.wagman("events", "-n", "0").stdout == ""


def test_since_an_id_is_exclusive_and_n_counts_forward(daemon: Daemon) -> None:
    record(daemon, 5)
    last = last_id(daemon)
    assert ids(daemon.wagman("events", "--json", "--since", str(last - 3)).stdout) == [last - 2, last - 1, last]
    assert ids(daemon.wagman("events", "--json", "--since", str(last - 3), "-n", "2").stdout) == [last - 2, last - 1]
    assert daemon.wagman("events", "--since", str(last)).stdout == ""
    assert daemon.wagman("events", "--since", str(last + 1)).returncode == 1


@pytest.mark.parametrize(
    ("text", "ago"), [("90min", 5400.0), ("1d12h", 129_600.0), ("1.5h", 5400.0), ("noon", None), ("7", None)]
)
def test_how_long_ago_is_written_as_every_other_duration(text: str, ago: float | None) -> None:
    assert ago_s(text) == ago


def test_since_a_time_is_from_then_on(daemon: Daemon) -> None:
    record(daemon, 1)
    last = last_id(daemon)
    assert last in ids(daemon.wagman("events", "--json", "--since", "1h").stdout)
    assert daemon.wagman("events", "--since", "2999-01-01").stdout == ""
    time = json.loads(daemon.wagman("events", "--json", "-n", "1").stdout)["time"]
    assert ids(daemon.wagman("events", "--json", "--since", time).stdout)[0] <= last


def test_more_than_a_page_is_fetched_page_by_page(tmp_path: Path) -> None:
    log = [event(number) for number in range(1, 2501)]

    def answer(method: str, params: dict[str, Any]) -> Messages:
        after = params.get("since", max(len(log) - params["limit"], 0))
        return [{"result": {"events": log[after : after + params["limit"]]}}]

    daemon = Daemon(tmp_path)
    for arguments, wanted in (
        (["--since", "0"], range(1, 2501)),
        (["--since", "3", "-n", "2000"], range(4, 2004)),
        (["-n", "1500"], range(1001, 2501)),
        (["-n", "1000"], range(1501, 2501)),
    ):
        daemon.socket.unlink(missing_ok=True)
        with scripted(daemon.socket, answer):
            assert ids(daemon.wagman("events", "--json", *arguments).stdout) == list(wanted)


def test_a_time_is_the_place_of_the_first_event_from_then_on_whatever_the_clock_did_after_it(tmp_path: Path) -> None:
    times = ["2026-01-31T11:00:00.000Z", "2026-01-31T12:00:00.000Z", *(["2026-01-31T11:30:00.000Z"] * 1500)]
    log = [event(number, time=time) for number, time in enumerate(times, start=1)]

    def answer(method: str, params: dict[str, Any]) -> Messages:
        since = params["since"]
        found = [each for each in log if (each["id"] > since if isinstance(since, int) else each["time"] >= since[:19])]
        return [{"result": {"events": found[: params["limit"]]}}]

    daemon = Daemon(tmp_path)
    with scripted(daemon.socket, answer):
        done = daemon.wagman("events", "--json", "--since", "2026-01-31T12:00+00:00")
    assert ids(done.stdout) == list(range(2, len(log) + 1))


def test_provisional_events_beyond_a_page_are_not_passed_over_in_silence(tmp_path: Path) -> None:
    def answer(method: str, params: dict[str, Any]) -> Messages:
        return [{"result": {"events": [event(None)] * params["limit"]}}]

    daemon = Daemon(tmp_path)
    with scripted(daemon.socket, answer):
        done = daemon.wagman("events", "--since", "0")
    assert len(done.stdout.splitlines()) == 1000
    assert "there may be more" in done.stderr


def test_a_time_that_cannot_be_read_is_shown_as_it_is(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    page = {"result": {"events": [event(7, time="2026-\x1bq"), event(8, time="9999-12-31T23:59:59-12:00")]}}
    with scripted(daemon.socket, lambda method, params: [page]):
        lines = daemon.wagman("events").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["2026-\\x1bq", "7"], ["9999-12-31T23:59:59-12:00", "8"]]


def test_of_all_devices_is_no_narrowing(daemon: Daemon) -> None:
    daemon.wagman("start", "gn", "cs")
    record(daemon, 1)
    last = last_id(daemon)
    wanted = list(range(last - 4, last + 1))
    assert ids(daemon.wagman("events", "--json", "-n", "5", "--device", "all").stdout) == wanted


def test_device_and_type_narrow_it(daemon: Daemon) -> None:
    daemon.wagman("start", "gn", "cs")
    out = daemon.wagman("events", "--json", "--since", "0", "--device", "1", "--type", "device").stdout
    shown = [json.loads(line) for line in out.splitlines()]
    assert {each["device"] for each in shown} == {"gn"}
    assert {each["type"] for each in shown} == {"device.starting", "device.started"}


def test_a_line_has_time_id_type_device_and_fields(daemon: Daemon) -> None:
    daemon.wagman("start", "gn")
    line = daemon.wagman("events", "-n", "1", "--device", "gn").stdout
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\d+  device\.started +gn   attempt=1 media=emmc\n", line)


def test_plain_is_a_sentence_for_each(daemon: Daemon) -> None:
    daemon.wagman("start", "gn")
    lines = daemon.wagman("events", "--plain", "-n", "3", "--device", "gn").stdout.splitlines()
    assert [line[19:] for line in lines] == [
        f"  {pwd.getpwuid(os.geteuid()).pw_name} asked to start gn",
        "  gn began to start",
        "  gn started, first attempt, from emmc",
    ]


def test_a_user_that_has_no_name_here_is_shown_by_number() -> None:
    for uid in (4_000_000_000, 2**80, -1):
        asked = {"type": "command.stop", "device": "gn", "fields": {"uid": uid}}
        assert sentence(asked) == (f"user {uid} asked to stop gn" if uid < 2**40 else "somebody asked to stop gn")


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("device.stoped", ": did you mean device.stopped?"),
        ("devise", ": did you mean device?"),
        ("", "; docs/events.md lists them"),
        ("x" * 9000, "; docs/events.md lists them"),
    ],
)
def test_a_type_that_there_is_not_is_an_error_and_no_empty_answer(daemon: Daemon, wrong: str, hint: str) -> None:
    done = daemon.wagman("events", "--type", wrong)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"there are no events of the type {wrong!r}{hint}" in done.stderr


def test_following_outlasts_the_service_without_gap_or_repeat(own_daemon: Daemon) -> None:
    record(own_daemon, 3)
    first = last_id(own_daemon) - 1
    running = own_daemon.begin("events", "-f", "-n", "2", "--json")
    seen = [json.loads(running.line())["id"] for _ in range(2)]
    for _ in range(3):
        record(own_daemon, 2)
        seen += [json.loads(running.line())["id"] for _ in range(2)]
        own_daemon.kill()
        own_daemon.start("record test.early")
    last = last_id(own_daemon)
    while seen[-1] < last:
        seen.append(json.loads(running.line())["id"])
    assert seen == list(range(first, last + 1))
    code, out, err = running.interrupt()
    assert (code, out) == (130, "")
    assert 1 <= err.count("going on once it is back") <= 3
    assert "Traceback" not in err


def test_following_narrows_what_is_new_as_well(own_daemon: Daemon) -> None:
    kinds = ("device.stable cs", "board.reset gn", "device.stable gn", "devices gn", "device gn")
    for kind in kinds:
        own_daemon.board(f"record {kind}")
    running = own_daemon.begin("events", "-f", "--since", "0", "--json", "--device", "1", "--type", "device")
    past = [json.loads(running.line())["type"] for _ in range(2)]
    for kind in kinds:
        own_daemon.board(f"record {kind}")
    new = [json.loads(running.line())["type"] for _ in range(2)]
    running.interrupt()
    assert past == new == ["device.stable", "device"]


def test_following_since_an_id_with_n_ends_after_so_many(own_daemon: Daemon) -> None:
    record(own_daemon, 3)
    first = last_id(own_daemon) - 2
    running = own_daemon.begin("events", "-f", "--since", str(first - 1), "-n", "5", "--json")
    seen = [json.loads(running.line())["id"] for _ in range(3)]
    record(own_daemon, 2)
    code, out, _ = running.end()
    assert (code, seen + ids(out)) == (0, list(range(first, first + 5)))


def test_what_happens_while_the_past_is_shown_is_shown_once(tmp_path: Path) -> None:
    def answer(method: str, params: dict[str, Any]) -> Messages:
        if method == "subscribe":
            return [subscribed(10)]
        provisional = event(None, mono_s=5.0)
        page = {"result": {"events": [event(9), event(10), event(11), provisional]}}
        return [told(11), page, told(None, mono_s=5.0), told(12, mono_s=5.0), told(13)]

    daemon = Daemon(tmp_path)
    with scripted(daemon.socket, answer):
        running = daemon.begin("events", "-f", "--json")
        shown = [json.loads(running.line())["id"] for _ in range(5)]
        running.interrupt()
    assert shown == [9, 10, None, 11, 13]


# --- The follower, against a service that says what it is told to ------------------------------------------------------


def event(number: int | None, **more: Any) -> dict[str, Any]:
    fixed: dict[str, Any] = {"time": "2026-01-31T12:00:00.000Z", "boot_id": "boot-1", "device": None, "cause": None, "fields": {}}
    return {"id": number, "type": "test.event", "mono_s": number, **fixed, **more}


def told(number: int | None, subscription: int = 1, **more: Any) -> dict[str, Any]:
    return {"method": "event", "params": {"subscription": subscription, "event": event(number, **more)}}


def lagged(from_id: int | None, to_id: int | None) -> dict[str, Any]:
    return {"method": "lagged", "params": {"subscription": 1, "from_id": from_id, "to_id": to_id}}


def subscribed(last: int, log_id: str = "log-1") -> dict[str, Any]:
    return {"result": {"subscription": 1, "log_id": log_id, "first_id": 1, "last_id": last}}


def follow(
    path: Path, wanted: int, *connections: Callable[[str, dict[str, Any]], Messages]
) -> tuple[list[Any], list[str], list[Any]]:
    """The ids of so many events, what was noted, and what the service was asked."""
    notes: list[str] = []
    follower = Follower(str(path), lambda note: notes.append(str(note)))
    got: list[Any] = []
    with scripted(path, *connections) as service:
        breaks = 0
        while len(got) < wanted and breaks < len(connections):
            try:
                item = follower.item(1.0)
            except LostError:
                follower.drop()
                breaks += 1
                continue
            if item is not None:
                got.append(item["id"])
        follower.drop()
    return got, notes, service.asked


def behind(first: Messages, log: range, more: Messages) -> Callable[[str, dict[str, Any]], Messages]:
    """A service that has that log, and tells `first`; whoever subscribes anew is told what the log has, and then `more`."""

    def answer(method: str, params: dict[str, Any]) -> Messages:
        if method == "subscribe" and not params:
            return [subscribed(10), *first]
        if method == "unsubscribe":
            return [told(log.stop), {"result": params}]  # of the subscription that ends
        assert params["log_id"] == "log-1"
        after = [number for number in log if number > params["since"]]
        if method == "events":
            return [{"result": {"events": [event(number) for number in after[: params["limit"]]]}}]
        began = {**subscribed(log[-1])["result"], "subscription": 2, "first_id": log.start}
        return [{"result": began}, *(told(number, 2) for number in after), *more]

    return answer


def test_what_was_missed_is_fetched_before_what_comes_after(tmp_path: Path) -> None:
    answer = behind([told(11), lagged(12, 14), told(15)], range(1, 16), [told(16, 2)])
    got, notes, _ = follow(tmp_path / "s", 6, answer)
    assert got == [11, 12, 13, 14, 15, 16]
    assert notes == []


def test_what_is_no_longer_in_the_log_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    answer = behind([lagged(11, 20), told(21)], range(19, 22), [])
    got, notes, _ = follow(tmp_path / "s", 3, answer)
    assert got == [19, 20, 21]
    assert notes == ["8 events between 11 and 18 are no longer in the log"]


def test_lagged_without_ids_needs_no_fetching(tmp_path: Path) -> None:
    got, notes, asked = follow(tmp_path / "s", 1, lambda method, params: [subscribed(10), lagged(None, None), told(11)])
    assert (got, notes, len(asked)) == ([11], [], 1)


def test_an_event_that_was_shown_without_an_id_is_not_shown_again_with_one(tmp_path: Path) -> None:
    early = [told(None, mono_s=1.0), told(None, mono_s=2.0), told(None, mono_s=2.0)]
    late = [told(11, mono_s=1.0), told(12, mono_s=2.0), told(13, mono_s=3.0), told(14, mono_s=1.0)]
    got, _, _ = follow(tmp_path / "s", 4, lambda method, params: [subscribed(10), *early, *late])
    assert got == [None, None, 13, 14]


def test_a_new_connection_resumes_after_the_last_event(tmp_path: Path) -> None:
    def first(method: str, params: dict[str, Any]) -> Messages:
        return [subscribed(10), told(11), told(12), HANG_UP]

    def second(method: str, params: dict[str, Any]) -> Messages:
        return [subscribed(14), told(13), told(14)]

    got, _, asked = follow(tmp_path / "s", 4, first, second)
    assert got == [11, 12, 13, 14]
    assert asked == [("subscribe", {}), ("subscribe", {"since": 12, "log_id": "log-1"})]


def test_a_log_that_was_replaced_is_begun_at_its_beginning(tmp_path: Path) -> None:
    def first(method: str, params: dict[str, Any]) -> Messages:
        return [subscribed(10), told(11), HANG_UP]

    def second(method: str, params: dict[str, Any]) -> Messages:
        if params.get("log_id"):
            return [{"error": {"code": -32004, "message": "log log-1 is gone"}}]
        return [subscribed(2, "log-2"), told(1), told(2), HANG_UP]

    def third(method: str, params: dict[str, Any]) -> Messages:
        assert params == {"since": 2, "log_id": "log-2"}
        return [subscribed(2, "log-2"), told(3)]

    got, notes, _ = follow(tmp_path / "s", 4, first, second, third)
    assert got == [11, 1, 2, 3]
    assert "replaced" in notes[0]


def test_a_replaced_log_in_which_nothing_has_happened_yet_is_begun_at_its_beginning_as_well(tmp_path: Path) -> None:
    def first(method: str, params: dict[str, Any]) -> Messages:
        return [subscribed(10), told(11), HANG_UP]

    def second(method: str, params: dict[str, Any]) -> Messages:
        if params.get("log_id"):
            return [{"error": {"code": -32004, "message": "log log-1 is gone"}}]
        return [subscribed(0, "log-2"), HANG_UP]

    def third(method: str, params: dict[str, Any]) -> Messages:
        assert params == {"since": 0, "log_id": "log-2"}
        return [subscribed(1, "log-2"), told(1)]

    got, notes, _ = follow(tmp_path / "s", 2, first, second, third)
    assert got == [11, 1]
    assert len(notes) == 1


def test_a_log_that_is_replaced_meanwhile_is_resumed_by_its_new_name(tmp_path: Path) -> None:
    def first(method: str, params: dict[str, Any]) -> Messages:
        return [subscribed(10), told(11), told(1, type="store.opened", fields={"log_id": "log-2", "new": True}), told(2), HANG_UP]

    def second(method: str, params: dict[str, Any]) -> Messages:
        return [subscribed(2, "log-2"), told(3)]

    got, _, asked = follow(tmp_path / "s", 4, first, second)
    assert got == [11, 1, 2, 3]
    assert asked[1] == ("subscribe", {"since": 2, "log_id": "log-2"})


def test_events_of_another_subscription_are_not_ours(tmp_path: Path) -> None:
    got, _, _ = follow(tmp_path / "s", 1, lambda method, params: [subscribed(10), told(5, subscription=7), told(11)])
    assert got == [11]


def turned_away(reason: str) -> Callable[[str, dict[str, Any]], Messages]:
    return lambda method, params: [{"error": {"code": -32001, "message": reason}}]


def test_who_is_not_permitted_any_more_is_told_so_the_second_time(tmp_path: Path) -> None:
    """Once may be a socket that is just being made."""
    path, reason = tmp_path / "s", "user 5 is not permitted"
    follower = Follower(str(path), lambda note: None)
    with scripted(path, lambda method, params: [subscribed(10), HANG_UP], turned_away(reason), turned_away(reason)):
        with pytest.raises(LostError, match="hung up"):
            follower.item(1.0)
        follower.drop()
        with pytest.raises(LostError, match=reason):
            follower.item(1.0)
        with pytest.raises(ClientError, match=reason) as caught:
            follower.item(1.0)
    assert code_of(caught.value) == 4


def test_where_there_is_no_room_at_present_it_is_tried_again(tmp_path: Path) -> None:
    full = turned_away("too many clients: try again later")

    def back(method: str, params: dict[str, Any]) -> Messages:
        return [subscribed(11), told(11)]

    got, _, _ = follow(tmp_path / "s", 1, lambda method, params: [subscribed(10), HANG_UP], full, full, full, back)
    assert got == [11]


def test_a_wait_ends_at_once_for_who_may_not_look_any_more(tmp_path: Path) -> None:
    calls: list[str] = []

    def first(method: str, params: dict[str, Any]) -> Messages:
        calls.append(method)
        match method:
            case "subscribe":
                return [subscribed(10)]
            case "status" if calls.count("stop"):
                return [HANG_UP]
            case "status":
                row = {"name": "gn", "port": 1}
                return [{"result": {"service": {"boot_id": "b", "uptime_s": 1.0}, "board": {"blind": False}, "devices": [row]}}]
            case _:
                return [{"result": {"accepted": True, "state": "stopping", "reason": "so be it", "event_id": 11}}]

    refused = turned_away("user 5 is not permitted")
    daemon = Daemon(tmp_path)
    with scripted(daemon.socket, first, refused, refused):
        done = daemon.wagman("stop", "gn")
    assert done.returncode == 3
    assert "accepted, but what came of it is not known: user 5 is not permitted" in done.stderr


# --- One connection -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "nonsense",
    [
        *("hello?", "[]", "5", "", "[" * 100_000, '{"QMP": {"version": {}, "capabilities": []}}', '{"error": "x"}', '{"id": 1}'),
        *('{"method": "hi"}', '{"method": 5, "params": {}}', '{"id": 7, "result": {}}', '{"id": 1, "error": {"code": []}}'),
        *('{"result": {}}', '{"id": null, "result": {}}', '{"id": [], "result": {}}'),
    ],
)
def test_what_is_no_wagman_service_is_told_so(tmp_path: Path, nonsense: str) -> None:
    with (
        scripted(tmp_path / "s", lambda method, params: [nonsense]),
        Client(str(tmp_path / "s")) as client,
        pytest.raises(LostError, match="no wagman service"),
    ):
        client.call("status")


def test_what_sends_a_line_without_end_is_no_wagman_service(tmp_path: Path) -> None:
    endless = " " * 2 * MAX_LINE_BYTES + '{"id": 1, "result": {}}'
    with (
        scripted(tmp_path / "s", lambda method, params: [endless]),
        Client(str(tmp_path / "s")) as client,
        pytest.raises(LostError, match="no wagman service"),
    ):
        client.call("status")


def test_an_answer_that_came_too_late_is_not_taken_for_the_next_one(tmp_path: Path) -> None:
    late: Messages = [json.dumps({"id": 1, "result": "late"}), {"result": "in time"}]

    def answer(method: str, params: dict[str, Any]) -> Messages:
        return [] if method == "hello" else late

    with scripted(tmp_path / "s", answer), Client(str(tmp_path / "s")) as client:
        with pytest.raises(LostError, match="does not answer"):
            client.call("hello", within_s=0.01)
        assert client.call("status") == "in time"


def test_a_service_that_hangs_up_is_lost(tmp_path: Path) -> None:
    with scripted(tmp_path / "s", lambda method, params: [HANG_UP]), Client(str(tmp_path / "s")) as client:
        with pytest.raises(LostError, match="hung up"):
            client.call("status")
        with pytest.raises(LostError, match="hung up"):
            client.call("status")


def test_why_one_was_turned_away_is_told_even_if_nothing_was_read(tmp_path: Path) -> None:
    refusal = {"jsonrpc": "2.0", "id": None, "error": {"code": -32001, "message": "user 5 is not permitted"}}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        with Client(str(tmp_path / "s")) as client:
            there, _ = listener.accept()
            there.sendall(json.dumps(refusal).encode() + b"\n")
            there.close()
            with pytest.raises(AnswerError, match="not permitted") as caught:
                client.call("status")
    assert code_of(caught.value) == 4


# --- Waits that outlast the service -----------------------------------------------------------------------------------


def waiting(daemon: Daemon, *args: str) -> Running:
    """Begin a command that is accepted and then waits, which shows in that it has looked how it stands."""

    def looks() -> int:
        return int(daemon.ask("board", command="looks")["lines"][0])

    running = daemon.begin(*args)
    until(lambda: looks() > 2)
    return running


def test_a_wait_outlasts_a_restart_of_the_service(own_daemon: Daemon) -> None:
    own_daemon.board("guest gn boot=inf")
    running = waiting(own_daemon, "start", "gn", "--json")
    own_daemon.kill()
    own_daemon.start("guest gn state=started wanted=up on=True attempts=2")
    code, out, err = running.end()
    assert (code, err) == (0, "")
    (outcome,) = json.loads(out)
    assert (outcome["outcome"], outcome["state"], outcome["attempt"]) == ("done", "started", 2)


def test_a_stop_whose_end_was_not_heard_is_seen_once_the_service_is_back(own_daemon: Daemon) -> None:
    own_daemon.board("guest gn halt=inf state=started wanted=up on=True")
    running = waiting(own_daemon, "stop", "gn")
    own_daemon.kill()
    own_daemon.start("guest gn state=stopped")
    code, out, _ = running.end()
    assert (code, out.startswith("gn: stopped after ")) == (0, True)


def test_who_waits_asks_how_it_stands_where_something_happens_and_not_because_time_passes(own_daemon: Daemon) -> None:
    own_daemon.wagman("start", "gn")
    own_daemon.board("guest gn confirm=3")
    before = int(own_daemon.ask("board", command="looks")["lines"][0])
    assert own_daemon.wagman("stop", "gn").returncode == 0
    asked = int(own_daemon.ask("board", command="looks")["lines"][0]) - before
    assert asked <= 6  # for the names, for the time, after it was accepted, and as it was stopping and stopped


def test_a_failure_while_the_service_was_away_is_noticed(own_daemon: Daemon) -> None:
    own_daemon.board("guest gn boot=inf")
    running = waiting(own_daemon, "start", "gn")
    own_daemon.kill()
    own_daemon.start("guest gn state=stopped wanted=up failures=1", "record device.start_failed gn")
    code, _, err = running.end()
    assert code == 1
    assert "start failed" in err


def test_a_timeout_holds_while_the_service_is_away(own_daemon: Daemon) -> None:
    own_daemon.board("guest gn boot=inf")
    running = waiting(own_daemon, "start", "gn", "--timeout", "2")
    own_daemon.kill()
    code, _, err = running.end()
    assert code == 5
    assert "the service is away" in err


def test_a_timeout_holds_while_the_service_hangs(own_daemon: Daemon) -> None:
    own_daemon.board("guest gn boot=inf")
    running = waiting(own_daemon, "start", "gn", "--timeout", "2")
    own_daemon.signal(signal.SIGSTOP)
    code, _, _ = running.end()
    assert code == 5


def test_a_command_whose_answer_was_lost_is_not_told_as_done(tmp_path: Path) -> None:
    def answer(method: str, params: dict[str, Any]) -> Messages:
        match method:
            case "subscribe":
                return [subscribed(10)]
            case "status":
                row = {"name": "gn", "port": 1}
                return [{"result": {"service": {"boot_id": "b", "uptime_s": 1.0}, "board": {"blind": False}, "devices": [row]}}]
            case _:
                return [HANG_UP]

    daemon = Daemon(tmp_path)
    with scripted(daemon.socket, answer):
        done = daemon.wagman("start", "gn")
    assert done.returncode == 3
    assert "not known whether that was accepted" in done.stderr


def test_a_single_event_that_is_missed_is_told_as_one() -> None:
    assert str(Missing(None, 11, 11)) == "1 event between 11 and 11 is no longer in the log"
