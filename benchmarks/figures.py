"""The report: figures in sections, as Markdown for people and as JSON for programs."""

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import trio
from attrs import asdict, frozen

from wagman import __version__


@frozen
class Figure:
    """One measured number, and its bound. `value` and `at_most` are in `unit`."""

    what: str
    value: float
    unit: str
    at_most: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether the figure keeps its bound; true if it has none."""
        return self.at_most is None or self.value <= self.at_most

    @property
    def text(self) -> str:
        """The number with its unit."""
        return f"{number(self.value)} {self.unit}".rstrip()

    def row(self) -> str:
        """Return the figure as a row of its section's table."""
        bound = "" if self.at_most is None else f"at most {number(self.at_most)} {self.unit}"
        return f"| {self.what} | {self.text} | {bound}{'' if self.is_met else ': **missed**'} |"


@frozen
class Section:
    """Figures that belong together, and a note with what a reader has to know."""

    title: str
    figures: Sequence[Figure]
    note: str = ""

    def markdown(self) -> str:
        """Return a heading, the note and a table."""
        table = ("| | measured | bound |", "|---|---|---|", *(figure.row() for figure in self.figures))
        return "\n".join(
            (f"## {self.title}", *(("", self.note) if self.note else ()), *(("", *table) if self.figures else ()), "")
        )


@frozen
class Comparison(Section):
    """A section with a row for each of several candidates, without bounds; each figure is named `WHO: COLUMN`."""

    def markdown(self) -> str:
        """Return a heading, the note and a table with a column for each figure."""
        rows: dict[str, list[Figure]] = {}
        for figure in self.figures:
            rows.setdefault(figure.what.partition(": ")[0], []).append(figure)
        columns = dict.fromkeys(figure.what.partition(": ")[2] for figure in self.figures)
        cells = (f"| {who} | {' | '.join(each.text for each in figures)} |" for who, figures in rows.items())
        table = (f"| | {' | '.join(columns)} |", f"|---{'|---' * len(columns)}|", *cells)
        return "\n".join((f"## {self.title}", "", self.note, "", *table, ""))


@frozen
class Place:
    """A place on a page into which figures are pasted: between two marks."""

    begin: str
    end: str


COSTS = Place("<!-- Pasted by `python -m benchmarks --page`. -->", "<!-- The end of what was pasted. -->")
"""The place of what the service costs, and how fast it is."""

OUTCOME = Place("<!-- Pasted by `python -m benchmarks --only outcome --page`. -->", "<!-- The end of the outcome. -->")
"""The place of what wagman buys; measured apart from the others, and so with a preface of its own."""


def pasted(page: str, about: Mapping[str, Any], sections: Iterable[Section], place: Place = COSTS) -> str:
    """Return the page with these sections in the place that is marked for them."""
    before, _, rest = page.partition(place.begin)
    after = rest.partition(place.end)[2]
    between = (section.markdown() for section in sections)
    return "\n".join((f"{before}{place.begin}", "", preface(about), "", *between, f"{place.end}{after}"))


def preface(about: Mapping[str, Any]) -> str:
    """Return the machine and the software of the measurement as a list."""
    return "\n".join(f"- {what}: {value}" for what, value in about.items())


def number(value: float) -> str:
    """Return the number with three digits, or all digits of a number from 1000 on, and without an exponent."""
    digits = f"{value:.3g}"
    return f"{value:,.0f}" if "e" in digits or abs(value) >= 1000 else digits  # noqa: PLR2004 - four digits and more


def machine() -> Mapping[str, Any]:
    """Return the machine and the software of the measurement, by name."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "wagman": __version__,
        "python": platform.python_version(),
        "trio": trio.__version__,
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def document(about: Mapping[str, Any], sections: Iterable[Section]) -> dict[str, Any]:
    """Return all of it, ready for JSON."""
    return {"machine": dict(about), "sections": [_section(section) for section in sections]}


def _section(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "note": section.note,
        "figures": [{**asdict(figure), "met": figure.is_met} for figure in section.figures],
    }
