"""Reads the tables of expectations that lie beside the tests: sections of lines, a section may be like another."""

from pathlib import Path

from attrs import define, field

Row = tuple[str, ...]


@define
class Section:
    """What is expected of one variant: how it begins, and a row for each input."""

    begins: str = ""
    rows: dict[str, Row] = field(factory=dict)  # empty: of no visible consequence


def read(name: str) -> dict[str, Section]:
    """The sections of a table, by variant."""
    sections: dict[str, Section] = {}
    section = Section()
    for line in Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            variant, _, parent = line.strip("[]").partition(" < ")
            assert variant not in sections, f"{variant} is there twice"
            sections[variant] = section = Section(rows=dict(sections[parent].rows) if parent else {})
        elif line and not line.startswith("#"):
            take(section, line)
    return sections


def take(section: Section, line: str) -> None:
    """One line of a section."""
    if line.startswith("is: "):
        section.begins = line.removeprefix("is: ")
    elif line.startswith("without: "):
        del section.rows[line.removeprefix("without: ")]
    elif line.startswith("nothing: "):
        section.rows.update(dict.fromkeys(line.removeprefix("nothing: ").split(), ()))
    else:
        first, *row = (cell.strip() for cell in line.split("|"))
        section.rows[first] = tuple(row)
