"""Stories that lead to what rarely happens; `python -m tests.simulation.stories` plays all of them, and says what was seen."""

import json
import sys
from collections.abc import Mapping, Sequence

from tests.simulation.node import node
from wagman.simulation.play import Scenario, play
from wagman.simulation.records import EventShown, Record
from wagman.simulation.script import parse
from wagman.simulation.sites import site

UNCUT = "cable out; 5 s; gn: kill; 0.1 s; gn: start; 2 s; service kill; service start; 1 min; cable in; 10 min"
"""The off that goes before a start is decided, and nobody has carried it out."""

BOOTING = "20 min; gn: stop; 5 min; gn: start; 10 s"

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
    "an operator starts what is disabled": "20 min; gn: disable; 5 min; gn: start; 1 min; gn: enable; gn: start; 5 min",
    "a board that is silent while a guest is started": "20 min; gn: stop; 5 min; board fault silent on; gn: start; 30 min",
    "a board that is silent in the scheduler's turn": "20 min; board powercycle; 55 s; board fault silent on; 30 min",
    "a guest that comes up while nobody can hear it": f"{BOOTING}; cable out; 1 min; guest gn beat=0; 4 min; cable in; 10 min",
    "the same guest, whose relay nobody saw go on": (
        "20 min; gn: stop; 5 min; gn: start; 1 s; cable out; 2 min; guest gn beat=0; 4 min; cable in; 10 min"
    ),
    "the same guest, whose relay went on later, as that of a v4 board does": (
        "20 min; gn: stop; 5 min; gn: start; 5 s; cable out; 2 min; guest gn beat=0; 4 min; cable in; 10 min"
    ),
    "the same guest, switched on by the board": (
        "20 min; cable out; board powercycle; 4 min; guest gn beat=0; 2 min; cable in; 10 min"
    ),
    "the same guest, not wanted any more": (f"{BOOTING}; gn: stop; cable out; 1 min; guest gn beat=0; 4 min; cable in; 10 min"),
    "the same guest, and a service that was away": (
        f"{BOOTING}; service kill; 1 min; guest gn beat=0; 2 min; service start; 10 min"
    ),
    "a board that stops a guest by itself": "20 min; message lost; cable out; guest gn hang; 3599 s; cable in; 10 min",
    "a board that lost its power": "20 min; board powercycle; 20 min",
    "a cable that is pulled": "20 min; cable out; 5 min; cable in; 5 min",
    "a restart in each state": (
        "20 min; gn: stop; 3 s; gn: restart; 5 min; gn: restart; 100 s; gn: stop; 1 s; gn: restart; 5 min; "
        "gn: stop; 5 min; gn: restart; 5 min"
    ),
    "a full disk": "20 min; disk full; gn: restart; 10 min; disk ok; 10 min",
    "a task that fails": "20 min; service crash wagman; 5 min",
    "a damaged log": "20 min; service kill; disk truncated 50; service start; 5 min",
    "a file that is changed, and spoilt": "20 min; config set device.gn.off_time 20; config broken; 5 min",
    "an orderly stop": "20 min; service stop; 1 min; service start; 5 min",
    "everybody": "20 min; gn: disable; gn: start; 5 min; gn: enable; gn: force restart; cs: kill; x1: heartbeat; 5 min",
    "every request in every state": (
        "20 min; gn: stop; gn: start; gn: stop; gn: stop; gn: restart; gn: restart; 10 min; gn: stop; 5 min; gn: stop; gn: kill; "
        "gn: start; gn: stop; gn: start; gn: start; gn: restart; 14 s; "
        "gn: stop; gn: stop; gn: restart; gn: start; 5 min; gn: start; "
        "gn: kill; 5 min; gn: start; 14 s; gn: stop; guest gn hang; 30 min; gn: disable; gn: start; gn: enable; gn: start"
    ),
    "a stop that nobody could see": "20 min; gn: stop; 5 s; service freeze 1200; 20 min",
    "a service that dies in a stop": (
        "20 min; guest gn ignore=1; gn: stop; 20 s; service kill; service start; 5 min; board reset; 5 min"
    ),
    "a service that dies before its question could arrive": (
        "20 min; guest gn hang; gn: stop; 0.3 s; service kill; service start; 10 min"
    ),
    "a board that restarts in a restart": "20 min; guest gn ignore=1; gn: restart; 20 s; board reset; 10 min",
    "heat in a restart": (
        "20 min; guest gn ignore=1; gn: restart; 20 s; board temp 80; 20 min; gn: start; gn: force start; 10 min"
    ),
    "a cold that goes": "20 min; board temp -40; 5 min; board powercycle; 10 min; board temp 20; 10 min",
    "a log that is lost while a guest hangs": "20 min; guest gn hang; service kill; disk wiped; service start; 10 min",
    "a log that is lost, and then the board": (
        "20 min; service kill; disk wiped; service start; gn: start; 5 s; board reset; 10 min"
    ),
    "a stopped guest whose log is lost": "20 min; gn: stop; 5 min; service kill; disk wiped; service start; gn: kill; 10 min",
    "a guest that flaps": "20 min; guest gn flap=100; guest gn hang; 90 min",
    "a guest that comes back in time": "20 min; guest gn hang; 5 min; cable out; 2 min; guest gn revive; 2 min; cable in; 10 min",
    "a start that is taken back": "20 min; gn: stop; 5 min; gn: start; 0.4 s; gn: kill; 5 min",
    "somebody works on a guest": (
        "20 min; gn: maintenance for 1800; 5 min; gn: stop; gn: maintenance for 3600; 1 min; guest gn hang; 10 min; "
        "guest gn revive; 5 min; board fault power 1 off; 5 min; gn: maintenance; 10 min; gn: maintenance"
    ),
    "somebody works on a guest that was just cut": "20 min; gn: kill; 3 s; gn: maintenance for 600; 15 min",
    "somebody works on a guest that is off, and that the board starts": (
        "20 min; gn: stop; 5 min; gn: maintenance for 7200; 1 min; board fault power 1 on; 5 min; gn: maintenance; 5 min"
    ),
    "a time that is over": "20 min; x2: maintenance for 600; x1: stop for 900; 20 min",
    "somebody works on a guest that boots": "20 min; gn: stop; 5 min; gn: start; 10 s; gn: maintenance for 600; 15 min",
    "a service that dies while somebody works on a guest": (
        "20 min; gn: maintenance for 3600; x1: stop for 3600; 5 min; service kill; disk full; service start; "
        "5 min; disk ok; 10 min"
    ),
    "a start of what runs, and one that is taken back while it waits": (
        "20 min; gn: start; 5 s; gn: kill; 5 s; gn: start; 5 s; gn: kill; 5 min"
    ),
    "a start that is lost": "20 min; gn: stop; 5 min; board fault drop 3; gn: start; 10 min",
    "a reply that is lost": (
        "20 min; gn: stop; 5 min; gn: start; 0.3 s; board fault silent on; 40 s; board fault silent off; 10 min"
    ),
    "a board that forgets": (
        "20 min; gn: stop; 5 min; board fault eeprom; 3 min; board reset; 10 min; board fault eeprom; board reset; 10 min"
    ),
    "a garbled cable": "20 min; board fault corrupt 0.02 in; 20 min; board fault corrupt 0 in; 5 min",
    "a guest that is silent for an hour": "20 min; message lost; guest gn hang; cable out; 50 min; cable in; 20 min",
    "a service that comes up blind": "20 min; gn: restart; 3 s; service kill; cable out; service start; 5 min; cable in; 10 min",
    "a guest that is to stop while it boots, and hangs then": (
        "20 min; gn: stop; 5 min; gn: start; 12 s; gn: restart; gn: stop; gn: stop; gn: start; gn: stop; gn: restart; gn: stop; "
        "guest gn hang; 10 min"
    ),
    "a guest that the board starts before its time": (
        "20 min; guest gn good=; guest gn hang; 14 min; board fault power 1 on; 10 min; guest gn good=emmc+sd"
    ),
    "a service that dies in a start, and a board": (
        "20 min; gn: stop; 5 min; gn: start; 12 s; service kill; service start; 5 min; "
        "gn: stop; 5 min; gn: start; 12 s; board reset; 5 min"
    ),
    "a service that dies before it switches on": "20 min; gn: stop; 5 min; gn: start; 0.5 s; service kill; service start; 5 min",
    "a service that dies before it could cut what nobody can see": (
        f"20 min; board fault sensor cu dead; guest gn hang; 10 s; {UNCUT}"
    ),
    "a board that starts its guests while it is silent, with dead meters": (
        "20 min; board fault sensor cu dead; board powercycle; 39.4 s; "
        "board fault silent on; 8 min; board fault silent off; 10 min"
    ),
    "a restart of what boots": "20 min; gn: stop; 5 min; gn: start; 3 s; gn: restart; 5 min",
}

