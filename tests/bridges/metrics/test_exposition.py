"""The text that Prometheus reads, whatever names there are in it."""

import math
import re

from hypothesis import given
from hypothesis import strategies as st

from wagman.bridges.metrics.exposition import exposed
from wagman.bridges.metrics.family import Sample

LINE = re.compile(r'x\{a="((?:[^"\\\n]|\\.)*)"\} (\S+)\n')
MEANT = {r"\\": "\\", r"\n": "\n", r"\"": '"'}


@given(st.dictionaries(st.text(), st.floats(allow_nan=False), min_size=1))
def test_labels_and_figures_are_read_as_they_were_meant(figures: dict[str, float]) -> None:
    shown = exposed("x", "gauge", "Figures.", [Sample({"a": label}, value) for label, value in figures.items()])
    head, *lines = shown.removesuffix("\n").split("# TYPE x gauge\n")
    assert head == "# HELP x Figures.\n"
    read = LINE.findall("".join(lines) + "\n")
    assert {re.sub(r"\\.", lambda found: MEANT[found[0]], label): float(value) for label, value in read} == figures


def test_a_sample_that_comes_twice_is_shown_once() -> None:
    shown = exposed("x", "gauge", "y", [Sample({"a": "b"}, 1.0), Sample({"a": "b"}, 2.0)])
    assert shown == '# HELP x y\n# TYPE x gauge\nx{a="b"} 2\n'


def test_a_family_without_samples_is_not_shown() -> None:
    assert exposed("x", "gauge", "y", []) == ""


def test_a_sentence_stays_on_its_line() -> None:
    assert exposed("x", "counter", "a\\b\nc", [Sample({}, 1.5)]) == "# HELP x a\\\\b\\nc\n# TYPE x counter\nx 1.5\n"


def test_figures_that_are_none_are_what_prometheus_takes_for_that() -> None:
    shown = [exposed("x", "gauge", "y", [Sample({}, each)]).split()[-1] for each in (math.inf, -math.inf, math.nan)]
    assert shown == ["inf", "-inf", "nan"]
