"""What the status is sent as: byte for byte what it was, but for what is added to it."""

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from tests.service.test_status import NODE, moment, node, seen
from wagman.fsm.alarms import Alarm
from wagman.model.backend import Identity
from wagman.service.board_status import board_status
from wagman.service.problems import Problem
from wagman.service.self_status import self_status
from wagman.service.spells import Spell
from wagman.service.status import device_status, port_status
from wagman.tasks.moments import Beginning, Stamp

STORED = Path(__file__).parent / "data" / "status.json"
SINCE = Beginning("2026-01-31T12:00:00.000Z", Stamp("boot", 20.0))


def parts(*, blind: bool) -> dict[str, Any]:
    """Each part of a status, from a node that has been up for 130 s."""
    made, now = node(blind=blind), moment(130.0)
    made.guest.memory = evolve(made.guest.memory, media="sd", attempts=2, failures=1, wanted="up", held=blind)
    made.guest.alarms.plan({"backoff": Alarm(1800.0), "adopt": Alarm(10.0, proof=True)}, 100.0)
    made.guest.since = SINCE
    if blind:
        made.board.shown.identity = Identity("0a1b", 7, "1.0.4")
    else:
        made.guest.beat_at_s = 121.5
    (guest,) = NODE.guests
    spell = Spell(Problem("held:gn", "critical", "gn is held off", "mend it", "gn"), "2026-01-31T12:00:00.000Z", 100.0, 30.0)
    return {
        "board": board_status(made.board, made.environment, SINCE, now),
        "guest": device_status(made.guest, made.board, made.environment, "no such file" if blind else None, now),
        "self": self_status(evolve(guest, name="nc", port=0), made.board, SINCE, now),
        "port": port_status("old", 1, made.board, now.s),
        "problem": spell.shown(now.s),
    }


OF_PORT = ("board", "watts")
OF_GUEST = (*OF_PORT, "sources", "term", "has_shutdown", "after", "waits_for", "relay_dead", "heard_off")
ADDED = {"board": ("name", "kind"), "guest": OF_GUEST, "self": OF_GUEST, "port": OF_PORT}
"""What was added since, with several boards, plugs, ears, timed orders, drills, guests that need others, relays that stay off,
and guests that are heard while off."""


@pytest.mark.parametrize("blind", [False, True])
def test_each_part_is_sent_as_it_was(blind: bool) -> None:
    stored = json.loads(STORED.read_text())["blind" if blind else "seen"]
    sent = seen(lambda: parts(blind=blind))
    added = {name: [part.pop(key) for key in ADDED.get(name, ())] for name, part in sent.items()}
    assert [part["last"].pop("watts") for part in sent.values() if "last" in part] == [None] * 3
    assert {name: json.dumps(part) for name, part in sent.items()} == stored
    assert added == {
        "board": ["board", "wagman"],
        "guest": ["board", None, [], None, True, [], [], False, False],
        "self": ["board", None, [], None, False, [], [], False, False],
        "port": ["board", None],
        "problem": [],
    }