DARK = "20 min; board fault sensor cu dead; "
STOPPED = "20 min; gn: stop; 5 min; "

OVERTAKEN = "disk slow 5; " + 6 * "gn: start; 0.1 s; gn: stop; 30 s; " + "disk ok; 5 min"
"""Starts that a stop may overtake when they have left already: it is chance when the disk lets either go on."""

WITHOUT_A_METER = {
    "a guest that nobody hears after a loss of memory": (
        f"{DARK}guest gn beat=0; service kill; disk wiped; disk undecided; service start; 10 min"
    ),
    "a board that restarts, and then the service": f"{DARK}board reset; 40 s; service kill; service start; 5 min",
    "a board that starts all guests while the service is away": (
        f"{DARK}service kill; board reset; 10 min; guest gn hang; 1 min; service start; 5 min"
    ),
    "a port that the board does not keep off any more": f"{STOPPED}board fault sensor cu dead; board eeprom enabled 1 1; 5 min",
    "a start that only its beats show": (
        f"{STOPPED}board fault sensor cu dead; gn: start; 2 s; board fault silent on; 50 s; board fault silent off; 5 min"
    ),
    "a start that is withdrawn when it has left": (f"{STOPPED}board fault sensor cu dead; {OVERTAKEN}"),
    "a guest that nobody hears while nobody knows whether it is to run": (
        f"{DARK}guest gn beat=0; service kill; disk barred all; service start; 15 min; disk ok; 5 min"
    ),
}
"""Nobody knows whether a guest has power, on the board that tells nothing else of it."""

