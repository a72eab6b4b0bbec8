"""What is shipped for Telegraf and Vector, neither of which runs here: it parses, and names what the code really tells."""

import json
import re
import shlex
import subprocess
import tomllib
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.bridges.fleet.kit import event
from wagman.bridges.fleet.archive import Lines
from wagman.bridges.fleet.payloads import Summary, absent
from wagman.bridges.fleet.shelf import Span
from wagman.cli.parser import parse
from wagman.model.shapes import Event

CONTRIB = Path(__file__).parents[3] / "contrib"
OPTIONAL = {"event.fields.reason"}
ENDPOINT = "http://127.0.0.1:9751/metrics"


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Each kind of line that a collector writes."""
    writes = Lines()
    writes.events("v042", "log-1", [event(1, reason="it was heard")])
    writes.gap("v042", "log-1", Span(2, 3))
    writes.replaced("v042", "log-1", "log-2", 9)
    writes.node("v042", "online", {"online": True, "session": "a", "since": "2026-01-31T12:00:00Z"})
    writes.node("v042", "status", absent(("log-1", 1, 1), "2026-01-31T12:00:00Z"))
    return capsys.readouterr().out.splitlines()


@pytest.fixture(scope="module")
def telegraf() -> Any:
    return tomllib.loads((CONTRIB / "telegraf/wagman.conf").read_text())["inputs"]


@pytest.fixture(scope="module")
def vector() -> Any:
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load((CONTRIB / "vector/wagman.yaml").read_text())


def found(value: Any, path: str) -> Any:
    for key in path.split("."):
        value = len(value) if key == "#" else value[key]
    return value


def paths(parser: Any) -> list[str]:
    return [each["path"] for kind in ("tag", "field") for each in parser.get(kind, ())] + [parser["timestamp_path"]]


def collecting(command: Sequence[str]) -> Namespace:
    """The command is one of ours, and writes lines."""
    assert command[0] == "/usr/local/bin/wagman"
    arguments = parse(command[1:])
    assert isinstance(arguments, Namespace)
    assert (arguments.what, arguments.ndjson) == ("collect", True)
    return arguments


def test_telegraf_reads_a_status_as_the_nodes_send_it(telegraf: Any) -> None:
    (consumer,) = telegraf["mqtt_consumer"]
    assert consumer["topics"] == ["wagman/1/+/status"]
    (parsing,) = consumer["topic_parsing"]
    assert parsing["topic"] == consumer["topics"][0]
    assert dict(zip(parsing["tags"].split("/"), ["wagman", "1", "v042", "status"], strict=True))["node"] == "v042"
    (parser,) = consumer["json_v2"]
    assert {path.split(".")[0] for path in paths(parser)} <= Summary.__annotations__.keys()
    status = absent(("log-1", 1, 7), "2026-01-31T12:00:00Z")
    assert [found(status, path) for path in ("service", "last", "problems.#", "at")] == ["away", 7, 0, "2026-01-31T12:00:00Z"]


def test_telegraf_reads_the_events_of_a_collector_and_no_other_line(telegraf: Any, lines: list[str]) -> None:
    (execd,) = telegraf["execd"]
    shell, option, script = execd["command"]
    assert (shell, option) == ("sh", "-c")
    ours, filter_ = script.strip().split(" | ")
    collecting(shlex.split(ours))
    passed = subprocess.run([shell, option, filter_], input="\n".join(lines), capture_output=True, text=True, check=True).stdout
    (line,) = map(json.loads, passed.splitlines())
    (parser,) = execd["json_v2"]
    for path in paths(parser):
        assert found(line, path) is not None, path
    needed = {each["path"] for kind in ("tag", "field") for each in parser[kind] if not each.get("optional")}
    assert not needed & {"event.device", *OPTIONAL}, "these are not in each event"


def test_vector_sorts_each_kind_of_line_and_takes_an_event_apart(vector: Any, lines: list[str]) -> None:
    collecting(vector["sources"]["wagman_lines"]["command"])
    routes = {
        name: re.findall(r"exists\(\.(\w+)\)", text) for name, text in vector["transforms"]["wagman_kinds"]["route"].items()
    }
    for line in map(json.loads, lines):
        (kind,) = [name for name, keys in routes.items() if any(key in line for key in keys)]
        assert kind in ("events", "gaps", "states")
    script = vector["transforms"]["wagman_events"]["source"]
    assert set(re.findall(r"\bevent\.(\w+)", script)) <= Event.__annotations__.keys()
    assert set(re.findall(r"(?<![\w!)])\.(\w+)", script)) <= json.loads(lines[0]).keys()


def test_each_input_of_vector_is_there(vector: Any) -> None:
    made = {*vector["sources"], *vector["transforms"]}
    made |= {f"wagman_kinds.{name}" for name in vector["transforms"]["wagman_kinds"]["route"]}
    for part in (*vector["transforms"].values(), *vector["sinks"].values()):
        assert set(part["inputs"]) <= made


def test_both_scrape_where_the_page_has_the_figures_shown(telegraf: Any, vector: Any) -> None:
    page = (CONTRIB.parent / "docs/fleet.md").read_text()
    assert "--listen 9751" in page
    assert telegraf["prometheus"][0]["urls"] == vector["sources"]["wagman_metrics"]["endpoints"] == [ENDPOINT]
