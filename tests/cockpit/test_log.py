"""The page's log while it is being read: what happens meanwhile stands there once, in its order.

The script runs in the browser that it is made for; the service is a promise that is kept late.
"""

import json
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cockpit.kit import NEEDED

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.cockpit.conftest import Sit

pytestmark = NEEDED

WORLD = """
async ([steps, read_at, answer_at]) => {
  const { Log } = await import("./log.js");
  const parts = {};
  for (const name of ["list", "more", "filters", "empty"]) parts[name] = document.createElement("div");
  const what = { type: "device.started", device: "gn", time: "2026-01-31T12:00:00Z", severity: "info" };
  const event = (id, key) => ({ ...what, id, boot_id: "b", mono_s: key, fields: { key } });
  const log = [event(1, 0.1), event(2, 0.2)];
  let waiting = [], mono = 0, answer = () => {}, reading = null;
  const shown = new Log(parts, { call: () => new Promise((resolve) => { answer = resolve; }), words: (each) => each.type });
  const write = (key, again) => { log.push(event(log.length + 1, key)); shown.take(log.at(-1), again); };
  const flush = () => { const keys = waiting; waiting = []; for (const key of keys) write(key, true); };
  for (let at = 0; at <= steps.length; at++) {
    if (at === read_at) reading = shown.read();
    if (at === answer_at) { answer({ events: [...log, ...waiting.map((key) => event(null, key))] }); await reading; }
    if (steps[at] === "write") { flush(); write(++mono, false); }
    if (steps[at] === "unwritten") { waiting.push(++mono); shown.take(event(null, mono), false); }
    if (steps[at] === "written") flush();
  }
  flush();
  return [...parts.list.children].map((each) => each.dataset.id).reverse().concat([String(log.length)]);
}
"""

STEPS = st.lists(st.sampled_from(["write", "unwritten", "written"]), max_size=10)


def test_what_happens_while_it_is_read_stands_there_once_in_its_order(sit: "Sit") -> None:
    page = sit("read").page()
    page.locator("#live.is-live").wait_for()

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(STEPS, st.data())
    def holds(steps: list[str], data: st.DataObject) -> None:
        read_at = data.draw(st.integers(0, len(steps)))
        answer_at = data.draw(st.integers(read_at, len(steps)))
        told = stands(page, steps, read_at, answer_at)
        assert told[:-1] == [str(each) for each in range(1, int(told[-1]) + 1)], json.dumps([steps, read_at, answer_at])

    holds()


def stands(page: "Page", *world: Any) -> list[str]:
    told: list[str] = page.evaluate(WORLD, list(world))
    return told
