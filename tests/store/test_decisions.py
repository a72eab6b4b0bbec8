"""What operators have decided, as text, and what another configuration makes of it."""

import json
import math
import re
from contextlib import suppress
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from wagman.cli import main
from wagman.config.schema import Config, DeviceConfig
from wagman.model.errors import StoreError
from wagman.model.facts import Plug, Stamp, Term
from wagman.store.decisions import (
    Command,
    Decision,
    Entry,
    Kept,
    Left,
    Moved,
    Renamed,
    Tally,
    compare,
    in_words,
    merged,
    parse,
    render,
    sentences,
    without_tables,
)

DECISION = Decision(7, "disable", "pid 12", 1000, "2026-06-01T12:00:00.000Z")
DISABLED = Entry(3, wanted="down", enabled=False, decision=DECISION)

NAMES = st.sampled_from(["gn", "cs", "x1", "x2", "modem"])
DECISIONS = st.builds(Decision, st.integers(1, 2**40), st.just("stop"), st.text(), st.none() | st.integers(0, 2**31), st.text())
ENTRIES = st.builds(
    Entry,
    st.integers(0, 4),
    wanted=st.sampled_from(["up", "down"]),
    enabled=st.booleans(),
    decision=st.none() | DECISIONS,
    left=st.sampled_from([None, "unknown", "off"]),
)


def configured(**ports: int) -> Config:
    return Config(devices=tuple(DeviceConfig(name, port, shutdown=()) for name, port in ports.items()))


@given(
    st.dictionaries(NAMES, ENTRIES),
    st.lists(st.tuples(st.text(min_size=1), st.integers(1, 99)), max_size=3, unique_by=lambda r: r[0]),
    st.dictionaries(NAMES, st.lists(st.text(), min_size=1, max_size=3).map(tuple)),
)
def test_what_is_written_is_read_back(
    entries: dict[str, Entry], runs: list[tuple[str, int]], heard: dict[str, tuple[str, ...]]
) -> None:
    kept = Kept(entries, Tally(tuple(runs)), 7, heard=heard)
    assert parse(render(kept)) == kept


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@given(JSON)
def test_what_was_heard_costs_no_decision_where_it_makes_no_sense(heard: object) -> None:
    document = json.loads(render(Kept({"x1": DISABLED})))
    kept = parse(json.dumps({**document, "heard": heard}))
    assert kept.entries == {"x1": DISABLED}
    assert all(names and all(isinstance(each, str) for each in names) for names in kept.heard.values())


def test_a_file_of_before_tells_of_nothing_that_was_heard() -> None:
    assert parse('{"format": 1, "run": 12, "devices": {}}').heard == {}


@given(st.text() | st.dictionaries(st.text(), st.text() | st.integers()).map(json.dumps))
def test_what_is_no_such_text_is_an_error_and_nothing_else(text: str) -> None:
    with suppress(StoreError):
        parse(text)


NUMBERS = st.sampled_from(
    ["1e999", "-1e999", "NaN", "Infinity", "9" * 400, "9" * 5000, "-1", "1.5", "true", "null", "[]", "{}", '"x"']
)
WHOLE = render(
    Kept(
        {"x1": Entry(3, wanted="down", decision=DECISION, term=Term("stop", 60.0), stamp=Stamp("b", 1.0))},
        Tally((("b", 2),)),
        12,
        Command(5, None),
    )
)


@given(st.data())
def test_a_number_that_is_none_is_an_error_or_not_believed(data: st.DataObject) -> None:
    """Whatever it is: the service has to come up, and nothing that was decided may be forgotten over it."""
    place = data.draw(st.sampled_from(list(re.finditer(r"(?<=: )[0-9.]+", WHOLE))))
    text = WHOLE[: place.start()] + data.draw(NUMBERS) + WHOLE[place.end() :]
    with suppress(StoreError):
        kept = parse(text).entries["x1"]
        assert kept.wanted == "down"
        assert kept.term is None or math.isfinite(kept.term.left_s)
        assert kept.stamp is None or math.isfinite(kept.stamp.at_s)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"devices"', "it is no JSON: Expecting"),
        ('{"devices": {"x1": {"port": 1e999}}}', "what it says makes no sense: cannot convert float infinity"),
        ('{"devices": {"x1": {"port": 3, "wanted": "\\u001b[2J"}}}', r"what it says makes no sense: .*\\x1b\[2J"),
    ],
)
def test_what_is_wrong_with_it_is_told_in_words(text: str, why: str) -> None:
    with pytest.raises(StoreError, match=f"^it holds no decisions: .*{why}"):
        parse(text)


