"""What is known of before, where the log and what lies beside it do not tell the same."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from attrs import asdict
from hypothesis import given
from hypothesis import strategies as st

from wagman.model.errors import StoreError
from wagman.store.decisions import Decision, Entry, Kept, parse, render
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
    assert logged(memory) == Logged({"gn": disabled(5, 1), "x1": disabled(2)}, 7, frozenset({"gn", "x1"}))


def test_no_value_grows_with_the_number_of_tables() -> None:
    memory = tables_memory({f"guest{number}": disabled(number) for number in range(500)}, 7)
    assert max(len(json.dumps(value)) for value in memory.values()) < 300
    assert len(logged(memory).entries) == 500


def test_what_a_table_that_was_taken_over_leaves_in_the_log_is_forgotten() -> None:
    before = {**tables_memory({"x1": TAKEN_OVER}, 7), "device.x1": state(TAKEN_OVER)}
    after = {**before, **tables_memory({"modem": HEIR}, 8, logged(before).names)}
    assert {key for key, value in after.items() if value is not None} == {"tables", "table.modem"}


def test_until_the_last_value_is_written_the_tables_of_the_run_before_count_beside_the_new_ones() -> None:
    before = tables_memory({"x1": TAKEN_OVER}, 7)
    *written, _ = tables_memory({"modem": HEIR}, 8).items()
    assert logged({**before, **dict(written)}) == Logged({"x1": TAKEN_OVER, "modem": HEIR}, 7, frozenset({"x1", "modem"}))


def of_0_2_0(entries: Mapping[str, Entry], run: int) -> dict[str, Any]:
    """What 0.2.0 writes: all tables under one key."""
    return {"tables": json.loads(render(Kept(entries, run=run)))}


def test_tables_that_0_2_0_has_written_count_and_so_they_do_where_it_came_back_for_a_while() -> None:
    assert logged(of_0_2_0({"x1": disabled(2)}, 7)) == Logged({"x1": disabled(2)}, 7)
    both = {**tables_memory({"modem": disabled(1)}, 6), **of_0_2_0({"x1": disabled(2)}, 7)}
    assert logged(both) == Logged({"x1": disabled(2)}, 7, frozenset({"modem"}))


def test_0_2_0_finds_no_tables_in_the_log_rather_than_none_of_them() -> None:
    with pytest.raises(StoreError):  # as it reads its key: then the states of the guests are all that there is
        parse(json.dumps(tables_memory({"x1": disabled(2)}, 7)["tables"]))


def test_a_state_in_the_log_without_a_table_counts_only_where_an_older_program_has_written_it() -> None:
    memory = {"device.x1": state(disabled(2))}
    assert logged(memory).entries == {"x1": disabled(2)}
    assert logged({**memory, **tables_memory({"modem": HEIR}, 7)}).entries == {"modem": HEIR}


@given(
    st.dictionaries(
        st.sampled_from(["tables", "table.x1", "device.x1"]), st.recursive(st.none() | st.text() | st.integers(), st.lists)
    )
)
def test_what_makes_no_sense_counts_as_not_told(memory: dict[str, Any]) -> None:
    assert logged(json.loads(json.dumps(memory))).entries == {}
