"""An order is carried out once or never, in time or never, and whoever gave it is told."""

import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pytest
import trio
import trio.testing
from attrs import define, evolve, field
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cli.kit import Daemon
from wagman.bridges.fleet.ledger import Ledger
from wagman.bridges.fleet.link import Message
from wagman.bridges.fleet.obeying import MOST_WAITING, Obeying
from wagman.bridges.fleet.orders import MOST_TURNED_DOWN, Gate, Terms, answer, until_s
from wagman.bridges.fleet.payloads import Answer, Order, opened, packed

NOW_S = 1_800_000_000.0
TERMS = Terms(("alice",), ("start", "stop"), 60.0, 5, 60.0)


def order(number: int = 1, until: float | str = NOW_S + 30, **more: Any) -> Order:
    text = until if isinstance(until, str) else datetime.fromtimestamp(until, UTC).isoformat()
    return {"v": 1, "id": f"{number:032x}", "do": "stop", "device": "gn", "until": text, **more}  # type: ignore[typeddict-item]


def gate() -> Gate:
    return Gate(TERMS, is_settled=True)


def reason(found: Answer | None) -> str:
    assert found is not None
    return f"{found['outcome']}: {found['reason']}"


@pytest.mark.parametrize(
    ("who", "given_order", "why"),
    [
        ("bob", order(), "refused: bob may not"),
        ("alice", order(do="kill"), "refused: kill is not among"),
        ("alice", order(until=NOW_S - 1), "expired: its deadline was 1.0 s ago"),
        ("alice", order(until=NOW_S - 86_400), "expired"),
        ("alice", order(until=NOW_S + 86_400), "refused: its deadline is more than 60 s away"),
        ("alice", order(until=NOW_S + 61), "refused: its deadline is more than"),
        ("alice", order(until="2027-01-15T08:00:30"), "refused: the deadline is no time with a zone"),
        ("alice", order(until="soon"), "refused: the deadline is no time"),
        ("alice", order(until="9999-12-31T23:59:59.999999-23:59"), "refused"),
    ],
)
def test_an_order_is_refused_with_its_reason(who: str, given_order: Order, why: str) -> None:
    assert reason(gate().obstacle(who, given_order, NOW_S)).startswith(why)


def test_an_order_in_time_is_let_through() -> None:
    assert gate().obstacle("alice", order(), NOW_S) is None


@pytest.mark.parametrize("off_s", [-NOW_S, -86_400.0, 86_400.0, 1e9])
def test_a_clock_that_is_wrong_refuses(off_s: float) -> None:
    assert Gate(TERMS, is_settled=True).obstacle("alice", order(), NOW_S + off_s) is not None


def test_of_a_flood_no_more_are_taken_than_the_rate_allows() -> None:
    ours = gate()
    found = [ours.obstacle("alice", order(number), NOW_S + number / 10) for number in range(8)]
    assert [each is None for each in found] == [True] * 5 + [False] * 3
    assert ours.obstacle("alice", order(9, NOW_S + 60), NOW_S + 20) is None, "one more every 12 s"


@pytest.mark.parametrize(("most", "words"), [(1, "more than 1 order in 60 s"), (5, "more than 5 orders in 60 s")])
def test_a_flood_is_told_of_in_the_words_of_the_rate(most: int, words: str) -> None:
    ours = Gate(evolve(TERMS, most=most), is_settled=True)
    found = [ours.obstacle("alice", order(number), NOW_S) for number in range(most + 1)]
    assert reason(found[-1]) == f"refused: {words}"


def test_while_the_ledger_is_new_nobody_knows_what_was_carried_out() -> None:
    for off_s in (0.0, -86_400.0, 86_400.0):
        said = reason(Gate(TERMS, is_settled=False).obstacle("alice", order(until=NOW_S + off_s + 30), NOW_S + off_s))
        assert "the ledger of orders is new" in said
        assert said.endswith("order again once this bridge has run for 5 min")


@settings(max_examples=60)
@given(st.text(max_size=30))
def test_whatever_the_deadline_says_it_is_judged(text: str) -> None:
    ours, given_order = gate(), order(until=text)
    if ours.obstacle("alice", given_order, NOW_S) is None:
        assert NOW_S <= until_s(given_order) <= NOW_S + 60


# --- Killed at any step -----------------------------------------------------------------------------------------------


