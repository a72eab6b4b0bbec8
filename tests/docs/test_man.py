"""The manual pages say what `--help` and the reference pages say, and `man` can show them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from docs.make.man import main, pages
from docs.make.pages import DOCS
from docs.make.roff import Page, escaped, inline, joined
from wagman import __version__
from wagman.cli.parser import COMMANDS

MADE = pages()


def shown(text: str) -> str:
    """A page as its reader sees it, but for where its lines end."""
    done = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=900"], input=text, capture_output=True, text=True, check=True)
    return re.sub(".\b", "", done.stdout)


def words(text: str) -> str:
    return " ".join(text.replace("`", "").replace("\\|", "|").split())


@pytest.fixture(scope="module")
def mandoc() -> None:
    if shutil.which("mandoc") is None:
        pytest.skip("takes mandoc (on Debian: the package mandoc)")


def test_every_command_has_a_page_and_the_first_one_names_them_all() -> None:
    assert set(MADE) == {"wagman.1", "wagman.toml.5", *(f"wagman-{name}.1" for name in COMMANDS)}
    for name, command in COMMANDS.items():
        assert f"\\fBwagman {escaped(name)}\\fR\n{inline(command.summary)}" in MADE["wagman.1"]


@pytest.mark.parametrize("name", MADE)
@pytest.mark.usefixtures("mandoc")
def test_no_page_has_an_error_of_form(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(MADE[name])
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", tmp_path / name], capture_output=True, text=True, check=False)
    assert [line for line in done.stdout.splitlines() if "missing date" not in line] == []


@pytest.mark.usefixtures("mandoc")
def test_a_page_has_every_argument_that_the_reference_has() -> None:
    sections = re.split(r"^## `wagman (.+)`$", (DOCS / "options.md").read_text(), flags=re.MULTILINE)[1:]
    for name, section in zip(sections[::2], sections[1::2], strict=True):
        page = words(shown(MADE[f"wagman-{name}.1"]))
        rows = re.findall(r"^\| (.+?) (?<!\\)\| (.+) \|$", section, re.MULTILINE)[1:]
        assert rows, name
        for argument, means in rows:
            assert f"{words(argument)} {words(means)}" in page, (name, argument)


@pytest.mark.usefixtures("mandoc")
def test_the_page_of_the_file_has_every_key_that_the_reference_has() -> None:
    page = shown(MADE["wagman.toml.5"])
    keys = re.findall(r"^\| `([a-z_]+)` \|", (DOCS / "configuration.md").read_text(), re.MULTILINE)
    assert len(keys) > 100
    for key in keys:
        assert re.search(rf"^ +{key}(?: |$)", page, re.MULTILINE), key


def test_a_page_tells_the_version_and_is_the_same_each_time() -> None:
    assert all(f'"wagman {__version__}"' in text for text in MADE.values())
    assert pages() == MADE


def test_all_of_them_are_written_into_a_folder_that_need_not_be_there(tmp_path: Path) -> None:
    main(tmp_path / "man")
    assert {path.name: path.read_text() for path in (tmp_path / "man").iterdir()} == MADE


@pytest.mark.usefixtures("mandoc")
@pytest.mark.parametrize("text", [".TH is no macro here", "'quoted", "C:\\new --yes ~user ^C", "`-n`, `a\\b`"])
def test_what_would_be_a_macro_is_text(text: str) -> None:
    page = joined(['.TH "X" "1" "" "x" "x"', *Page().read(f"## Head\n\n{text}\n").made])
    assert text.replace("`", "") in shown(page)


def test_of_a_link_the_words_are_left_and_where_it_leads_if_that_is_on_the_web() -> None:
    assert inline("see [the *board*](boards.md#a)") == "see the \\fBboard\\fR"
    assert inline("[NUT](https://example.org)") == "NUT <https://example.org>"
