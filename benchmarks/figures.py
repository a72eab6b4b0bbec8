"""What is reported: figures in sections, as Markdown for people and as JSON for programs."""

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
    """One number, and the bound that it is to keep."""

    what: str
    value: float
    unit: str
    at_most: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether it keeps its bound; one without a bound does."""
        return self.at_most is None or self.value <= self.at_most

    @property
    def text(self) -> str:
        """The number and what it counts."""
        return f"{number(self.value)} {self.unit}".rstrip()

    def row(self) -> str:
        """The figure as a row of its section's table."""
        bound = "" if self.at_most is None else f"at most {number(self.at_most)} {self.unit}"
        return f"| {self.what} | {self.text} | {bound}{'' if self.is_met else ': **missed**'} |"


@frozen
class Section:
    """Figures that belong together, and what has to be known to read them."""

    title: str
    figures: Sequence[Figure]
    note: str = ""

    def markdown(self) -> str:
        """A heading, the note, a table."""
        table = ("| | measured | bound |", "|---|---|---|", *(figure.row() for figure in self.figures))
        return "\n".join(
            (f"## {self.title}", *(("", self.note) if self.note else ()), *(("", *table) if self.figures else ()), "")
        )


@frozen
class Comparison(Section):
    """What is compared in the same figures: a row for each. Without bounds; each figure is named `WHO: COLUMN`."""

    def markdown(self) -> str:
        """A heading, the note, a table with a column for each figure."""
        rows: dict[str, list[Figure]] = {}
        for figure in self.figures:
            rows.setdefault(figure.what.partition(": ")[0], []).append(figure)
        columns = dict.fromkeys(figure.what.partition(": ")[2] for figure in self.figures)
        cells = (f"| {who} | {' | '.join(each.text for each in figures)} |" for who, figures in rows.items())
        table = (f"| | {' | '.join(columns)} |", f"|---{'|---' * len(columns)}|", *cells)
        return "\n".join((f"## {self.title}", "", self.note, "", *table, ""))


@frozen
class Place:
    """Where on a page figures are pasted: between two marks."""

    begin: str
    end: str


COSTS = Place("<!-- Pasted by `python -m benchmarks --page`. -->", "<!-- The end of what was pasted. -->")
"""What the service costs, and how fast it is."""

OUTCOME = Place("<!-- Pasted by `python -m benchmarks --only outcome --page`. -->", "<!-- The end of the outcome. -->")
"""What it buys: measured apart from the others, and so with a preface of its own."""


def pasted(page: str, about: Mapping[str, Any], sections: Iterable[Section], place: Place = COSTS) -> str:
    """A page, with the figures in the place that is marked for them."""
    before, _, rest = page.partition(place.begin)
    after = rest.partition(place.end)[2]
    between = (section.markdown() for section in sections)
    return "\n".join((f"{before}{place.begin}", "", preface(about), "", *between, f"{place.end}{after}"))


def preface(about: Mapping[str, Any]) -> str:
    """What it was measured with, and on, as a list."""
    return "\n".join(f"- {what}: {value}" for what, value in about.items())


def number(value: float) -> str:
    """Three digits, and no exponent."""
    digits = f"{value:.3g}"
    return f"{value:,.0f}" if "e" in digits or abs(value) >= 1000 else digits  # noqa: PLR2004 - four digits and more


def machine() -> Mapping[str, Any]:
    """What it was measured with, and on."""
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
    """All of it, for JSON."""
    return {"machine": dict(about), "sections": [_section(section) for section in sections]}


def _section(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "note": section.note,
        "figures": [{**asdict(figure), "met": figure.is_met} for figure in section.figures],
    }