class CrashError(Exception):
    """It is killed here."""


@define(eq=False)
class FakeLink:
    said: list[tuple[str, dict[str, Any]]] = field(factory=list)
    acknowledged: list[int] = field(factory=list)

    def publish(self, topic: str, payload: bytes, **_: object) -> int:
        self.said.append((topic, opened(payload)))
        return 0

    def acknowledge(self, message: Message) -> None:
        self.acknowledged.append(message.number)


@define(eq=False)
class Killed(Obeying):
    """It reaches a service that notes what it did; and it may be killed before, or after."""

    done: list[tuple[str, float]] = field(factory=list, kw_only=True)
    crash: str = field(default="", kw_only=True)

    async def _ask(self, who: str, given_order: Order) -> Answer:
        if self.crash == "before":
            raise CrashError
        self.done.append((given_order["id"], self.clock()))
        if self.crash == "after":
            raise CrashError
        return answer(given_order["id"], "accepted", "so be it")


STEPS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(("", "", "before", "after")), st.floats(0, 40), st.booleans()), max_size=12
)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_an_order_is_carried_out_at_most_once_and_in_time_whenever_it_comes_and_whenever_we_are_killed(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str, float, bool]]
) -> None:
    path = tmp_path_factory.mktemp("ledger") / "ledger"
    done, now_s = list[tuple[str, float]](), NOW_S
    Ledger(path, 0.0).close()
    for number, crash, passed_s, retained in steps:
        now_s += passed_s
        with closing(Ledger(path, now_s)) as ledger:
            link, gone = FakeLink(), False
            killed = Killed(link, "w/1/v1", "", gate(), ledger, lambda: now_s, str, done=done, crash=crash)  # type: ignore[arg-type]  # noqa: B023 - it is called here
            killed.told(Message("w/1/v1/do/alice", packed(order(number), deflate=False), retained, 1))
            try:
                trio.run(until_idle, killed)
            except CrashError:
                gone = True
        assert gone or [topic for topic, _ in link.said] == ["w/1/v1/done/alice"], "each delivery has its answer"
    assert len({number for number, _ in done}) == len(done), "an order was carried out twice"
    assert all(at_s <= NOW_S + 30 for _, at_s in done), "an order was carried out after its deadline"