@pytest.mark.parametrize("wrong", [{"wanted": "sideways"}, {"enabled": "no"}, {"port": [3]}, {"left": "on"}])
def test_a_decision_that_makes_no_sense_is_not_guessed_at(wrong: dict[str, object]) -> None:
    with pytest.raises(StoreError):
        parse(json.dumps({"format": 1, "devices": {"x1": {"port": 3, **wrong}}}))


def test_it_is_a_few_hundred_bytes_that_people_can_read() -> None:
    text = render(Kept(dict.fromkeys(("gn", "cs", "x1", "x2"), DISABLED)))
    assert len(text) < 1000
    assert '"enabled": false' in text
    assert '"who": "pid 12"' in text


def test_it_says_on_whose_behalf_it_was_decided_where_that_was_said() -> None:
    for_alice = evolve(DISABLED, decision=evolve(DECISION, on_behalf="alice"))
    assert parse(render(Kept({"x1": for_alice}))).entries == {"x1": for_alice}
    assert "on_behalf" not in render(Kept({"x1": DISABLED}))
    assert in_words(for_alice) == "it stays disabled (disable by alice through pid 12, 2026-06-01T12:00:00.000Z)"
    assert for_alice.told["for"] == "alice"


def test_a_table_on_the_port_of_one_that_is_gone_is_that_one_renamed() -> None:
    tables = compare({"x1": DISABLED, "gn": Entry(1)}, configured(modem=3, gn=1))
    assert tables.renamed == (Renamed("modem", "x1", Plug("board", 3)),)
    assert (tables.moved, tables.left, tables.source("modem"), tables.source("gn")) == ((), (), "x1", "gn")


def test_of_two_that_had_a_port_the_one_that_was_decided_about_last_has_the_past_of_a_new_table() -> None:
    older = evolve(DISABLED, decision=evolve(DECISION, serial=3))
    for before in ({"x1": DISABLED, "x2": older}, {"x2": older, "x1": DISABLED}):
        assert compare(before, configured(modem=3)).renamed == (Renamed("modem", "x1", Plug("board", 3)),)


def test_a_table_that_names_another_port_is_the_same_one() -> None:
    tables = compare({"x1": DISABLED, "x2": Entry(4)}, configured(x1=4, x2=3))
    assert tables.moved == (Moved("x1", Plug("board", 4), Plug("board", 3)), Moved("x2", Plug("board", 3), Plug("board", 4)))
    assert (tables.renamed, tables.left) == ((), ())


def test_a_table_that_has_another_port_and_another_name_is_a_new_one() -> None:
    tables = compare({"x1": DISABLED}, configured(modem=4))
    assert (tables.renamed, tables.moved, tables.left) == ((), (), (Left("x1", Plug("board", 3)),))


def test_a_name_that_moved_to_the_port_of_one_that_is_gone_keeps_its_own_decisions() -> None:
    tables = compare({"x1": DISABLED, "x2": Entry(4)}, configured(x2=3))
    assert tables.renamed == ()
    assert tables.moved == (Moved("x2", Plug("board", 3), Plug("board", 4)),)


@given(st.dictionaries(NAMES, ENTRIES), st.dictionaries(NAMES, st.integers(0, 4)))
def test_each_table_has_one_past_at_most_and_each_past_one_table(before: dict[str, Entry], ports: dict[str, int]) -> None:
    ports = {name: port for name, port in ports.items() if list(ports.values()).count(port) == 1}
    tables = compare(before, configured(**ports))
    sources = [tables.source(name) for name in ports]
    assert len(set(sources)) == len(sources)
    for each in tables.renamed:
        assert each.was not in ports
        assert each.name not in before
    assert {each.name for each in tables.left}.isdisjoint(sources)
    assert {each.plug.port for each in tables.left}.isdisjoint(ports.values())


