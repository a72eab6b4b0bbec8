"""What is wrong with a configuration: every finding with the place it belongs to."""

import json
import re
from collections.abc import Iterable, Mapping

from attrs import define, field, frozen

from wagman.config.positions import Path

_BARE = re.compile(r"[A-Za-z0-9_-]+")


@frozen
class Finding:
    """One thing that is wrong, and what to do about it.

    `rests_on` names further keys whose values it was judged by: where one of them is wrong in itself, there is no
    telling whether this is wrong too, and nothing is said of it.
    """

    path: Path
    message: str
    rests_on: tuple[Path, ...] = ()


@define
class Findings:
    """All that was found so far."""

    _found: dict[tuple[Path, str], Finding] = field(factory=dict)

    def add(self, path: Path, message: str) -> None:
        """Note what is wrong with the key at `path` in itself."""
        self._found[path, message] = Finding(path, message)

    def judge(self, findings: Iterable[Finding]) -> None:
        """Note what is wrong between keys, unless one of them is wrong in itself."""
        # What holds a wrong key is wrong as well.
        wrong = {path[:length] for path, _ in self._found for length in range(1, len(path) + 1)}
        for finding in findings:
            if wrong.isdisjoint((finding.path, *finding.rests_on)):
                self._found[finding.path, finding.message] = finding

    def render(self, name: str, lines: Mapping[Path, int], homes: Mapping[Path, str] | None = None) -> tuple[str, ...]:
        """One line for each finding, in the order of the file: "FILE:LINE: KEY: MESSAGE".

        Args:
            name: of the file.
            lines: where each key stands in it.
            homes: in which file each key stands, where there are several; `name` is the first of them.
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
    """The key, or the nearest table around it where the key is missing; nothing where there is none."""
    around = (path[:length] for length in range(len(path), 0, -1))
    return next((each for each in around if each in lines), ())
