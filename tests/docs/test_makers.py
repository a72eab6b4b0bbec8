"""Pages are made from the code, and nothing that is made is stale."""

import subprocess
import sys
from pathlib import Path

import pytest

from docs.make.pages import DOCS, END, MarkerError, begin, between, keep, table

MODULES = [f"docs.make.{path.stem}" for path in sorted((DOCS / "make").glob("*.py")) if "sys.exit(keep" in path.read_text()]


def run(folder: Path, text: str, *arguments: str) -> int:
    return keep("some.module", lambda _: {"page.md": text}, [*arguments, str(folder)])


def test_a_page_that_was_just_written_is_not_stale(tmp_path: Path) -> None:
    assert run(tmp_path, "text") == 0
    assert (tmp_path / "page.md").read_text() == "text"
    assert run(tmp_path, "text", "--check") == 0


@pytest.mark.parametrize("content", [None, "something else\n"])
def test_a_missing_or_changed_page_is_told_of_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    page = tmp_path / "page.md"
    if content is not None:
        page.write_text(content)
    assert run(tmp_path, "text", "--check") == 1
    assert capsys.readouterr().err == "page.md is stale: run python -m some.module\n"
    assert content == (page.read_text() if page.exists() else None)


def test_a_page_that_is_as_it_should_be_is_not_written(tmp_path: Path) -> None:
    run(tmp_path, "text")
    before = (tmp_path / "page.md").stat().st_mtime_ns
    run(tmp_path, "text")
    assert (tmp_path / "page.md").stat().st_mtime_ns == before


def test_what_is_made_goes_between_its_marks_and_nothing_else_is_touched() -> None:
    page = f"a\n{begin('x')}\n\nold\n{END}\nb\n{begin('y')}\n\nold\n{END}\n"
    assert between(page, "x", "new") == page.replace("old", "new", 1)
    assert between(page, "y", "new") == "new".join(page.rsplit("old", 1))


@pytest.mark.parametrize("page", ["", begin("x"), END, f"{begin('y')}\n{END}"])
def test_a_page_without_the_marks_is_an_error(page: str) -> None:
    with pytest.raises(MarkerError, match="no place"):
        between(page, "x", "new")


def test_a_table_has_a_line_for_each_row() -> None:
    assert table(("a", "b"), [("1", "2")]) == "| a | b |\n|---|---|\n| 1 | 2 |\n"


@pytest.mark.parametrize("module", MODULES)
def test_nox_looks_at_each_of_them(module: str) -> None:
    assert f'"{module}"' in (DOCS.parent / "noxfile.py").read_text()


@pytest.mark.parametrize("module", MODULES)
def test_nothing_in_the_docs_is_stale(module: str) -> None:
    assert subprocess.run([sys.executable, "-m", module, "--check", str(DOCS)], check=False).returncode == 0
