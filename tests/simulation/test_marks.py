"""Every kind of event that the service can tell of is reached by a story here, or the list below says why not."""

import re
from pathlib import Path

import wagman
from tests.simulation.node import run
from tests.simulation.stories import STORIES
from wagman.simulation.records import Record, Told

NOT_REACHED = {
    "board.dialect": "the dialect is configured here",
    "board.unsupported": "the board speaks what is configured",
    "board.unmanaged": "takes 819 heartbeat time-outs of an hour each",
    "command.board": "operators here use the service's own commands only",
    "command.denied": "all operators here may do everything",
    "controller.going_down": "no operator restarts the controller here",
    "device.brownout": "takes three resets, each within ten seconds of the same guest's relay-on",
    "service.request_failed": "a defect",
    "store.dropped": "takes 10,000 events while the disk is full",
    "wagman.start_refused": "takes a change of mind between the Wagman machine's decision and its arrival",
}
"""Kinds of events that no story reaches; each has tests of its own."""

NAMED = re.compile(r'(?:event|Draft|Notice|note)\("(?P<type>[a-z_.]+)"')


def kinds_in_the_source() -> set[str]:
    text = "".join(path.read_text(encoding="utf-8") for path in Path(wagman.__file__).parent.rglob("*.py"))
    return {kind if "." in kind else f"device.{kind}" for kind in NAMED.findall(text)}


def test_every_kind_of_event_is_reached_or_said_not_to_be() -> None:
    told: set[str] = set()

    def watch(record: Record) -> None:
        if isinstance(record, Told):
            told.add(record.event.type)

    for name, story in STORIES.items():
        violation = run(f"{story}; all well; settled", watch).violation
        assert violation is None, f"{name}: {violation}"
    missing = kinds_in_the_source() - told
    assert missing == set(NOT_REACHED)
