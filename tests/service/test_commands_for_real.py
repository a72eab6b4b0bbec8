"""Each command and each of its exit codes, through the real process, the real socket and the real service."""

import json
import re
from collections.abc import Mapping
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from tests.service.commands import Site, documents, one_line
from tests.service.kit import eventually
from wagman.api.discovery import SCHEMAS
from wagman.api.methods import METHODS
from wagman.api.params import Command, Order

# --- Exit codes -------------------------------------------------------------------------------------------------------
# What is arranged before, by commands of the service (wagman ...) and of the fake board (board ...); the command; its code;
# what it says.

CASES: list[tuple[list[str], str, int, str]] = [
    ([], "status", 0, r"^gn +1 +started"),
    ([], "status 1 cs", 0, r"^cs +2 +started"),
    ([], "status zz", 2, "there is nc, gn, cs, x1"),
    ([], "status --no-such", 2, "see wagman status --help"),
    ([], "why gn", 0, "^gn is started for"),
    (["wagman disable cs"], "why cs", 0, "^not started: it is disabled: wagman enable"),
    (["wagman stop cs"], "why 2", 0, "^not started: nobody wants it up: wagman start"),
    ([], "why zz", 2, "there is nc"),
    ([], "why all", 2, "about one guest"),
    ([], "events", 0, "device.started"),
    ([], "events --since 0 -n 1", 0, "store.opened"),
    ([], "events --since 999999", 1, "the last one is"),
    ([], "events --since noon", 2, "is no event id"),
    ([], "events --device zz", 2, "there is nc"),
    ([], "board hb", 0, r"^\d+$"),
    ([], "board nonsense", 4, "invalid command"),
    ([], "board reset", 4, "--force"),
    (["board fault silent on"], "board hb", 1, "see wagman status"),
    ([], "board", 2, "see wagman board --help"),
    ([], "ping gn", 0, "^gn: heard$"),
    ([], "ping nc", 4, "feeds its heartbeat"),
    ([], "ping zz", 2, "there is nc"),
    ([], "start gn", 0, "^gn: already started$"),
    (["wagman stop cs"], "start cs", 0, "^cs: started after"),
    (["wagman stop all"], "start all", 0, "^x1: started after"),
    (["wagman stop cs", "board guest cs boot=100000"], "start cs", 1, "see wagman why cs"),
    ([], "start zz", 2, "there is nc"),
    (["wagman disable cs"], "start cs", 4, "enable it first"),
    (["wagman stop cs", "board guest cs boot=100000"], "start cs --timeout 0.5", 5, "see wagman status cs"),
    ([], "stop cs", 0, "^cs: stopped after .*, power is off$"),
    (["board fault relay x1 stuck"], "stop x1", 1, "see wagman why x1"),
    ([], "stop cs --for 1h", 0, "^cs: stopped after .*to run again 1 h after it was asked"),
    (
        ["wagman stop cs --for 1h"],
        "why cs",
        0,
        r"^not started: it was stopped for a while, and is to run again in \d",
    ),
    ([], "stop cs --for soon", 2, "write 10min, 2h"),
    (
        [],
        "maintenance gn --for 2h",
        0,
        "^gn: left alone for 2 h from now on: .* else started if it is to run; wagman maintenance gn --end",
    ),
    (
        ["wagman stop gn --for 1h"],
        "maintenance gn --for 2h",
        0,
        "^gn: left alone for 2 h .* then it is to be off, and asked to halt where it runs, unless somebody starts it; wagman",
    ),
    (["wagman maintenance gn --for 2h"], "status gn", 0, "^gn +1 +maintenance .* alone .*for another"),
    (["wagman maintenance gn --for 2h"], "stop gn", 4, "wagman maintenance gn --end"),
    (["wagman maintenance gn --for 2h"], "check gn", 0, "OK"),
    (["wagman maintenance gn --for 2h"], "maintenance gn --end", 0, "^gn: it is looked at anew"),
    ([], "maintenance gn --end", 4, "it is not in maintenance"),
    ([], "maintenance nc --for 2h", 4, "the service runs on it"),
    ([], "hibernate --reason storm --keep gn --keep cs --yes", 0, "^the guests are taken down one by one, but for cs, gn$"),
    (["wagman hibernate --reason storm --keep gn --keep cs --yes"], "status", 0, "ordered by .*, but for cs, gn: storm"),
    (["wagman hibernate --reason storm --keep gn --keep cs --yes"], "wake", 0, "^the guests are started$"),
    ([], "wake", 0, "^nothing was hibernating, and nothing is changed: see wagman status$"),
    ([], "stop zz", 2, "there is nc"),
    ([], "stop nc", 4, "the service runs on it"),
    (["board guest gn ignore=1"], "stop gn --timeout 0.3", 5, "see wagman status gn"),
    ([], "restart cs", 0, "^cs: restarted after"),
    (["wagman stop cs", "board guest cs boot=100000"], "restart cs", 1, "see wagman why cs"),
    ([], "restart zz", 2, "there is nc"),
    ([], "restart nc", 4, "wagman install-service"),
    (["wagman disable cs"], "restart cs", 4, "enable it first"),
    (["wagman stop cs", "board guest cs boot=100000"], "restart cs --timeout 0.5", 5, "see wagman status cs"),
    ([], "kill cs --yes", 0, "^cs: killed after .*, power is off$"),
    (["board fault relay x1 stuck"], "kill x1 --yes", 1, "see wagman why x1"),
    ([], "kill zz --yes", 2, "there is nc"),
    ([], "kill nc --yes", 4, "the service runs on it"),
    (["board fault relay x1 stuck"], "kill x1 --yes --timeout 0.1", 5, "see wagman status x1"),
    (["wagman disable cs"], "enable cs", 0, "^cs: "),
    ([], "enable zz", 2, "there is nc"),
    ([], "enable nc", 4, "the service runs on it"),
    ([], "disable cs", 0, "^cs: disabled and stopped after .*, power is off$"),
    (["board fault relay x1 stuck"], "disable x1", 1, "see wagman why x1"),
    ([], "disable zz", 2, "there is nc"),
    ([], "disable nc", 4, "the service runs on it"),
    (["board guest gn ignore=1"], "disable gn --timeout 0.3", 5, "see wagman status gn"),
    ([], "stop nc zz", 2, "there is nc"),
    (["wagman disable cs", "wagman stop gn", "board guest gn boot=100000"], "start gn cs --timeout 0.5", 4, "enable it first"),
    ([], "completion --words start g", 0, "^gn$"),
    ([], "run", 2, "cannot be read"),
    ([], "top", 2, "needs a terminal"),
]


