"""The docstring of each package is a map of its rooms: a newcomer finds every module on it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT

PACKAGES = sorted((ROOT / "wagman").rglob("__init__.py"))


def rooms(package: Path) -> Iterator[str]:
    """The modules and packages right in a package; the entry point and what the build writes are none."""
    for each in sorted(package.parent.iterdir()):
        if each.suffix == ".py" and not each.stem.startswith("_"):
            yield each.stem
        elif (each / "__init__.py").exists():
            yield each.name


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: str(package.parent.relative_to(ROOT)))
def test_each_room_is_on_the_map_of_its_package(package: Path) -> None:
    said = ast.get_docstring(ast.parse(package.read_text(encoding="utf-8"))) or ""
    assert [room for room in rooms(package) if not re.search(rf"`(wagman\.)?{room}`", said)] == []
