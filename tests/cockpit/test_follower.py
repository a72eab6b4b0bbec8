"""The page's follower against a log that is made up: whatever happens to the connection, every event is given once, in its order.

The script runs in the browser that it is made for; what it speaks to is a service of a few lines, in the same page.
"""

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cockpit.kit import NEEDED

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.cockpit.conftest import Sit

pytestmark = NEEDED

WORLD = """
async steps => {
  const { Follower } = await import("./follower.js");
  const given = [], notes = [], ends = [];
  const log = { name: "a", first: 1, last: 3 };
  let mono = 0, waiting = [], current = null;
  const event = (id, key) => ({ id, boot_id: "b", mono_s: key, type: "device.started", device: "gn", fields: { key } });
  const written = new Map([[1, 0.1], [2, 0.2], [3, 0.3]]);
  const follower = new Follower(
    (told, again) => given.push([log.name, told.id, told.fields.key, again]),
    (text) => notes.push([given.length, text]),
  );
  class Connection {
    subscription = null; number = 0; isOver = false;
    async call(method, params) {
      if (this.isOver) throw new Error("lost");
      if (method === "unsubscribe") { this.subscription = null; return {}; }
      if (method === "events") {
        if (params.log_id !== undefined && params.log_id !== log.name) throw Object.assign(new Error("place"), { code: -32004 });
        const next = Math.max((params.since ?? 0) + 1, log.first);
        return { events: next <= log.last ? [event(next, written.get(next))] : [] };
      }
      const { since, log_id } = params;
      if (since !== undefined && since !== 0 && (log_id !== log.name || since > log.last)) {
        throw Object.assign(new Error("place"), { code: -32004 });
      }
      this.subscription = ++this.number;
      const began = { subscription: this.number, log_id: log.name, first_id: log.first, last_id: log.last };
      const next = since === undefined ? log.last + 1 : Math.max(since + 1, log.first);
      for (let id = next; id <= log.last; id++) this.tell(event(id, written.get(id)));
      for (const key of waiting) this.tell(event(null, key));
      return began;
    }
    tell(told) {
      if (this.subscription !== null && !this.isOver) follower.told("event", { subscription: this.subscription, event: told });
    }
    fail(error) { this.isOver = true; ends.push(error.message); }
  }
  const settle = async () => { for (let turn = 0; turn < 60; turn++) await null; };
  const connect = async () => { current = new Connection(); await follower.resume(current); await settle(); };
  const write = (key) => { written.set(++log.last, key); current.tell(event(log.last, key)); };
  await connect();
  for (const [what, count] of steps) {
    if (what === "write") for (let n = 0; n < count; n++) write(++mono);
    if (what === "lose" || what === "replace" || what === "outlive") {
      current.isOver = true;
      if (what === "replace") { log.name = "c"; log.last = 0; written.clear(); }
      for (let n = 0; n < count; n++) written.set(++log.last, ++mono);
      if (what === "outlive") log.first = log.last;
      await connect();
    }
    if (what === "lag") {
      const from = log.last + 1;
      for (let n = 0; n < count; n++) written.set(++log.last, ++mono);
      follower.told("lagged", { subscription: current.subscription, from_id: from, to_id: log.last });
    }
    if (what === "skip") { for (let n = 0; n < count; n++) written.set(++log.last, ++mono); write(++mono); }
    if (what === "trim") log.first = Math.min(log.first + count, log.last);
    if (what === "unwritten") for (let n = 0; n < count; n++) { waiting.push(++mono); current.tell(event(null, mono)); }
    if (what === "written") { const keys = waiting; waiting = []; for (const key of keys) write(key); }
    if (what === "again") for (const key of waiting) current.tell(event(null, key));
    await settle();
    if (current.isOver) await connect();
  }
  if (waiting.length) { const keys = waiting; waiting = []; for (const key of keys) write(key); await settle(); }
  return { given, notes, ends, first: log.first, last: log.last };
}
"""

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["write", "lose", "outlive", "lag", "skip", "trim", "unwritten", "written", "again"]), st.integers(1, 4)
    ),
    max_size=12,
)


@pytest.fixture
def page(sit: "Sit") -> "Page":
    page = sit("read").page()
    page.locator("#live.is-live").wait_for()
    return page


def test_every_event_is_given_once_in_its_order_and_what_is_gone_is_said(page: "Page") -> None:
    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(STEPS)
    def holds(steps: list[tuple[str, int]]) -> None:
        told: Any = page.evaluate(WORLD, [list(step) for step in steps])
        ids = [event_id for _, event_id, _, _ in told["given"] if event_id is not None]
        missing = [
            each
            for _, note in told["notes"]
            for each in range(int(note.split(" between ")[1].split(" and ")[0]), int(note.split(" and ")[1].split(" ")[0]) + 1)
        ]
        assert ids == sorted(set(ids)), json.dumps(told)
        assert sorted([*ids, *missing]) == list(range(4, told["last"] + 1)), json.dumps(told)
        # What was shown before it had its place is known again, and nothing without an id is shown twice.
        unwritten = [key for _, event_id, key, _ in told["given"] if event_id is None]
        assert len(unwritten) == len(set(unwritten))
        assert [key for _, event_id, key, again in told["given"] if event_id is not None and again] == [
            key for _, event_id, key, _ in told["given"] if event_id is not None and key in unwritten
        ]

    holds()


def test_a_log_that_was_replaced_is_followed_from_its_first_event_on(page: "Page") -> None:
    told: Any = page.evaluate(WORLD, [["write", 2], ["replace", 3], ["write", 1]])
    assert [(name, event_id) for name, event_id, _, _ in told["given"]] == [
        *(("a", 4), ("a", 5)),
        *(("c", 1), ("c", 2), ("c", 3), ("c", 4)),
    ]
    assert told["notes"] == [[2, "the log was replaced by a new one: going on with its first event"]]


@pytest.mark.parametrize(
    ("count", "note"),
    [(2, "1 event between 4 and 4 is no longer in the log"), (4, "3 events between 4 and 6 are no longer in the log")],
)
def test_what_the_log_outlived_is_said_in_its_place(page: "Page", count: int, note: str) -> None:
    assert page.evaluate(WORLD, [["outlive", count]])["notes"] == [[0, note]]
