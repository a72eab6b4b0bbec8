"""What is known of before, where the log and what lies beside it do not tell the same."""

import json
from typing import Any

import pytest
from attrs import asdict
from hypothesis import given
from hypothesis import strategies as st

from wagman.store.decisions import Decision, Entry, Kept
from wagman.store.remembered import Logged, known_before, logged, tables_memory

TAKEN_OVER, HEIR = Entry(3), Entry(3, left="off")


def disabled(serial: int, port: int = 3) -> Entry:
    decision = Decision(serial, "disable", "pid 12", 1000, "2026-06-01T12:00:00.000Z")
    return Entry(port, wanted="down", enabled=False, decision=decision)


def state(entry: Entry) -> dict[str, Any]:
    memory = {"wanted": entry.wanted, "enabled": entry.enabled}
    return {"port": entry.port, "memory": memory, "decision": entry.decision and asdict(entry.decision)}


def test_which_tables_there_were_tells_the_later_run() -> None:
    assert known_before(Logged({"x1": TAKEN_OVER}, 7), Kept({"modem": HEIR}, run=8), {"x1"}) == {"modem": HEIR}
    assert known_before(Logged({"modem": HEIR}, 8), Kept({"x1": TAKEN_OVER}, run=7), {"x1"}) == {"modem": HEIR}


@pytest.mark.parametrize("run", [0, 7])
def test_of_one_run_what_is_beside_the_log_tells_of_the_tables_that_are_gone(run: int) -> None:
    log = Logged({"x1": TAKEN_OVER, "gn": Entry(1)}, run)
    assert known_before(log, Kept({"modem": HEIR}, run=run), {"gn"}) == {"modem": HEIR, "gn": Entry(1)}
    assert known_before(log, Kept(run=run), {"gn"}) == log.entries


@pytest.mark.parametrize("runs", [(7, 8), (7, 7), (8, 7)])
def test_the_later_decision_counts_wherever_it_is_and_the_port_of_the_later_run(runs: tuple[int, int]) -> None:
    older, later = {"x1": Entry(4 if runs[0] > runs[1] else 3)}, {"x1": disabled(5, 3 if runs[0] > runs[1] else 4)}
    assert known_before(Logged(older, runs[0]), Kept(later, run=runs[1]), {"x1"}) == {"x1": disabled(5, 4)}


def test_the_log_tells_of_tables_that_are_gone_and_of_what_was_decided_since_its_start() -> None:
    memory = {**tables_memory({"gn": Entry(1), "x1": disabled(2)}, 7), "device.gn": state(disabled(5, 1))}
    assert logged(memory) == Logged({"gn": disabled(5, 1), "x1": disabled(2)}, 7, frozenset({"gn"}))


def test_a_state_in_the_log_without_a_table_counts_only_where_an_older_program_has_written_it() -> None:
    memory = {"device.x1": state(disabled(2))}
    assert logged(memory).entries == {"x1": disabled(2)}
    assert logged({**memory, **tables_memory({"modem": HEIR}, 7)}).entries == {"modem": HEIR}


@given(st.dictionaries(st.sampled_from(["tables", "device.x1"]), st.recursive(st.none() | st.text() | st.integers(), st.lists)))
def test_what_makes_no_sense_counts_as_not_told(memory: dict[str, Any]) -> None:
    assert logged(json.loads(json.dumps(memory))).entries == {}