def arrange(site: Site, steps: list[str]) -> None:
    for step in steps:
        kind, _, words = step.partition(" ")
        if kind == "board":
            site.node.board(words)
        else:
            done = site.wagman(*words.split())
            assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("steps", "command", "code", "words"), CASES, ids=[f"{each[1]}: {each[2]}" for each in CASES])
def test_each_command_ends_with_its_exit_code_and_says_what_to_do_next(
    steps: list[str], command: str, code: int, words: str, site: Site
) -> None:
    arrange(site, steps)
    done = site.wagman(*command.split())
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert re.search(words, done.stderr if code else done.stdout, re.MULTILINE), said
    assert "\x1b" not in said
    assert done.stderr == "" or code
    assert not code or one_line(done.stderr) or len(command.split()) > 3


def test_while_hibernating_a_start_is_refused_and_says_how_it_is_done_all_the_same(site: Site) -> None:
    site.node.board("temp 80")
    eventually(lambda: site.node.call("status")["wagman"]["state"] == "hibernating")
    done = site.wagman("start", "cs")
    assert (done.returncode, one_line(done.stderr)) == (4, True)
    assert "--force" in done.stderr
    assert "hibernating (temperature 80 C, high): wagman start --force" in " ".join(site.wagman("why", "cs").stdout.split())
    assert site.wagman("start", "cs", "--force").returncode == 0


# --- Shapes -----------------------------------------------------------------------------------------------------------

OUTCOME = {
    "type": "object",
    "additionalProperties": False,
    "required": ["device", "outcome", "state", "after_s", "media", "attempt", "reason"],
    "properties": {
        "device": {"type": "string"},
        "outcome": {"enum": ["done", "accepted", "failed", "refused", "timed_out", "unreachable"]},
        "state": {"type": ["string", "null"]},
        "after_s": {"type": ["number", "null"]},
        "media": {"type": ["string", "null"]},
        "attempt": {"type": ["integer", "null"]},
        "reason": {"type": ["string", "null"]},
    },
}
OUTCOMES = {"type": "array", "minItems": 1, "items": OUTCOME}
STORY = {
    "type": "object",
    "additionalProperties": False,
    "required": [
        *("device", "state", "since", "for_s", "reason", "unseen"),
        *("problems", "not_started", "coming", "chain", "cut_short"),
    ],
    "properties": {
        **{key: {"type": "string"} for key in ("device", "state")},
        **{key: {"type": ["string", "null"]} for key in ("since", "reason", "unseen", "not_started", "cut_short")},
        "for_s": {"type": ["number", "null"]},
        "problems": {"type": "array", "items": {"type": "string"}},
        "coming": {"type": "array", "items": {"type": "string"}},
        "chain": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
    },
}
LINES = {"type": "object", "required": ["command", "lines"], "properties": {"lines": {"type": "array", "minItems": 1}}}


