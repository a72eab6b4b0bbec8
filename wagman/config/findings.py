"""What is wrong with a configuration: every finding with the key it belongs to."""

import json
import re
from collections.abc import Iterable, Mapping

from attrs import define, field, frozen

from wagman.config.positions import Path

_BARE = re.compile(r"[A-Za-z0-9_-]+")


@frozen
class Finding:
    """One thing that is wrong, and what to do about it.

    `rests_on` names further keys whose values led to the finding. If one of them is wrong in itself, nobody can tell whether this
    is wrong, too, and the finding is dropped.
    """

    path: Path
    message: str
    rests_on: tuple[Path, ...] = ()


@define
class Findings:
    """All findings so far."""

    _found: dict[tuple[Path, str], Finding] = field(factory=dict)

    def add(self, path: Path, message: str) -> None:
        """Note that the key at `path` is wrong in itself."""
        self._found[path, message] = Finding(path, message)

    def judge(self, findings: Iterable[Finding]) -> None:
        """Note what is wrong between keys, unless one of them is wrong in itself."""
        # A table that holds a wrong key is wrong as well.
        wrong = {path[:length] for path, _ in self._found for length in range(1, len(path) + 1)}
        for finding in findings:
            if wrong.isdisjoint((finding.path, *finding.rests_on)):
                self._found[finding.path, finding.message] = finding

    def render(self, name: str, lines: Mapping[Path, int], homes: Mapping[Path, str] | None = None) -> tuple[str, ...]:
        """One line for each finding, in the order of the file: "FILE:LINE: KEY: MESSAGE".

        Args:
            name: the file; of several files, the main one.
            lines: the line of each key.
            homes: the file of each key that is not in the main one.
        """
        where = {path: _stated(path, lines) for path, _ in self._found}
        files = {path: (homes or {}).get(stated, name) for path, stated in where.items()}
        placed = sorted(
            (files[path] != name, files[path], lines.get(where[path], 1), dotted(path), message) for path, message in self._found
        )
        return tuple(f"{file}:{line}: {key}: {message}" for _, file, line, key, message in placed)


def dotted(path: Path) -> str:
    """A key path as TOML writes it; an element of an array has its index in brackets."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{_quoted(part)}" for part in path)
    return text.removeprefix(".")


def _quoted(key: str) -> str:
    return key if _BARE.fullmatch(key) else json.dumps(key)


def _stated(path: Path, lines: Mapping[Path, int]) -> Path:
    """The key, or the nearest table around a key that is missing; empty: there is none."""
    around = (path[:length] for length in range(len(path), 0, -1))
    return next((each for each in around if each in lines), ())
