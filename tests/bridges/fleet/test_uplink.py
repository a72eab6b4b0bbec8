"""Whatever a broker and a link do: in the end the receiver has each event once, or was told that it is gone."""

from collections import deque

from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridges.fleet.kit import Log, event
from wagman.bridges.fleet.payloads import Events, events_of
from wagman.bridges.fleet.shelf import Shelf, Span, Spans
from wagman.bridges.fleet.uplink import Sent, Uplink
from wagman.client.following import Happened, Missing, Place, Replaced


@define
class World:
    """A node, a broker that may forget, and a receiver."""

    log: Log = field(factory=Log)
    place: Place = field(factory=lambda: Place(None, 0))  # in the ledger
    uplink: Uplink | None = None
    broker: deque[bytes] = field(factory=deque)  # acknowledged, and not delivered yet
    link: deque[Sent] = field(factory=deque)  # sent, and not acknowledged
    shelf: Shelf = field(factory=lambda: Shelf("v1"))
    got: list[tuple[str, int]] = field(factory=list)
    lost: set[tuple[str, int]] = field(factory=set)
    now_s: float = 0.0

    def step(self, step: str, number: int) -> None:
        match step:
            case "write" | "roll":
                getattr(self.log, step)(number)
            case "replace":
                self.log.replace()
            case "send":
                self.send(is_due=bool(number))
            case "acknowledge":
                self.acknowledge(number)
            case "cut":
                self.cut(arrived=number)
            case _:
                getattr(self, step)()

    def settle(self) -> None:
        """The storm is over; it may take as many rounds as there are events."""
        end = Place(self.log.name, self.log.last)
        for _ in range(len(self.log.written) + 2):
            if self.place == end or not self.log.last:
                break
            self.send()
            self.acknowledge(9)
        else:
            raise AssertionError("it does not come to an end")
        self.deliver()
        self.status()
        for _ in range(len(self.log.written) + 2):
            if not self.shelf.missing():
                return
            self.refill()
        raise AssertionError("something is missing for ever")

    def connect(self) -> None:
        self.uplink = Uplink(self.place, batch=4, window=3, deflate=False)

    def send(self, *, is_due: bool = True) -> None:
        if self.uplink is None:
            self.connect()
        assert self.uplink is not None
        for news in self.log.after(self.uplink._read):
            if not self.uplink.has_room:
                break
            self.uplink.take(news)
        while (sent := self.uplink.next(is_due=is_due)) is not None:
            self.link.append(sent)

    def acknowledge(self, count: int) -> None:
        for _ in range(min(count, len(self.link))):
            sent = self.link.popleft()
            self.broker.append(sent.payload)
            if self.uplink is not None and self.uplink.acknowledged(sent.number):
                self.place = self.uplink.place

    def cut(self, *, arrived: int) -> None:
        """The connection is lost; so many messages had arrived all the same."""
        for sent in list(self.link)[:arrived]:
            self.broker.append(sent.payload)
        self.link.clear()
        self.uplink = None

    def forget(self) -> None:
        """The broker is killed, and had written nothing down."""
        self.broker.clear()
        self.cut(arrived=0)

    def deliver(self) -> None:
        while self.broker:
            self.take(events_of(self.broker.popleft()))

    def take(self, batch: Events) -> None:
        log = batch["log"]
        assert log is not None
        fresh = [each["id"] for each in self.shelf.take(batch)]
        self.got += [(log, number) for number in fresh if number is not None]
        if "gap" in batch:
            self.lost |= {(log, each) for each in range(batch["gap"][0], batch["gap"][1] + 1)}

    def status(self) -> None:
        self.shelf.heard({"log": self.log.name, "last": self.log.last})  # type: ignore[typeddict-item]

    def refill(self) -> None:
        self.now_s += 1_000
        self.shelf.wanted(self.now_s)
        self.now_s += 1_000
        wanted = self.shelf.wanted(self.now_s)
        if wanted is None:
            return
        for batch in resent(self.log, wanted.log, wanted.span):
            self.take(batch)