@pytest.mark.parametrize(
    ("command", "schema"),
    [
        ("status", {"$ref": "#/components/schemas/Status"}),
        ("why gn", STORY),
        ("why nc", STORY),
        ("events", {"$ref": "#/components/schemas/Event"}),
        ("board hb", LINES),
        ("ping gn", OUTCOMES),
        ("start gn", OUTCOMES),
        ("stop gn", OUTCOMES),
        ("restart gn", OUTCOMES),
        ("kill gn --yes", OUTCOMES),
        ("enable gn", OUTCOMES),
        ("disable gn", OUTCOMES),
        ("stop nc", OUTCOMES),
        ("start gn cs --no-wait", OUTCOMES),
        ("stop gn --timeout 0.01", OUTCOMES),
    ],
)
def test_what_is_printed_with_json_has_its_shape(command: str, schema: dict[str, Any], site: Site) -> None:
    told = documents(site.wagman(*command.split(), "--json").stdout)
    assert len(told) == 1 or command == "events"
    for each in told:
        jsonschema.validate(each, {**schema, "components": {"schemas": SCHEMAS}})


def described(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def require_described(value: Any, schema: Mapping[str, Any], path: str = "") -> None:
    """Nothing is shown that is not in the description."""
    known = described(schema)
    if isinstance(value, list):
        for each in value:
            require_described(each, known["items"], f"{path}[]")
    elif isinstance(value, dict) and ("properties" in known or "additionalProperties" in known):
        properties = known.get("properties") or dict.fromkeys(value, known["additionalProperties"])
        assert value.keys() <= properties.keys(), path
        for name, each in value.items():
            require_described(each, properties[name], f"{path}.{name}")


@pytest.mark.parametrize("method", [each for each in METHODS if each not in ("unsubscribe", "rpc.discover")])
def test_the_service_shows_what_is_described_and_nothing_else(method: str, site: Site) -> None:
    given: dict[str, dict[str, Any]] = {"board": {"command": "hb"}, "chain": {"id": 1}, "hibernate": {"reason": "storm"}}
    params = {"device": "gn"} if issubclass(METHODS[method].params, Order | Command) else given.get(method, {})
    result, schema = site.node.call(method, **params), SCHEMAS[METHODS[method].result]
    jsonschema.validate(result, {**schema, "components": {"schemas": SCHEMAS}})
    require_described(result, schema)


def test_what_people_read_fits_80_columns_but_for_what_they_are_to_copy(site: Site) -> None:
    site.wagman("disable", "cs")
    site.node.board("unplug")
    eventually(lambda: "do: " in site.wagman("status").stdout)  # that the board cannot be seen is a problem after a while
    told = [site.wagman(*command.split()).stdout for command in ("status", "why gn", "why cs", "why x1", "why nc")]
    site.node.board("replug")
    assert max(len(line) for each in told for line in each.splitlines() if not line.startswith("          do: ")) <= 80


def test_who_wants_a_guest_down_that_was_down_already_is_told_before_the_causes_of_that(site: Site) -> None:
    site.wagman("stop", "cs")
    site.node.board("guest cs boot=100000")
    assert site.wagman("start", "cs").returncode == 1
    site.wagman("kill", "cs", "--yes")
    chain = json.loads(site.wagman("why", "cs", "--json").stdout)["chain"]
    assert [event["type"] for event in chain[:3]] == ["command.kill", "device.stopped", "device.start_failed"]
    assert chain[1]["fields"]["reason"] == "its start failed"


def test_the_cause_of_a_state_stays_what_it_was_when_somebody_asks_for_it_again(site: Site) -> None:
    before = json.loads(site.wagman("why", "gn", "--json").stdout)["chain"]
    assert site.wagman("start", "gn").stdout == "gn: already started\n"
    assert json.loads(site.wagman("why", "gn", "--json").stdout)["chain"] == before
