"""Following the log: neither gap nor repeat, whatever becomes of connections and logs, on both clients' common rules."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from wagman.client.asynchronous import Away, Follower
from wagman.client.conversation import Notification
from wagman.client.errors import NO_SUCH_PLACE, AddressError, AnswerError
from wagman.client.following import Following, Happened, Missing, Place, Replaced, Steps


def event(log: str, number: int | None, what: int) -> dict[str, Any]:
    fields = {"log": log, "what": what}
    return {"id": number, "boot_id": "b", "mono_s": what, "type": "device.started", "device": "gn", "fields": fields}


@define
class Log:
    """A service's rolling log, and one subscription to it."""

    name: str = "log-0"
    first_id: int = 1
    events: list[dict[str, Any]] = field(factory=list)  # all there ever were; those before `first_id` are gone
    subscription: int = 0
    place: int = 0  # up to there the subscriber was told

    @property
    def last_id(self) -> int:
        return len(self.events)

    def write(self, count: int) -> None:
        self.events += [event(self.name, self.last_id + 1 + each, self.last_id + each) for each in range(count)]

    def prune(self, count: int) -> None:
        self.first_id = min(self.first_id + count, self.last_id + 1)

    def replace(self) -> None:
        self.name, self.first_id, self.place = f"log-{int(self.name[4:]) + 1}", 1, 0
        self.events.clear()

    def answer(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method == "unsubscribe":
            return {"subscription": params["subscription"]}
        since = params.get("since", self.last_id)
        if since > self.last_id or params.get("log_id", self.name) != self.name:
            raise AnswerError({"code": NO_SUCH_PLACE, "message": "no such place"})
        if method == "events":
            page = self.events[max(since, self.first_id - 1) :][: params["limit"]]
            return {"log_id": self.name, "first_id": self.first_id, "last_id": self.last_id, "events": page}
        self.subscription, self.place = self.subscription + 1, since
        return {"subscription": self.subscription, "log_id": self.name, "first_id": self.first_id, "last_id": self.last_id}

    def tell(self, count: int) -> Iterator[Notification]:
        """The next events, as many as there are."""
        self.place = max(self.place, self.first_id - 1)
        for each in self.events[self.place : self.place + count]:
            self.place = each["id"]
            yield Notification("event", {"subscription": self.subscription, "event": each})

    def lag(self, count: int) -> Iterator[Notification]:
        """The subscriber did not read: so many events are not told one by one."""
        missed = list(self.tell(count))
        if missed:
            ids = [each.params["event"]["id"] for each in missed]
            yield Notification("lagged", {"subscription": self.subscription, "from_id": ids[0], "to_id": ids[-1]})


@define
class Reader:
    """Follows a log, and keeps what it was given of each."""

    log: Log = field(factory=Log)
    following: Following = field(factory=lambda: Following(Place("log-0", 0)))
    given: dict[str, list[int]] = field(factory=dict)
    missing: dict[str, list[int]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.resume()

    def resume(self) -> None:
        answered(self.following.resume(), self.log)
        for note in self.following.notes:
            if isinstance(note, Missing):
                self.missing.setdefault(note.log_id or "", []).extend(range(note.from_id, note.to_id + 1))
        self.following.notes.clear()

    def take(self, told: Iterator[Notification]) -> None:
        for each in told:
            if (happened := self.following.take(each)) is not None:
                assert happened.event["fields"]["log"] == happened.log_id
                self.given.setdefault(happened.log_id or "", []).append(happened.event["id"] or 0)
            if self.following.is_behind:
                self.resume()

    def step(self, what: str, count: int) -> None:
        match what:
            case "write":
                self.log.write(count)
            case "prune":
                self.log.prune(count)
            case "tell":
                self.take(self.log.tell(count))
            case "lag":
                self.take(self.log.lag(count))
            case "drop" | "replace":
                self.following.lost()
                if what == "replace":
                    self.log.replace()
                self.resume()


def answered(steps: Steps, log: Log) -> None:
    with suppress(StopIteration):
        asked = next(steps)
        while True:
            try:
                result = log.answer(*asked)
            except AnswerError as error:
                asked = steps.throw(error)
            else:
                asked = steps.send(result)


STEPS = st.lists(
    st.tuples(st.sampled_from(["write", "write", "tell", "tell", "lag", "prune", "drop", "replace"]), st.integers(1, 4)),
    max_size=40,
)


@given(STEPS)
def test_every_event_is_given_once_in_its_order_or_said_to_be_missing(steps: Sequence[tuple[str, int]]) -> None:
    reader = Reader()
    for what, count in steps:
        reader.step(what, count)
    reader.step("drop", 1)
    while reader.log.place < reader.log.last_id:
        reader.take(reader.log.tell(100))
    for name in {*reader.given, *reader.missing}:
        given_ids, missing_ids = reader.given.get(name, []), reader.missing.get(name, [])
        assert given_ids == sorted(set(given_ids))
        assert not set(given_ids) & set(missing_ids)
        reached = max((*given_ids, *missing_ids))
        assert {*given_ids, *missing_ids} == set(range(1, reached + 1))
    last = (*reader.given.get(reader.log.name, ()), *reader.missing.get(reader.log.name, ()))
    assert max(last, default=0) == reader.log.last_id


def test_an_event_that_was_given_without_an_id_comes_again_with_one_and_says_so() -> None:
    reader = Reader()
    following, unwritten = reader.following, event("log-0", None, 0)
    told = Notification("event", {"subscription": 1, "event": unwritten})
    assert following.take(told) == (unwritten, "log-0", False)
    assert following.take(told) is None
    reader.log.write(1)
    (written,) = reader.log.tell(1)
    assert following.take(written) == (written.params["event"], "log-0", True)


def test_what_was_not_told_one_by_one_is_looked_for_without_waiting_for_what_comes_after_it() -> None:
    reader = Reader()
    reader.step("write", 3)
    reader.step("lag", 3)
    reader.step("tell", 9)
    assert reader.given == {"log-0": [1, 2, 3]}


def test_a_log_that_was_replaced_is_said_to_be_and_read_from_its_first_event() -> None:
    log = Log()
    log.write(3)
    following = Following(Place("log-0", 0))
    answered(following.resume(), log)
    assert [following.take(each) is not None for each in log.tell(3)] == [True] * 3
    following.lost()
    log.replace()
    log.write(1)
    answered(following.resume(), log)
    assert list(following.notes) == [Replaced("log-0", 3, "log-1")]
    assert [following.take(each) is not None for each in log.tell(9)] == [True]


# --- Under trio, through a real socket ----------------------------------------------------------------------------------


@define
class Site:
    """A service's socket, which can go away and come back."""

    path: Path
    log: Log = field(factory=Log)

    async def serve(self, events: int, *, task_status: trio.TaskStatus[None]) -> None:
        """One connection: answer what is asked, tell so many events once there is a subscription, and hang up."""
        listener = trio.socket.socket(trio.socket.AF_UNIX)
        with listener:
            await listener.bind(str(self.path))
            listener.listen()
            task_status.started()
            peer, _ = await listener.accept()
        self.path.unlink()
        async with trio.SocketStream(peer) as stream:
            buffer = b""
            while True:
                buffer += await stream.receive_some()
                *lines, buffer = buffer.split(b"\n")
                for line in lines:
                    asked = json.loads(line)
                    await stream.send_all(self.reply(asked))
                    if asked["method"] == "subscribe":
                        for told in self.log.tell(events):
                            await stream.send_all(lines_of({"method": told.method, "params": told.params}))
                        return

    def reply(self, asked: dict[str, Any]) -> bytes:
        try:
            return lines_of({"id": asked["id"], "result": self.log.answer(asked["method"], asked["params"])})
        except AnswerError as error:
            return lines_of({"id": asked["id"], "error": {"code": error.code, "message": str(error)}})


def lines_of(message: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"


def test_a_follower_goes_on_over_connections_that_break_and_says_once_that_it_is_away(tmp_path: Path) -> None:
    site, news = Site(tmp_path / "s"), list[Any]()

    async def main() -> None:
        site.log.write(5)
        async with trio.open_nursery() as nursery, Follower(site.path, Place("log-0", 0)) as follower:
            await nursery.start(site.serve, 2)
            with trio.fail_after(30):
                async for each in follower:
                    news.append(each)
                    if isinstance(each, Away):
                        await nursery.start(site.serve, 9)
                    if len(news) == 6:
                        break
            nursery.cancel_scope.cancel()

    trio.run(main)
    ids = [each.event["id"] if isinstance(each, Happened) else type(each) for each in news]
    assert ids == [1, 2, Away, 3, 4, 5]


def test_a_wait_that_is_cancelled_loses_nothing(tmp_path: Path) -> None:
    site, ids = Site(tmp_path / "s"), list[int | None]()

    async def main() -> None:
        site.log.write(3)
        async with trio.open_nursery() as nursery, Follower(site.path, Place("log-0", 0)) as follower:
            await nursery.start(site.serve, 9)
            with trio.fail_after(30):
                while len(ids) < 3:
                    with trio.CancelScope() as scope:
                        scope.cancel()
                        await follower.receive()
                    news = await follower.receive()
                    assert isinstance(news, Happened)
                    ids.append(news.event["id"])
            nursery.cancel_scope.cancel()

    trio.run(main)
    assert ids == [1, 2, 3]


def test_a_place_where_no_socket_can_be_is_an_error_at_once() -> None:
    async def main() -> None:
        async with Follower("/" + "x" * 200) as follower:
            await follower.receive()

    with pytest.raises(AddressError):
        trio.run(main)
