"""The server as other programs see it, in virtual time."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
import trio
import trio.testing
from attrs import evolve

from tests.api.kit import NOBODY, OPERATOR, READER, ROOT, Client, World, in_virtual_time, world
from wagman.api import server, wire
from wagman.api.access import Peer
from wagman.api.methods import METHODS
from wagman.model.errors import StoreError, WagmanError
from wagman.store import Event, Store
from wagman.store.batch import Query
from wagman.store.feed import BUFFER


def codes(answers: list[Any]) -> list[int]:
    return [answer["error"]["code"] for answer in answers]


async def hangs_up(client: Client) -> bool:
    return await client.line() == b""


# --- Questions and answers --------------------------------------------------------------------------------------------


def test_hello_and_status_are_answered() -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        assert "version" in await client.result("hello")
        status = await client.result("status")
        assert [row["name"] for row in status["devices"]] == ["nc", "gn", "cs", "x1"]

    in_virtual_time(story)


@pytest.mark.parametrize(
    ("peer", "role", "refused"),
    [
        (READER, "read", {name for name, method in METHODS.items() if method.role > READER.role}),
        (OPERATOR, "operate", {"kill", "maintenance", "hibernate", "wake", "heartbeat", "board"}),
        (ROOT, "control", set()),
    ],
)
def test_hello_says_what_who_asks_may_do(peer: Peer, role: str, refused: set[str]) -> None:
    async def story(world: World) -> None:
        told = await (await world.connect(peer)).result("hello")
        assert told["role"] == role
        assert METHODS.keys() - set(told["may"]) == refused

    in_virtual_time(story)


def test_events_come_with_their_sentences_where_they_are_asked_for() -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        world.service.record("device.start_failed", "gn", waited_s=120.0)
        began = await client.result("subscribe", since=0, words=True)
        told = [(await client.notification())[1] for _ in range(began["last_id"])][-1]
        (event,) = (await client.result("events", device="gn", words=True))["events"]
        (link,) = (await client.result("chain", id=event["id"], words=True))["events"]
        assert event["words"] == "a start of gn failed: no heartbeat within 2 min"
        assert event["severity"] == "warning"
        assert told == {"subscription": began["subscription"], "event": event}
        assert link == event
        (plain,) = (await client.result("events", device="gn"))["events"]
        assert plain == {key: value for key, value in event.items() if key not in ("words", "severity")}

    in_virtual_time(story)


def test_status_is_narrowed_to_devices_by_name_or_port() -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        status = await client.result("status", devices=["gn", 3, "0"])
        assert [row["name"] for row in status["devices"]] == ["nc", "gn", "x1"]
        assert (await client.error("status", devices=["gn", "zz"]))["code"] == -32602

    in_virtual_time(story)


@pytest.mark.parametrize("verb", ["start", "stop", "restart", "kill", "enable", "disable"])
def test_a_command_reaches_its_device_with_the_callers_uid(verb: str) -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        decision = await client.result(verb, device="1")
        assert decision.keys() == {"accepted", "state", "reason", "event_id"}
        assert decision["accepted"]
        assert world.service.asked == [(verb, "gn", False, ROOT.uid)]

    in_virtual_time(story)


def test_force_is_handed_on() -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        world.service.wagman = "hibernating"
        assert not (await client.result("start", device="gn"))["accepted"]
        assert (await client.result("start", device="gn", force=True))["accepted"]

    in_virtual_time(story)


def test_a_heartbeat_is_handed_on() -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        assert (await client.result("heartbeat", device="gn", force=False))["accepted"]
        assert world.service.asked == [("heartbeat", "gn", ROOT.uid)]

    in_virtual_time(story)


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("statu", {}, -32601),
        ("start", {}, -32602),
        ("start", {"device": None}, -32602),
        ("start", {"device": 1.0}, -32602),
        ("start", {"device": True}, -32602),
        ("start", {"device": "zz"}, -32602),
        ("start", {"device": "gn", "force": "no"}, -32602),
        ("start", {"device": "gn", "fast": True}, -32602),
        ("hello", {"x": 1}, -32602),
        ("events", {"since": -1}, -32602),
        ("events", {"since": 1.5}, -32602),
        ("events", {"since": "noon"}, -32602),
        ("events", {"since": "2026-01-31T12:00:00"}, -32602),
        ("events", {"limit": 0}, -32602),
        ("events", {"limit": 1001}, -32602),
        ("events", {"limit": True}, -32602),
        ("events", {"device": "zz"}, -32602),
        ("events", {"since": 10_000}, -32004),
        ("events", {"since": 0, "log_id": "another"}, -32004),
        ("subscribe", {"since": 10_000}, -32004),
        ("subscribe", {"since": 0, "log_id": "another"}, -32004),
        ("unsubscribe", {"subscription": 1}, -32602),
        ("board", {"command": ""}, -32602),
        ("board", {"command": " "}, -32602),
        ("board", {"command": "hb\nstop 1"}, -32602),
        ("board", {"command": "hb\0"}, -32602),
        ("board", {"command": "é"}, -32602),
        ("board", {"command": "x" * 129}, -32602),
        ("board", {"command": "stop 1"}, -32001),
        ("board", {"command": "hb", "board": 1}, -32602),
        ("board", {"command": "hb", "board": "zz"}, -32602),
        ("board", {"command": "bad"}, -32001),
        ("board", {"command": "slow"}, -32003),
        ("board", {"command": "gone"}, -32003),
    ],
)
def test_what_makes_no_sense_gets_its_error_and_the_connection_lives_on(method: str, params: dict[str, Any], code: int) -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        assert (await client.error(method, **params))["code"] == code
        assert "version" in await client.result("hello")

    in_virtual_time(story)


@pytest.mark.parametrize(
    ("command", "advice"),
    [("gone", "look at the cable and at board.device"), ("slow", "see wagman status"), ("odd", "try again")],
)
def test_trouble_with_the_board_comes_with_advice_and_with_what_was_said(command: str, advice: str) -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        error = await client.error("board", command=command)
        assert error["code"] == -32003
        assert advice in error["message"]
        assert error["data"]["reason"] in error["message"]

    in_virtual_time(story)


def test_a_refusal_gives_its_reason() -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        error = await client.error("board", command="stop 1")
        assert "fight the service" in error["data"]["reason"]
        assert await client.result("board", command="stop 1", force=True) == {"lines": ["7187", "100"]}

    in_virtual_time(story)


def test_a_log_that_cannot_be_read_has_a_code_of_its_own() -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        world.service.journal._store.sever()
        assert (await client.error("events"))["code"] == -32005

    in_virtual_time(story)


def test_a_defect_is_told_opaquely_logged_and_survived() -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        await client.result("subscribe")
        world.service.trouble = ZeroDivisionError("the secret is 42")
        error = await client.error("hello")
        assert error["code"] == -32603
        assert "42" not in json.dumps(error)
        event = await client.event()
        assert event["type"] == "service.request_failed"
        assert event["fields"]["method"] == "hello"
        assert event["fields"]["error"] == "ZeroDivisionError: the secret is 42"
        assert "fake_service.py" in event["fields"]["where"]
        assert "devices" in await client.result("status")

    in_virtual_time(story)


def test_an_unexpected_error_of_our_own_tree_is_a_defect_too() -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        world.service.trouble = WagmanError("what is this?")
        assert (await client.error("hello"))["code"] == -32603

    in_virtual_time(story)


def test_a_result_that_json_has_no_word_for_is_a_defect_not_a_broken_line(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        monkeypatch.setattr(type(world.service), "hello", lambda self: {"version": float("nan")})
        assert (await client.error("hello"))["code"] == -32603
        assert "devices" in await client.result("status")

    in_virtual_time(story)


def test_requests_are_answered_in_their_order() -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        lines = [json.dumps({"jsonrpc": "2.0", "id": n, "method": "hello" if n % 2 else "events"}) for n in range(50)]
        await client.stream.send_all("".join(line + "\n" for line in lines).encode())
        assert [(await client.message())["id"] for _ in lines] == list(range(50))

    in_virtual_time(story)


def test_a_client_that_closes_its_half_still_gets_its_answers() -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        await client.stream.send_all(b'{"jsonrpc":"2.0","id":1,"method":"hello"}\n{"jsonrpc":"2.0","id":2,"method":"hello"}\n')
        await client.stream.send_eof()
        assert [(await client.message())["id"] for _ in range(2)] == [1, 2]
        assert await hangs_up(client)

    in_virtual_time(story)


@pytest.mark.parametrize(
    "text", [b'{"jsonrpc":"2.0","id":1,"method":"stop","params":{"device":"gn"}}', b"x", b"9" * (wire.MAX_LINE_BYTES + 1)]
)
def test_a_request_without_an_end_is_not_carried_out_and_not_dropped_without_a_word(text: bytes) -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        await client.stream.send_all(text)
        await client.stream.send_eof()
        answer = await client.message()
        assert (answer["id"], answer["error"]["code"]) == (None, wire.PARSE_ERROR)
        assert "end each request with a newline" in answer["error"]["message"]
        assert await hangs_up(client)
        assert world.service.asked == []

    in_virtual_time(story)


def test_blanks_after_the_last_request_are_none() -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        await client.stream.send_all(b" \t\r")
        await client.stream.send_eof()
        assert await hangs_up(client)

    in_virtual_time(story)


def test_a_notification_is_carried_out_and_not_answered() -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        await client.stream.send_all(
            b'{"jsonrpc":"2.0","method":"stop","params":{"device":"gn"}}\n{"jsonrpc":"2.0","method":"zz"}\n'
        )
        assert (await client.call("hello"))["id"] == 1
        assert world.service.asked == [("stop", "gn", False, 0)]

    in_virtual_time(story)


def test_blank_lines_and_carriage_returns_are_passed_over() -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        await client.stream.send_all(b"\n\r\n  \n")
        assert "result" in await client.raw('{"jsonrpc":"2.0","id":1,"method":"hello"}\r')

    in_virtual_time(story)


@pytest.mark.parametrize("line", [b"x" * 65_537, b"{", b"\xff\xfe", b"7"])
def test_a_bad_line_is_answered_under_a_null_id_and_the_connection_lives_on(line: bytes) -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        answer = await client.raw(line)
        assert answer["id"] is None
        assert "error" in answer
        assert "version" in await client.result("hello")

    in_virtual_time(story)


# --- Batches ----------------------------------------------------------------------------------------------------------


def batch(*methods: str) -> str:
    return json.dumps([{"jsonrpc": "2.0", "id": n, "method": method} for n, method in enumerate(methods)])


def test_a_batch_is_answered_with_a_batch() -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        answers = await client.raw(batch(*["hello"] * 31, "zz"))
        assert [answer["id"] for answer in answers] == list(range(32))
        assert codes(answers[31:]) == [-32601]

    in_virtual_time(story)


def test_a_batch_of_notifications_is_not_answered() -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        await client.stream.send_all(b'[{"jsonrpc":"2.0","method":"hello"},{"jsonrpc":"2.0","method":"zz"}]\n')
        assert (await client.call("hello"))["id"] == 1

    in_virtual_time(story)


def test_a_batch_takes_no_subscription_and_no_more_than_32() -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        assert codes([(await client.raw(batch("subscribe")))[0]]) == [-32600]
        assert codes([await client.raw(batch(*["hello"] * 33))]) == [-32600]

    in_virtual_time(story)


def test_the_answers_to_a_batch_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        await client.stream.send_all(b'{"jsonrpc":"2.0","id":1,"method":"status"}\n')
        one = len(await client.line())
        monkeypatch.setattr(server, "MAX_REPLY_CHARS", one * 3 // 2)
        answers = await client.raw(batch("status", "status", "status", "hello"))
        assert "result" in answers[0]
        assert codes(answers[1:3]) == [-32600, -32600]
        assert "result" in answers[3]

    in_virtual_time(story)


# --- Who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if method.role.name == "CONTROLLER"])
def test_a_reader_may_not_touch_and_the_attempt_is_remembered(method: str) -> None:
    async def story(world: World) -> None:
        client = await world.connect(READER)
        await client.result("subscribe")
        error = await client.error(method, device="gn", command="hb")
        assert error["code"] == -32001
        assert "reason" in error["data"]
        event = await client.event()
        assert (event["type"], event["fields"]["method"], event["fields"]["uid"]) == ("command.denied", method, READER.uid)
        assert world.service.asked == []

    in_virtual_time(story)


@pytest.mark.parametrize("method", ["start", "stop", "restart", "enable", "disable"])
def test_an_operator_may_switch(method: str) -> None:
    async def story(world: World) -> None:
        client = await world.connect(OPERATOR)
        assert (await client.result(method, device="gn"))["accepted"]
        assert world.service.asked == [(method, "gn", False, OPERATOR.uid)]

    in_virtual_time(story)


@pytest.mark.parametrize("method", ["kill", "heartbeat", "board", "maintenance", "hibernate", "wake"])
def test_an_operator_may_neither_do_what_cannot_be_taken_back_nor_have_guests_left_alone(method: str) -> None:
    async def story(world: World) -> None:
        client = await world.connect(OPERATOR)
        error = await client.error(method, device="gn", command="hb")
        assert (error["code"], method in error["message"]) == (-32001, True)
        assert (await world.service.journal.page(type="command.denied"))[0].fields == {"method": method, "uid": OPERATOR.uid}
        assert world.service.asked == []

    in_virtual_time(story)


@pytest.mark.parametrize("peer", [ROOT, OPERATOR])
def test_a_program_says_on_whose_behalf_it_asks_and_the_event_has_it_beside_who_the_program_is(peer: Peer) -> None:
    async def story(world: World) -> None:
        client = await world.connect(peer)
        await client.result("stop", device="gn", on_behalf="Žofie K.", order="b7-12")
        await client.result("start", device="gn", on_behalf=None)
        for_her, for_itself = await world.service.journal.page(type="command")
        assert {**for_her.fields} == {
            "uid": peer.uid,
            "who": f"pid {peer.pid}",
            "for": "Žofie K.",
            "order": "b7-12",
            "accepted": True,
        }
        assert for_itself.fields.keys() == {"uid", "who", "accepted"}

    in_virtual_time(story)


@pytest.mark.parametrize(
    ("method", "params"),
    [("maintenance", {"device": "gn", "for_s": 60}), ("hibernate", {"reason": "storm"}), ("wake", {})],
    ids=["maintenance", "hibernate", "wake"],
)
def test_an_order_for_a_while_or_for_all_has_for_whom_it_was_asked_too(method: str, params: Mapping[str, Any]) -> None:
    async def story(world: World) -> None:
        client = await world.connect(ROOT)
        await client.result(method, **params, on_behalf="alice", order="b7-13")
        (asked,) = await world.service.journal.page(type=f"command.{method}")
        assert (asked.fields["for"], asked.fields["order"]) == ("alice", "b7-13")

    in_virtual_time(story)


def test_a_reader_that_says_for_whom_it_asks_is_a_reader_all_the_same() -> None:
    async def story(world: World) -> None:
        client = await world.connect(READER)
        assert (await client.error("stop", device="gn", on_behalf="root"))["code"] == -32001
        (denied,) = await world.service.journal.page(type="command.denied")
        assert denied.fields == {"method": "stop", "uid": READER.uid}

    in_virtual_time(story)


NO_NAMES = ["", " ", "x" * 65, "a\nb", "a\x1b[2J", "\u202eecila", "a\u2028b", "\ud800", 7, True, ["alice"], {}]


@pytest.mark.parametrize("key", ["on_behalf", "order"])
@pytest.mark.parametrize("name", NO_NAMES)
def test_a_name_that_would_not_stand_in_a_sentence_is_refused(key: str, name: object) -> None:
    async def story(world: World) -> None:
        client = await world.connect(OPERATOR)
        error = await client.error("stop", device="gn", **{key: name})
        assert (error["code"], error["message"]) == (-32602, f"{key} must be a text of 1 to 64 printable characters")
        assert world.service.asked == []

    in_virtual_time(story)


@pytest.mark.parametrize("method", ["heartbeat", "board", "status"])
def test_only_commands_are_given_on_somebodys_behalf(method: str) -> None:
    async def story(world: World) -> None:
        error = await (await world.connect()).error(method, on_behalf="alice")
        assert error["code"] == -32602

    in_virtual_time(story)


def test_attempts_of_the_same_user_look_the_same_whatever_program_made_them() -> None:
    async def story(world: World) -> None:
        for pid in (17, 18):
            client = await world.connect(evolve(READER, pid=pid))
            await client.error("stop", device="gn")
        first, second = await world.service.journal.page(type="command.denied")
        assert first.fields == second.fields == {"method": "stop", "uid": READER.uid}

    in_virtual_time(story)


def test_a_reader_may_look() -> None:
    async def story(world: World) -> None:
        client = await world.connect(READER)
        for method in ("hello", "status", "events", "subscribe", "rpc.discover"):
            await client.result(method)

    in_virtual_time(story)


def test_nobody_is_turned_away_unread() -> None:
    async def story(world: World) -> None:
        client = await world.connect(NOBODY)
        answer = await client.message()
        assert answer["error"]["code"] == -32001
        assert "not permitted" in answer["error"]["data"]["reason"]
        assert await hangs_up(client)

    in_virtual_time(story)


def test_clients_beyond_the_room_are_turned_away_and_readers_never_take_the_last_places() -> None:
    async def story(world: World) -> None:
        for _ in range(server.MAX_CLIENTS - server.RESERVED):
            await (await world.connect(READER)).result("hello")
        assert "too many" in (await (await world.connect(READER)).message())["error"]["message"]
        kept = [await world.connect(ROOT) for _ in range(server.RESERVED)]
        for client in kept:
            await client.result("hello")
        assert "too many" in (await (await world.connect(ROOT)).message())["error"]["message"]
        await kept[0].stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert "version" in await (await world.connect(ROOT)).result("hello")

    in_virtual_time(story)


def test_a_peer_that_cannot_be_judged_harms_nobody_else() -> None:
    async def story(world: World) -> None:
        good = await world.connect()
        bad = await world.connect(None)
        assert await hangs_up(bad)
        assert "version" in await good.result("hello")

    in_virtual_time(story)


# --- Subscriptions ----------------------------------------------------------------------------------------------------


def record(world: World, count: int) -> None:
    for _ in range(count):
        world.service.record("test.event")


async def settled(world: World) -> int:
    """Everything is in the log; its last id."""
    await world.service.record("test.end").settled(60)
    return world.service.journal.last_id


def test_a_subscription_gives_the_past_first_then_live_without_gap_or_repeat() -> None:
    async def story(world: World) -> None:
        record(world, 500)
        last = await settled(world)
        client = await world.connect()
        answer = await client.result("subscribe", since=0)
        assert answer == {"subscription": 1, "log_id": world.service.journal.log_id, "first_id": 1, "last_id": last}
        record(world, 100)
        last = await settled(world)
        assert [(await client.event())["id"] for _ in range(last)] == list(range(1, last + 1))

    in_virtual_time(story)


def test_the_answer_comes_before_the_first_event() -> None:
    async def story(world: World) -> None:
        await settled(world)
        client = await world.connect()
        answer = await client.raw('{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"since":0}}')
        assert answer["id"] == 1
        assert (await client.event())["id"] == 1

    in_virtual_time(story)


def test_without_since_only_what_is_new_comes() -> None:
    async def story(world: World) -> None:
        last = await settled(world)
        client = await world.connect()
        await client.result("subscribe")
        record(world, 1)
        assert (await client.event())["id"] == last + 1

    in_virtual_time(story)


def test_after_unsubscribe_nothing_comes_any_more() -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        number = (await client.result("subscribe"))["subscription"]
        record(world, 3)
        await settled(world)
        await client.result("unsubscribe", subscription=number)
        heard = len(client.told)
        record(world, 3)
        await settled(world)
        await client.result("hello")
        assert len(client.told) == heard
        assert world.service.journal._feed._subscriptions == set()

    in_virtual_time(story)


def test_subscriptions_are_told_apart_and_bounded() -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        numbers = [(await client.result("subscribe"))["subscription"] for _ in range(server.MAX_SUBSCRIPTIONS)]
        assert (await client.error("subscribe"))["code"] == -32001
        record(world, 1)
        told = [await client.notification() for _ in numbers]
        assert sorted(params["subscription"] for _, params in told) == numbers

    in_virtual_time(story)


def test_a_client_that_goes_leaves_no_subscription_behind() -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        await client.stream.send_all(b'{"jsonrpc":"2.0","id":1,"method":"subscribe"}\n' * 3)
        await client.stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert world.service.journal._feed._subscriptions == set()

    in_virtual_time(story)


def test_a_subscriber_that_stalls_is_told_what_it_missed_can_fetch_it_and_delays_nobody() -> None:
    async def story(world: World) -> None:
        last = await settled(world)
        stalled, lively = await world.connect(narrow=True), await world.connect()
        await stalled.result("subscribe")
        await lively.result("subscribe")
        began_s = trio.current_time()
        for _ in range(2 * BUFFER):
            record(world, 1)
            assert (await lively.event())["id"] == world.service.journal.last_id
        assert trio.current_time() - began_s < 1
        ids: list[int] = []
        while not ids or ids[-1] < world.service.journal.last_id:
            method, params = await stalled.notification()
            if method == "event":
                ids.append(params["event"]["id"])
            else:
                missed = await stalled.result(
                    "events", since=params["from_id"] - 1, limit=params["to_id"] - params["from_id"] + 1
                )
                ids += [event["id"] for event in missed["events"]]
        assert ids == list(range(last + 1, world.service.journal.last_id + 1))
        assert len(ids) == 2 * BUFFER

    in_virtual_time(story)


def test_a_client_that_takes_nothing_is_hung_up_on_in_the_end() -> None:
    async def story(world: World) -> None:
        client = await world.connect(narrow=True)
        await client.stream.send_all(b'{"jsonrpc":"2.0","id":1,"method":"status"}\n')
        await trio.sleep(server.REPLY_S + 1)
        with pytest.raises(trio.BrokenResourceError):
            await client.stream.send_all(b"\n")

    in_virtual_time(story)


def test_a_subscriber_may_take_longer_to_read_than_one_that_asked() -> None:
    async def story(world: World) -> None:
        client = await world.connect(narrow=True)
        await client.result("subscribe")
        record(world, 1)
        await settled(world)
        await trio.sleep(2 * server.REPLY_S)
        await client.event()
        record(world, 1)
        await trio.sleep(server.NOTIFY_S + 1)
        with pytest.raises(trio.BrokenResourceError):
            await client.stream.send_all(b"\n")

    in_virtual_time(story)


def test_when_too_much_waits_to_be_taken_the_slowest_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        clients = [await world.connect(narrow=True) for _ in range(3)]
        size = len(wire.line(wire.result(1, world.service.status())))
        monkeypatch.setattr(server, "MAX_WAITING_BYTES", 2.5 * size)
        for client in clients:
            await client.stream.send_all(b'{"jsonrpc":"2.0","id":1,"method":"status"}\n')
            await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(trio.BrokenResourceError), trio.fail_after(1):
            await clients[0].stream.send_all(b"\n")
        for client in clients[1:]:
            assert "result" in await client.message()

    in_virtual_time(story)


def test_an_answer_larger_than_all_that_may_wait_is_given_where_nothing_else_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        monkeypatch.setattr(server, "MAX_WAITING_BYTES", 10)
        for _ in range(2):
            await (await world.connect(narrow=True)).result("status")

    in_virtual_time(story)


def test_the_past_is_asked_for_again_while_the_disk_does_not_give_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        last = await settled(world)
        store_class = type(world.service.journal._store)
        page, failures = store_class.page, iter([True, True])

        def failing(self: Store, query: Query) -> list[Event]:
            if next(failures, False):
                raise StoreError("the disk is asleep")
            return page(self, query)

        monkeypatch.setattr(store_class, "page", failing)
        client = await world.connect()
        await client.result("subscribe", since=0)
        began_s = trio.current_time()
        assert [(await client.event())["id"] for _ in range(last)] == list(range(1, last + 1))
        assert trio.current_time() - began_s >= 2 * server.REREAD_S

    in_virtual_time(story)


# --- Time limits and the end ------------------------------------------------------------------------------------------


def test_half_a_line_is_not_waited_for_for_ever_however_slowly_it_grows() -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        for _ in range(9):
            await client.stream.send_all(b"x")
            await trio.sleep(server.LINE_S / 10)
        assert (await client.message())["error"]["code"] == wire.PARSE_ERROR
        assert await hangs_up(client)
        assert trio.current_time() == pytest.approx(server.LINE_S)

    in_virtual_time(story)


def test_a_line_has_its_time_however_long_the_requests_before_it_take(monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(*_: object, **__: object) -> list[str]:
        await trio.sleep(0.6 * server.LINE_S)
        return []

    async def story(world: World) -> None:
        monkeypatch.setattr(type(world.service), "board", slow)
        client = await world.connect()
        request = b'{"jsonrpc":"2.0","id":1,"method":"board","params":{"command":"hb"}}\n'
        await client.stream.send_all(request + request + request[:9])
        await client.message()
        await client.message()
        await trio.sleep(0.9 * server.LINE_S)
        await client.stream.send_all(request[9:])
        assert (await client.message())["result"] == {"lines": []}

    in_virtual_time(story)


def test_an_idle_client_is_hung_up_on_after_an_hour_unless_it_subscribes() -> None:
    async def story(world: World) -> None:
        idle, subscriber = await world.connect(), await world.connect()
        await subscriber.result("subscribe")
        began_s = trio.current_time()
        assert await hangs_up(idle)
        assert trio.current_time() - began_s == pytest.approx(server.IDLE_S)
        await trio.sleep(3 * server.IDLE_S)
        record(world, 1)
        await subscriber.event()

    in_virtual_time(story)


def test_clients_that_stall_in_every_way_do_not_hold_up_the_end() -> None:
    async def story(world: World) -> None:
        stalled, half, subscriber = [await world.connect(narrow=True) for _ in range(3)]
        await stalled.stream.send_all(b'{"jsonrpc":"2.0","id":1,"method":"status"}\n')
        await half.stream.send_all(b'{"jsonrpc"')
        await subscriber.result("subscribe")
        record(world, 1000)
        await settled(world)

        ended_s.append(trio.current_time())

    ended_s: list[float] = []

    async def main() -> None:
        async with world() as served:
            await story(served)
        assert trio.current_time() == ended_s[0]

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
