"""Every kind of event that the service can tell of is reached by a story here, or the list below says why not."""

import re
from pathlib import Path

import wagman
from tests.simulation.node import run
from wagman.simulation.records import Record, Told

STORIES = {
    "a relay that sticks": "20 min; board fault relay 1 stuck; gn: stop; 20 min; board fault relay 1 ok; 5 min",
    "a guest that is deaf": "20 min; guest gn ignore=1; gn: stop; 15 min",
    "a stop that comes while the guest boots": "20 min; gn: restart; 100 s; gn: stop; 10 min; gn: start; 10 min",
    "a guest that never boots": "20 min; guest gn dies; guest gn hang; 3 h",
    "a service that is stopped for long": "20 min; service freeze 600; 5 min",
    "a relay that comes on by itself": "20 min; gn: stop; 5 min; guest gn boot=600; board fault power 1 on; 15 min",
    "a stopped guest that beats": "20 min; gn: stop; 5 min; board fault sensor cu dead; board fault power 1 on; 15 min",
    "heat, and then no sensor": "20 min; board temp 80; 30 min; board fault sensor env dead; 7 h",
    "a spell of cold": "20 min; board temp -40; 5 min; board temp 20; 5 min",
    "a board that is silent while a guest is started": "20 min; gn: stop; 5 min; board fault silent on; gn: start; 30 min",
    "a board that is silent in the Wagman's turn": "20 min; board powercycle; 55 s; board fault silent on; 30 min",
    "a board that stops a guest by itself": "20 min; message lost; cable out; guest gn hang; 3599 s; cable in; 10 min",
    "a board that lost its power": "20 min; board powercycle; 20 min",
    "a cable that is pulled": "20 min; cable out; 5 min; cable in; 5 min",
    "a full disk": "20 min; disk full; gn: restart; 10 min; disk ok; 10 min",
    "a task that fails": "20 min; service crash wagman; 5 min",
    "a damaged log": "20 min; service kill; disk truncated 50; service start; 5 min",
    "an orderly stop": "20 min; service stop; 1 min; service start; 5 min",
    "everybody": "20 min; gn: disable; gn: start; 5 min; gn: enable; gn: force restart; cs: kill; x1: heartbeat; 5 min",
}

NOT_REACHED = {
    "board.dialect": "the dialect is configured here",
    "board.unsupported": "the board speaks what is configured",
    "board.unmanaged": "takes 819 heartbeat time-outs of an hour each",
    "command.board": "operators here use the service's own commands only",
    "command.denied": "all operators here may do everything",
    "controller.going_down": "no operator restarts the controller here",
    "device.brownout": "takes three resets, each within ten seconds of the same guest's relay-on",
    "service.reloaded": "the configuration is the same in all lives here",
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
