"""The configurations in `examples/`: each is right as it stands, is commented, and is shown in the documentation."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT
from tests.service.kit import WAGMAN, environment
from wagman.config.load import advice, load

EXAMPLES = sorted((ROOT / "examples").glob("*.toml"))
SHOWN = (ROOT / "docs" / "examples.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_right_and_nothing_about_it_needs_advice(path: Path) -> None:
    done = subprocess.run((*WAGMAN, "check-config", str(path)), env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert ": ok, " in done.stdout
    assert list(advice(str(path))) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_commented_and_shown(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# ")
    assert f"{{literalinclude}} ../examples/{path.name}" in SHOWN


def test_the_pages_show_no_example_that_is_not_there() -> None:
    shown = re.findall(r"\{literalinclude\} \.\./examples/(\S+)", SHOWN)
    assert sorted(shown) == [path.name for path in EXAMPLES]


def test_between_them_they_use_each_kind_of_board_that_is_sold() -> None:
    kinds = {board.kind for path in EXAMPLES for board in load(str(path)).boards}
    assert kinds >= {"wagman", "shelly", "tasmota", "powerman", "exec", "gpio"}
