"""Reading any table of a document: a value that does not fit is noted, and left out."""

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import attrs
from attrs import NOTHING, frozen

from wagman.config.findings import Findings
from wagman.config.kinds import Kind, show
from wagman.config.positions import Path
from wagman.config.setting import settings

Table: TypeAlias = Mapping[str, Any]
Known: TypeAlias = Mapping[str, "attrs.Attribute[object]"]

NAME = re.compile(r"(?!all$|[0-9]+$)[a-z0-9_][a-z0-9_-]{0,31}")  # short, for the store and for the table of `wagman status`
NAME_WANTED = 'name has 1 to 32 of a-z, 0-9, _ and -, begins with no -, and is neither a number nor "all": rename it'

_COMPARED_CHARS = 40  # of an unknown word: the time for a comparison grows with the square of its length


@frozen
class Reader:
    """Reads tables, and notes its findings."""

    findings: Findings
    homes: Mapping[str, type]  # the class of each table, for the hint to a misplaced key

    def section(self, document: Table, name: str, known: Known, tables: Collection[str] = ()) -> dict[str, Any]:
        """The arguments that the table of that name gives; empty if there is no such table."""
        return self.values(self.table(document, (name,)) or {}, (name,), known, tables)

    def table(self, parent: Table, path: Path) -> Table | None:
        """The table at `path`, which `parent` holds under the last part of `path`; None: it is no table, which is noted."""
        table = parent.get(str(path[-1]), {})
        if isinstance(table, dict):
            return table
        self.findings.add(path, f"must be a table, not {show(table)}")
        return None

    def values(self, table: Table, path: Path, known: Known, others: Collection[str] = ()) -> dict[str, Any]:
        """The arguments that `table` gives, by attribute name; `others` are keys that are read elsewhere."""
        self.refuse_unknown(table, path, [*known, *others])
        return dict(self.readable(table, path, known))

    def instance(self, section: type, table: Table, path: Path, withheld: Collection[str] = (), **given: object) -> Any:
        """The object that `table` describes; None: a key that it needs is wrong or missing, which is noted.

        Args:
            section: the class.
            table: its table.
            path: where the table stands.
            withheld: keys of the class that mean nothing here.
            given: attributes that do not come from the table.
        """
        known = {key: each for key, each in settings(section).items() if key not in withheld}
        values = self.values(table, path, known)
        lacking = [key for key, each in known.items() if each.default is NOTHING and each.name not in values]
        for key in lacking:
            if key not in table:
                self.findings.add((*path, key), f"missing: give {known[key].metadata['setting'].kind.wants}")
        return None if lacking else section(**given, **values)

    def readable(self, table: Table, path: Path, known: Known) -> Iterator[tuple[str, Any]]:
        """The known keys of the table whose values can be read, by attribute name."""
        for key in known.keys() & table.keys():
            value = self.value(table[key], (*path, key), known[key].metadata["setting"].kind)
            if value is not NOTHING:
                yield known[key].name, value

    def value(self, value: object, path: Path, kind: Kind, otherwise: Any = NOTHING) -> Any:
        """The value at `path`, converted by its kind; `otherwise` if it cannot be read, which is noted."""
        try:
            return kind.read(value)
        except ValueError:
            self.findings.add(path, f"must be {kind.wants}, not {show(value)}")
            return otherwise

    def refuse_unknown(self, table: Table, path: Path, known: Collection[str]) -> None:
        """Note each key that is not known."""
        for key in table.keys() - set(known):
            self.findings.add((*path, key), f"unknown key: {self._hint(key, table[key], known)}")

    def named(self, path: Path, what: str) -> None:
        """Note it if the last part of `path` cannot be a name."""
        if not NAME.fullmatch(str(path[-1])):
            self.findings.add(path, f"a {what} {NAME_WANTED}")

    def _hint(self, key: str, value: object, known: Collection[str]) -> str:
        if isinstance(value, dict) and any(home.startswith((f"[{key}]", f"[{key}.")) for home in self.homes):
            # As in `network.lan.witness = ...`, which TOML takes for a part of the table that it stands in.
            return "it is a table of its own: put the line above the first line in brackets"
        homes = [home for home, section in self.homes.items() if key in settings(section)]
        if homes:
            return f"it belongs in {' or '.join(homes)}"
        return f"the nearest that is known here is {nearest_first(key, known)[0]}"


def nearest_first(word: str, known: Collection[str]) -> list[str]:
    """The known words, which are in small letters, the most similar first."""
    return difflib.get_close_matches(word[:_COMPARED_CHARS].lower(), known, n=max(len(known), 1), cutoff=0.0)


def listed(names: Iterable[str]) -> str:
    """Names as a message lists them."""
    return ", ".join(show(name) for name in names)