@define(eq=False)
class Full:
    """A ledger on a disk that takes so many writes, and no more."""

    ledger: Ledger
    left: int

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ledger, name)

    def enter(self, who: str, number: str, now_s: float, meaning: str) -> bool:
        self._write()
        return self.ledger.enter(who, number, now_s, meaning)

    def answered(self, who: str, found: Answer) -> None:
        self._write()
        self.ledger.answered(who, found)

    def _write(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise sqlite3.OperationalError("database or disk is full")


@pytest.mark.parametrize(
    ("left", "outcomes", "done"),
    [(0, ["refused", "refused"], 0), (1, ["accepted", "unknown"], 1), (2, ["accepted", "accepted"], 1)],
)
def test_an_order_is_answered_by_what_became_of_it_wherever_the_disk_is_full(
    tmp_path: Path, left: int, outcomes: list[str], done: int
) -> None:
    with closing(Ledger(tmp_path / "ledger", 0.0)) as ledger:
        link, full = FakeLink(), Full(ledger, left)
        obeying = Killed(link, "w/1/v1", "", gate(), full, lambda: NOW_S, str, done=[])  # type: ignore[arg-type]
        for _ in outcomes:
            obeying.told(by_alice(packed(order(), deflate=False)))
        trio.run(until_idle, obeying)
    assert [found["outcome"] for _, found in link.said] == outcomes
    assert len(obeying.done) == done


async def until_idle(obeying: Obeying) -> None:
    obeying._orders[0].close()
    await obeying.run()


# --- Against a service ------------------------------------------------------------------------------------------------


def obey(path: Path, socket: str, *messages: Message) -> list[dict[str, Any]]:
    with suppress(FileExistsError):
        path.mkdir()
    with closing(Ledger(path / "ledger", 0.0)) as ledger:
        link = FakeLink()
        obeying = Obeying(link, "w/1/v1", socket, gate(), ledger, lambda: NOW_S, str)  # type: ignore[arg-type]
        for message in messages:
            obeying.told(message)
        trio.run(until_idle, obeying)
    assert len(link.acknowledged) == len(messages)
    return [found for _, found in link.said]


def by_alice(payload: bytes, *, retained: bool = False) -> Message:
    return Message("w/1/v1/do/alice", payload, retained, 1)


def test_the_log_says_who_asked_and_by_which_order_and_twenty_copies_are_one(daemon: Daemon, tmp_path: Path) -> None:
    before = daemon.ask("events", limit=1)["last_id"]
    found = obey(tmp_path, str(daemon.socket), *[by_alice(packed(order(), deflate=False))] * MOST_WAITING)
    assert [each["outcome"] for each in found] == ["accepted"] * MOST_WAITING
    assert [each.get("again", False) for each in found] == [False] + [True] * (MOST_WAITING - 1)
    events = daemon.ask("events", since=before, type="command.stop")["events"]
    assert [(each["fields"]["for"], each["fields"]["order"]) for each in events] == [("alice", order()["id"])]
    assert found[0]["event_id"] == events[0]["id"]


def test_an_order_with_the_id_of_another_is_refused_and_does_nothing(daemon: Daemon, tmp_path: Path) -> None:
    before = daemon.ask("events", limit=1)["last_id"]
    ordered = [order(), order(do="start"), order(device="cs"), order(force=True), order(until=NOW_S + 60)]
    found = obey(tmp_path, str(daemon.socket), *(by_alice(packed(each, deflate=False)) for each in ordered))
    assert [each["outcome"] for each in found] == ["accepted", "refused", "refused", "refused", "accepted"]
    assert [each.get("again", False) for each in found] == [False, False, False, False, True]
    assert "an id of its own" in found[1]["reason"]
    told = [event["type"] for event in daemon.ask("events", since=before)["events"]]
    assert [each for each in told if each.startswith("command.")] == ["command.stop"]


def test_what_is_no_order_or_was_kept_or_is_one_too_many_is_answered_and_does_nothing(daemon: Daemon, tmp_path: Path) -> None:
    before = daemon.ask("events", limit=1)["last_id"]
    data = packed(order(), deflate=False)
    found = obey(tmp_path, str(daemon.socket), by_alice(b"{}"), by_alice(b'{"id":"12345678"}'), by_alice(data, retained=True))
    assert [each["reason"] for each in found] == [
        "not the shape of an order",
        "the broker had kept it: orders are not to be retained",
    ]
    flood = obey(tmp_path, str(daemon.socket), *[by_alice(b'{"id":"12345678"}')] * (MOST_WAITING + 1))
    assert flood[0]["reason"] == f"{MOST_WAITING} orders wait already"
    assert daemon.ask("events", limit=1)["last_id"] == before


def turned_down_again(path: Path, ours: Gate, *messages: Message) -> list[dict[str, Any]]:
    """What is said of these orders at a gate, and, where no service answers, of the last of them once more."""
    with closing(Ledger(path / "ledger", 0.0)) as ledger:
        link = FakeLink()
        obeying = Obeying(link, "w/1/v1", str(path / "none"), ours, ledger, lambda: NOW_S, str)  # type: ignore[arg-type]
        for message in messages:
            obeying.told(message)
        trio.run(until_idle, obeying)
        obeying = Obeying(link, "w/1/v1", str(path / "none"), ours, ledger, lambda: NOW_S + 20, str)  # type: ignore[arg-type]
        obeying.told(by_alice(messages[-1].payload))
        trio.run(until_idle, obeying)
    return [found for _, found in link.said]


def test_an_order_that_came_too_soon_is_refused_for_good(tmp_path: Path) -> None:
    ours = gate()
    many = [by_alice(packed(order(number), deflate=False)) for number in range(TERMS.most + 1)]
    *_, refused, again = turned_down_again(tmp_path, ours, *many)
    assert refused["reason"].startswith("more than 5 orders in 60 s")
    assert again == {**refused, "again": True}


def test_an_order_that_the_broker_had_kept_or_that_found_no_room_is_refused_for_good(tmp_path: Path) -> None:
    data = packed(order(), deflate=False)
    kept, again = turned_down_again(tmp_path, gate(), by_alice(data, retained=True))
    assert again == {**kept, "again": True}
    others = [by_alice(packed(order(number), deflate=False)) for number in range(2, MOST_WAITING + 2)]
    full, *_, again = turned_down_again(tmp_path, Gate(evolve(TERMS, most=100), is_settled=True), *others, by_alice(data))
    assert full["reason"] == f"{MOST_WAITING} orders wait already"
    assert again == {**full, "again": True}


def test_a_copy_that_finds_no_room_keeps_the_order_that_waits_from_nothing(daemon: Daemon, tmp_path: Path) -> None:
    found = obey(tmp_path, str(daemon.socket), *[by_alice(packed(order(), deflate=False))] * (MOST_WAITING + 1))
    assert [each["outcome"] for each in found] == ["refused", *["accepted"] * MOST_WAITING]


def test_orders_that_were_turned_down_take_a_bounded_room() -> None:
    ours = gate()
    for number in range(2 * MOST_TURNED_DOWN):
        ours.turn_down("alice", b"%d" % number, answer(str(number), "refused", "no"))
    assert ours.turned_down("alice", b"0") is None
    assert ours.turned_down("alice", b"%d" % MOST_TURNED_DOWN) is not None
    assert ours.turned_down("bob", b"%d" % MOST_TURNED_DOWN) is None


def test_the_answer_goes_to_who_gave_the_order_whatever_the_prefix_of_the_topics(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path / "ledger", 0.0)) as ledger:
        link = FakeLink()
        obeying = Obeying(link, "a/do/1/v1", "", gate(), ledger, lambda: NOW_S, str)  # type: ignore[arg-type]
        for _ in range(MOST_WAITING + 1):
            obeying.told(Message("a/do/1/v1/do/alice", b'{"id":"12345678"}', False, 1))
        trio.run(until_idle, obeying)
    assert [topic for topic, _ in link.said] == ["a/do/1/v1/done/alice"] * (MOST_WAITING + 1)