WITHDRAWN = {
    "a start that is withdrawn when it has had its effect": (f"{STOPPED}guest gn good=; {OVERTAKEN}"),
    "a start that is withdrawn, and came to nothing": (
        f"{STOPPED}board fault relay 1 stuck; {OVERTAKEN}; board fault relay 1 ok; 5 min"
    ),
}

OF_DECISIONS = {
    "a state that belongs to somebody else": f"{STOPPED}disk barred all; cs: stop; 5 min; disk ok; 5 min",
    "a state that cannot be read for long": f"{STOPPED}service kill; disk barred all; service start; 65 min; disk ok; 5 min",
    "a name that changes, and nonsense beside the log": (
        f"{STOPPED}config rename gn modem; service stop; disk muddled; service start; 5 min; "
        "config well; service stop; service start; 5 min"
    ),
    "two guests that change their places": (
        f"{STOPPED}config set device.x1.port 4; config set device.x2.port 3; service stop; service start; 5 min; "
        "config well; service stop; service start; 5 min"
    ),
    "a table that is gone": "20 min; config drop gn; service stop; 1 s; service start; 5 min; board fault power 1 off; 15 min",
    "a log of another program": f"{STOPPED}service kill; disk foreign; service start; 5 min",
}

WITH_A_LATCHING_BOARD = {
    "a board that restarts with dead meters": (
        f"{STOPPED}board fault sensor cu dead; board reset; 5 min; board fault sensor cu ok; 5 min"
    ),
    "a board that loses its power with dead meters": f"{DARK}board powercycle; 20 min",
    "a meter that comes back after a restart of the board": (
        "20 min; guest gn hang; board fault sensor cu dead; board reset; 30 s; board fault sensor cu ok; 10 min"
    ),
}
"""On a v4 board: its relays stay as they are when it restarts."""

WITH_A_SWITCH = {
    "a switch": "20 min; x2: stop; 5 min; x2: start; 15 min; x2: restart; 5 min; x2: heartbeat; guest x2 hang; 5 min",
    "a switch whose service comes back": (
        "5 min; service kill; service start; 15 min; service kill; disk wiped; service start; 5 min"
    ),
    "a service that dies before it could cut what runs": f"20 min; {UNCUT}",
    "a service that dies before it could cut a switch": f"20 min; {UNCUT.replace('gn', 'x2')}",
    "a switch that falls off": (
        "20 min; board fault power 4 off; 10 min; cable out; board fault power 4 off; 5 min; cable in; 5 min"
    ),
}
"""On the node that is simulated unless another one is configured: one of its guests has no heartbeat, and may just be cut."""

WITH_AN_ORDER = {
    "guests that wait for each other": (
        "20 min; gn: kill; x1: kill; 1 min; x1: start; 2 s; gn: start; 10 min; gn: stop; 2 s; x1: stop; 10 min; "
        "gn: start; x1: start; 10 min"
    ),
}
"""On a node whose guests need each other."""


def played() -> Mapping[str, Sequence[str]]:
    """Play all of them: the kinds of events that were told, and what went wrong."""
    told, wrong = set[str](), list[str]()

    def watch(record: Record) -> None:
        if isinstance(record, EventShown):
            told.add(record.event.type)

    on_v3 = {**STORIES, **WITHOUT_A_METER, **WITHDRAWN, **OF_DECISIONS}
    played_on = (
        (node(), on_v3),
        (node("v4"), WITH_A_LATCHING_BOARD),
        (site("one"), WITH_A_SWITCH),
        (site("ordered"), WITH_AN_ORDER),
    )
    for config, stories in played_on:
        for name, story in stories.items():
            outcome = play(Scenario(1, config, parse(f"{story}; all well; settled")), watch)
            wrong += [f"{name}: {outcome.violation}"] if outcome.violation else []
    return {"told": sorted(told), "wrong": wrong}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(played()))
