"""The benchmarks still measure; what they measure here means nothing."""

import json
from math import isfinite
from pathlib import Path

import pytest

from benchmarks.__main__ import MEASUREMENTS, main, on_page, parsed
from benchmarks.figures import COSTS, OUTCOME, Figure, Section, number, pasted
from benchmarks.scale import FULL
from benchmarks.timing import Spread, best, quantile


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_each_measurement_gives_figures(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "figures.json"
    main(["--quick", "--only", name, "--json", str(path)])
    told = json.loads(path.read_text())
    assert told["machine"]["cores"] >= 1
    shown = capsys.readouterr().out
    for section in told["sections"]:
        assert f"## {section['title']}" in shown
        assert section["figures"]
        for figure in section["figures"]:
            # Of a difference of two measurements a busy machine can make less than nothing.
            assert figure["value"] >= 0 or (isfinite(figure["value"]) and " less the " in figure["what"])
            row = figure["what"].partition(": ")[0] if "What it buys" in section["title"] else figure["what"]
            assert f"| {row} | " in shown


def test_a_quantile_is_a_value_of_the_sample_that_is_not_exceeded_by_that_part_of_it() -> None:
    assert quantile([1.0], 0.99) == 1.0
    assert quantile([1.0, 2.0, 3.0, 4.0], 0.5) == 2.0
    assert quantile(list(map(float, range(1, 101))), 0.99) == 99.0


def test_the_best_of_several_rounds_is_the_least_of_each_quantile() -> None:
    assert best([Spread(1, 9, 10), Spread(2, 3, 11)]) == Spread(1, 3, 10)


def test_a_bound_that_is_missed_is_said_to_be() -> None:
    kept, missed, free = Figure("a", 3.0, "ms", 3), Figure("b", 3.1, "ms", 3), Figure("c", 9.9, "ms")
    assert [figure.is_met for figure in (kept, missed, free)] == [True, False, True]
    assert [("missed" in figure.row()) for figure in (kept, missed, free)] == [False, True, False]


def test_a_section_without_figures_is_its_note() -> None:
    assert Section("Peers", [], "None is installed.").markdown() == "## Peers\n\nNone is installed.\n"


def test_figures_take_the_place_of_those_before_them_on_a_page() -> None:
    page = f"above\n{COSTS.begin}\nold\n{COSTS.end}\nbelow\n"
    once = pasted(page, {"cores": 4}, [Section("New", [Figure("a", 1, "ms")])])
    assert once.startswith("above\n")
    assert once.endswith("\nbelow\n")
    assert "| a | 1 ms |" in once
    assert "old" not in once
    assert pasted(once, {"cores": 4}, [Section("New", [Figure("a", 1, "ms")])]) == once


NEW = [Section("New", [Figure("a", 1, "ms")])]


@pytest.mark.parametrize(("measured", "kept"), [("outcome", "old costs"), ("requests", "old outcome")])
def test_what_it_buys_and_what_it_costs_are_replaced_apart_on_a_page(measured: str, kept: str) -> None:
    page = f"above\n{OUTCOME.begin}\nold outcome\n{OUTCOME.end}\nbetween\n{COSTS.begin}\nold costs\n{COSTS.end}\nbelow"
    after = on_page(page, {"cores": 4}, {measured: NEW})
    told = {"old costs", "old outcome", "above", "between", "below"}
    assert {each for each in told if each in after} == {kept, "above", "between", "below"}
    assert after.count("| a | 1 ms |") == 1
    assert (after.index("| a |") < after.index("between")) == (measured == "outcome")


def test_all_is_replaced_where_all_was_measured() -> None:
    page = f"{OUTCOME.begin}\nold\n{OUTCOME.end}\n{COSTS.begin}\nold\n{COSTS.end}\n"
    after = on_page(page, {"cores": 4}, {"outcome": NEW, "requests": NEW})
    assert "old" not in after
    assert after.count("| a | 1 ms |") == 2


def test_days_and_seeds_of_the_outcome_can_be_asked_for() -> None:
    assert (parsed([]).scale.seeds, parsed([]).scale.days) == (FULL.seeds, 0)
    asked = parsed(["--only", "outcome", "--days", "30", "--seeds", "100"]).scale
    assert (asked.days, asked.seeds) == (30, 100)
    assert parsed(["--quick"]).scale.seeds == 1


@pytest.mark.parametrize(
    ("value", "text"), [(0.01234, "0.0123"), (12.34, "12.3"), (999.6, "1,000"), (12345.6, "12,346"), (0, "0")]
)
def test_numbers_have_three_digits_and_no_exponent(value: float, text: str) -> None:
    assert number(value) == text
