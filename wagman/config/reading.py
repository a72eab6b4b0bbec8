"""What every table of a document is read by: whatever does not fit is noted, and left out."""

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

NAME = re.compile(r"(?!all$|[0-9]+$)[a-z0-9_][a-z0-9_-]{0,31}")  # the store and the table of `wagman status` want it short
NAME_WANTED = 'name has 1 to 32 of a-z, 0-9, _ and -, begins with no -, and is neither a number nor "all": rename it'

_COMPARED_CHARS = 40  # of an unknown word: comparing takes time with the square of it


@frozen
class Reader:
    """Reads tables, and notes what it finds."""

    findings: Findings
    homes: Mapping[str, type]  # which class reads what table, for whoever put a key into another

    def section(self, document: Table, name: str, known: Known, tables: Collection[str] = ()) -> dict[str, Any]:
        """The arguments that the table of that name gives; none where there is no such table."""
        return self.values(self.table(document, (name,)) or {}, (name,), known, tables)

    def table(self, parent: Table, path: Path) -> Table | None:
        """The table at `path`, whose last part `parent` holds; None where it is no table."""
        table = parent.get(str(path[-1]), {})
        if isinstance(table, dict):
            return table
        self.findings.add(path, f"must be a table, not {show(table)}")
        return None

    def values(self, table: Table, path: Path, known: Known, others: Collection[str] = ()) -> dict[str, Any]:
        """The arguments that `table` gives, by attribute name; `others` are keys that somebody else reads."""
        self.refuse_unknown(table, path, [*known, *others])
        return dict(self.readable(table, path, known))

    def instance(self, section: type, table: Table, path: Path, withheld: Collection[str] = (), **given: object) -> Any:
        """What `table` describes, with the attributes that are `given`; None where a key is wrong or missing that it needs.

        Keys that are `withheld` mean nothing here.
        """
        known = {key: each for key, each in settings(section).items() if key not in withheld}
        values = self.values(table, path, known)
        lacking = [key for key, each in known.items() if each.default is NOTHING and each.name not in values]
        for key in lacking:
            if key not in table:
                self.findings.add((*path, key), f"missing: give {known[key].metadata['setting'].kind.wants}")
        return None if lacking else section(**given, **values)

    def readable(self, table: Table, path: Path, known: Known) -> Iterator[tuple[str, Any]]:
        """Those of the known keys that the table has, and whose values can be read."""
        for key in known.keys() & table.keys():
            value = self.value(table[key], (*path, key), known[key].metadata["setting"].kind)
            if value is not NOTHING:
                yield known[key].name, value

    def value(self, value: object, path: Path, kind: Kind, otherwise: Any = NOTHING) -> Any:
        """What one value, that at `path`, stands for; `otherwise` where it cannot be read."""
        try:
            return kind.read(value)
        except ValueError:
            self.findings.add(path, f"must be {kind.wants}, not {show(value)}")
            return otherwise

    def refuse_unknown(self, table: Table, path: Path, known: Collection[str]) -> None:
        """Note each key that nobody reads."""
        for key in table.keys() - set(known):
            self.findings.add((*path, key), f"unknown key: {self._hint(key, known)}")

    def named(self, path: Path, what: str) -> None:
        """Note a name, the last part of `path`, that cannot be one."""
        if not NAME.fullmatch(str(path[-1])):
            self.findings.add(path, f"a {what} {NAME_WANTED}")

    def _hint(self, key: str, known: Collection[str]) -> str:
        homes = [home for home, section in self.homes.items() if key in settings(section)]
        if homes:
            return f"it belongs in {' or '.join(homes)}"
        return f"the nearest that is known here is {nearest_first(key, known)[0]}"


def nearest_first(word: str, known: Collection[str]) -> list[str]:
    """The known words, that which is most alike first."""
    return difflib.get_close_matches(word[:_COMPARED_CHARS], known, n=max(len(known), 1), cutoff=0.0)


def listed(names: Iterable[str]) -> str:
    """Names as a message lists them."""
    return ", ".join(show(name) for name in names)