def resent(log: Log, name: str, span: Span) -> list[Events]:
    """As a node answers who misses something."""
    base = {"v": 1, "log": name, "first": span.first, "last": span.last, "again": True}
    if name != log.name:
        return [{**base, "gap": [*span], "events": []}]  # type: ignore[typeddict-item]
    gap = {"gap": [span.first, min(log.first - 1, span.last)]} if span.first < log.first else {}
    return [{**base, **gap, "events": [event(n) for n in range(max(span.first, log.first), span.last + 1)]}]  # type: ignore[typeddict-item]


STEPS = st.one_of(
    st.tuples(st.just("write"), st.integers(1, 9)),
    st.tuples(st.just("roll"), st.integers(1, 9)),
    st.tuples(st.just("replace"), st.just(0)),
    st.tuples(st.just("send"), st.integers(0, 1)),
    st.tuples(st.just("acknowledge"), st.integers(1, 4)),
    st.tuples(st.just("cut"), st.integers(0, 4)),
    st.tuples(st.just("forget"), st.just(0)),
    st.tuples(st.just("deliver"), st.just(0)),
    st.tuples(st.just("status"), st.just(0)),
    st.tuples(st.just("refill"), st.just(0)),
)


@settings(deadline=None, max_examples=150)
@given(st.lists(STEPS, max_size=40))
def test_each_event_arrives_once_or_is_told_to_be_gone(steps: list[tuple[str, int]]) -> None:
    world = World()
    for step, number in steps:
        world.step(step, number)
    world.settle()
    assert len(world.got) == len(set(world.got)), "an event was taken for fresh twice"
    assert set(world.got) <= world.log.written
    never = world.log.written - set(world.got)
    assert never <= world.log.gone, "an event that is still in the log was lost"
    # What is gone is told, but for logs that began and ended unseen.
    assert {each for each in never if each[0] in world.shelf.logs and each[1] <= world.shelf._known[each[0]]} <= world.lost


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)), max_size=30))
def test_spans_are_a_set_of_ids(pairs: list[tuple[int, int]]) -> None:
    spans, ids = Spans(), set[int]()
    for first, more in pairs:
        spans.add(Span(first, first + more - 1))
        ids |= set(range(first, first + more))
    assert [n for span in spans for n in range(span.first, span.last + 1)] == sorted(ids)
    assert all(one.last + 1 < other.first for one, other in zip(list(spans), list(spans)[1:], strict=False))
    assert {n for n in range(1, 80) if n in spans} == ids
    holes = [n for span in spans.holes(Span(5, 50)) for n in range(span.first, span.last + 1)]
    assert holes == sorted(set(range(5, 51)) - ids)


def sent(uplink: Uplink, *, is_due: bool = True) -> list[Events]:
    found = []
    while (message := uplink.next(is_due=is_due)) is not None:
        found.append(events_of(message.payload))
    return found


def test_a_gap_is_told_before_the_events_behind_it() -> None:
    uplink = Uplink(Place("a", 54))
    uplink.take(Missing("a", 55, 1560))
    uplink.take(Happened(event(1561), "a"))
    (batch,) = sent(uplink)
    assert (batch["first"], batch["last"], batch["gap"]) == (55, 1561, [55, 1560])


def test_a_new_log_is_told_with_what_it_replaces() -> None:
    uplink = Uplink(Place("a", 54))
    uplink.take(Replaced("a", 54, "b"))
    uplink.take(Happened(event(1), "b"))
    (batch,) = sent(uplink)
    assert (batch["log"], batch["replaces"], batch["after"], batch["first"]) == ("b", "a", 54, 1)