@given(st.dictionaries(NAMES, ENTRIES), st.dictionaries(NAMES, st.integers(0, 4)))
def test_nothing_that_was_decided_is_forgotten_but_what_another_table_has_taken_over(
    before: dict[str, Entry], ports: dict[str, int]
) -> None:
    tables = compare(before, configured(**ports))
    gone = without_tables(before, tables, ports)
    assert before.keys() == (ports.keys() & before.keys()) | gone.keys() | {each.was for each in tables.renamed}
    for name, entry in gone.items():
        assert (entry.wanted, entry.enabled, entry.decision) == (before[name].wanted, before[name].enabled, before[name].decision)
        assert entry.left == "off" or entry.port not in ports.values()


def test_the_consequences_of_another_configuration_are_said_before_they_come_true() -> None:
    before = {"x1": DISABLED, "gn": Entry(1), "cs": Entry(2), "old": Entry(4, left="unknown")}
    assert list(sentences(before, configured(modem=3, gn=0))) == [
        "modem takes the place of x1 on port 3: it stays disabled (disable by pid 12, 2026-06-01T12:00:00.000Z)",
        "gn moves from port 1 to port 0: it is to run; what was known of its power begins anew",
        "port 2 loses its table (cs): its power stays as it is, and nobody looks after it",
    ]


# --- Events that were shown and not written ---------------------------------------------------------------------------


def test_a_run_that_could_write_nothing_leaves_all_of_its_events_to_the_next() -> None:
    assert Tally().counting("one", 5).missing({"older": 3}) == 5
    assert Tally().counting("one", 5).missing(None) == 5


def test_what_a_run_could_write_after_all_is_not_missing() -> None:
    tally = Tally().counting("one", 5).counting("two", 2)
    assert tally.missing({"one": 4}) == 3
    assert tally.missing({"one": 5, "two": 2}) == 0  # the second has told of what the first left


@given(st.lists(st.integers(0, 9), max_size=8), st.integers(0, 9))
def test_nothing_is_missed_however_many_runs_could_not_write(counts: list[int], settled: int) -> None:
    tally = Tally()
    for number, count in enumerate(counts):
        tally = tally.counting(f"run {number}", 0).counting(f"run {number}", count)
    assert len(tally.runs) <= 3
    assert tally.missing({"a run of before": settled}) == sum(counts)


def test_an_entry_says_whether_it_stays_down() -> None:
    assert DISABLED.stays_down
    assert evolve(DISABLED, enabled=True).stays_down
    assert not Entry(3).stays_down


def test_check_config_tells_what_becomes_of_what_was_decided(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "node.toml"
    file.write_text("[device.modem]\nport = 3\nshutdown = []\n", encoding="utf-8")
    (tmp_path / "decisions.json").write_text(render(Kept({"x1": DISABLED})), encoding="utf-8")
    assert main(["check-config", str(file), "--state", str(tmp_path)]) == 0
    assert "modem takes the place of x1 on port 3: it stays disabled (disable by pid 12" in capsys.readouterr().out
    assert main(["check-config", str(file), "--state", str(tmp_path / "nowhere")]) == 2
    assert "decisions.json: cannot be read" in capsys.readouterr().err


@given(ENTRIES, ENTRIES, st.sets(st.sampled_from(["wanted", "enabled"])), st.integers(0, 50))
def test_what_was_decided_since_stands_and_all_else_is_as_it_was_before(
    own: Entry, past: Entry, decided: set[str], above: int
) -> None:
    now = merged(own, past, decided, above)
    assert now.wanted == (own if "wanted" in decided else past).wanted
    assert now.enabled == (own if "enabled" in decided else past).enabled
    assert now.plug == own.plug
    is_own = bool(decided) and own.decision is not None
    assert now.serial == (own.serial + above if is_own else past.serial)