def test_what_the_service_refuses_or_does_not_know_is_told(daemon: Daemon, tmp_path: Path) -> None:
    (found,) = obey(tmp_path, str(daemon.socket), by_alice(packed(order(device="nobody"), deflate=False)))
    assert found["outcome"] == "refused"
    assert "nobody" in found["reason"]
    (found,) = obey(tmp_path / "other", str(tmp_path / "nowhere"), by_alice(packed(order(), deflate=False)))
    assert found["outcome"] == "refused", "nothing was asked, so nothing can have been done"


def test_a_service_that_is_stopped_is_asked_nothing_that_it_would_do_later(
    tmp_path: Path, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wagman.bridges.fleet.obeying.ANSWER_S", 0.3)
    before = daemon.ask("events", limit=1)["last_id"]
    daemon.signal(19)
    try:
        (found,) = obey(tmp_path, str(daemon.socket), by_alice(packed(order(), deflate=False)))
    finally:
        daemon.signal(18)
    assert found["outcome"] == "refused"
    assert daemon.ask("events", limit=1)["last_id"] == before


class Slow:
    """A connection to a service that greets at once, and answers an order after a while."""

    def __init__(self, takes_s: float) -> None:
        self.takes_s = takes_s

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def call(self, method: str, **_: object) -> dict[str, Any]:
        await trio.sleep(0.0 if method == "hello" else self.takes_s)
        return {"accepted": False, "reason": "the log could not be written", "state": "started", "event_id": None}


@pytest.mark.parametrize(
    ("takes_s", "left_s", "says"),
    [(6.0, 30.0, ("refused", 6.0)), (60.0, 30.0, ("unknown", 10.0)), (60.0, 7.0, ("unknown", 7.0)), (4.0, 1.0, ("refused", 4.0))],
)
def test_a_service_whose_disk_hangs_is_given_until_it_can_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, takes_s: float, left_s: float, says: tuple[str, float]
) -> None:
    async def connect(_path: str) -> Slow:
        await trio.lowlevel.checkpoint()
        return Slow(takes_s)

    async def main() -> None:
        with closing(Ledger(tmp_path / "ledger", 0.0)) as ledger:
            link, began_s = FakeLink(), trio.current_time()
            obeying = Obeying(link, "w/1/v1", "", gate(), ledger, lambda: NOW_S, str)  # type: ignore[arg-type]
            obeying.told(by_alice(packed(order(until=NOW_S + left_s), deflate=False)))
            await until_idle(obeying)
            assert [(found["outcome"], round(trio.current_time() - began_s, 3)) for _, found in link.said] == [says]

    monkeypatch.setattr("wagman.bridges.fleet.obeying.connect", connect)
    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