def test_a_log_that_changes_under_way_is_a_new_log_as_well() -> None:
    uplink = Uplink(Place("a", 0))
    uplink.take(Happened(event(1), "a"))
    uplink.take(Happened(event(1, "store.opened"), "b"))
    old, new = sent(uplink)
    assert (old["log"], old["last"], new["log"], new["replaces"], new["after"]) == ("a", 1, "b", "a", 1)


def test_an_event_without_an_id_goes_out_at_once_and_moves_nothing() -> None:
    uplink = Uplink(Place("a", 3))
    uplink.take(Happened(event(None), "a"))
    message = uplink.next()
    assert message is not None
    assert events_of(message.payload)["log"] is None
    assert not uplink.acknowledged(message.number)
    assert uplink.place == Place("a", 3)


def test_what_is_urgent_does_not_wait() -> None:
    uplink = Uplink(Place("a", 0))
    uplink.take(Happened(event(1), "a"))
    found = [uplink.is_urgent]
    uplink.take(Happened(event(2, "command.stop"), "a"))
    found.append(uplink.is_urgent)
    assert [each["last"] for each in sent(uplink)] == [2]
    assert [*found, uplink.is_urgent] == [False, True, False]


def test_the_place_moves_only_over_what_is_acknowledged_in_order() -> None:
    uplink = Uplink(Place("a", 0), batch=1)
    for number in (1, 2):
        uplink.take(Happened(event(number), "a"))
        uplink.next()
    assert not uplink.acknowledged(2)
    assert uplink.acknowledged(1)
    assert uplink.place == Place("a", 2)


def test_no_more_is_taken_than_the_window_holds() -> None:
    uplink = Uplink(Place("a", 0), batch=1, window=2)
    taken = 0
    while uplink.has_room:
        taken += 1
        uplink.take(Happened(event(taken), "a"))
        uplink.next()
    assert taken == 2


def test_what_is_on_its_way_by_itself_is_not_asked_for() -> None:
    shelf = Shelf("v1")
    shelf.take(events_of(b'{"v":1,"log":"a","first":9,"last":9,"past":[1,8],"events":[]}'))
    shelf.take({"v": 1, "log": "a", "first": 9, "last": 9, "past": [1, 8], "events": [event(9)]})
    assert shelf.wanted(0) is None
    assert shelf.wanted(100) is None
    shelf.take({"v": 1, "log": "a", "first": 10, "last": 10, "events": [event(10)]})
    shelf.wanted(200)
    wanted = shelf.wanted(300)
    assert wanted is not None
    assert wanted.span == Span(1, 8)


def test_a_receiver_that_begins_now_asks_for_nothing_older() -> None:
    shelf = Shelf("v1", from_now=True)
    shelf.take({"v": 1, "log": "a", "first": 9, "last": 9, "events": [event(9)]})
    assert shelf.missing() == 0


def test_what_is_missing_is_asked_for_more_and_more_seldom_and_soon_again_once_somebody_connects_anew() -> None:
    shelf = Shelf("v1")
    shelf.take({"v": 1, "log": "a", "first": 2, "last": 2, "events": [event(2)]})
    assert [now_s for now_s in range(80) if shelf.wanted(now_s) is not None] == [2, 12, 32, 72]
    shelf.hurry()
    assert shelf.wanted(74) is not None


def test_the_next_that_is_missing_does_not_wait_for_the_first_one() -> None:
    shelf = Shelf("v1")
    shelf.take({"v": 1, "log": "a", "first": 4, "last": 4, "events": [event(2), event(4)]})
    found = {now_s: wanted.span for now_s in range(10) if (wanted := shelf.wanted(now_s)) is not None}
    shelf.take({"v": 1, "log": "a", "first": 1, "last": 1, "again": True, "events": [event(1)]})
    found |= {now_s: wanted.span for now_s in range(10, 20) if (wanted := shelf.wanted(now_s)) is not None}
    assert found == {2: Span(1, 1), 12: Span(3, 3)}
