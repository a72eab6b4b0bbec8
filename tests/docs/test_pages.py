"""What the pages show is so: configurations load, messages are as described, commands exist, and links lead somewhere."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.blocks import PAGES, ROOT, all_blocks, blocks
from wagman import __version__
from wagman.api.discovery import SCHEMAS
from wagman.api.methods import METHODS
from wagman.cli.outcome import CommandError
from wagman.cli.parser import COMMANDS, parse
from wagman.config.load import loads
from wagman.simulation.script import parse as parse_script

EXAMPLE = (ROOT / "examples" / "wagman.toml").read_text(encoding="utf-8")
A_GUEST = "\n[device.example]\nport = 4\nshutdown = []\n"

LINK = re.compile(r"\]\((?!https?:)(?P<path>[^)#]*)(?:#(?P<anchor>[^)]+))?\)")
HEADING = re.compile(r"^#+ (?P<words>.+)$", re.MULTILINE)
PLACEHOLDER = re.compile(r"[\[\]|…]|\.\.\.|\b[A-Z]{2,}\b")
"""What shows that a line says how a command is used, and is none itself."""


def configurations() -> list[str]:
    """Those of the service; whom `wagman notify` tells is read by itself, and tested with it."""
    return [EXAMPLE, *(block.text for block in all_blocks() if block.language == "toml" and "[to." not in block.text)]


def lines() -> Iterator[str]:
    """What may be a command of ours: the lines of blocks, and code within the text."""
    for block in all_blocks():
        if block.language in ("", "sh", "console"):
            yield from re.split(r"\n|&&", block.text.replace("\\\n", ""))
    for page in PAGES:
        yield from re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8"))


def commands() -> Iterator[str]:
    """The commands of ours that the pages tell people to type."""
    for line in lines():
        command = re.sub(r"^([$#] )?(\S*/bin/)?", "", line.strip()).partition("  #")[0].partition(" > ")[0].rstrip(" &")
        if re.match(r"wagman \S", command) and not PLACEHOLDER.search(command):
            yield command


def messages() -> Iterator[dict[str, Any]]:
    for block in all_blocks():
        for line in block.text.splitlines():
            if line.startswith('{"jsonrpc"') and ",...}" not in line:
                yield json.loads(line)


def anchors(text: str) -> set[str]:
    words = [re.sub(r"[^\w\- ]", "", found["words"].lower()).replace(" ", "-") for found in HEADING.finditer(text)]
    return set(words)


@pytest.mark.parametrize("text", configurations())
def test_every_configuration_that_is_shown_is_a_right_one(text: str) -> None:
    loads(text if "[device." in text else text + A_GUEST, "example.toml")


@pytest.mark.parametrize("command", sorted(set(commands())))
def test_every_command_that_is_shown_is_one(command: str) -> None:
    words = shlex.split(command)[1:]
    if words[0] in COMMANDS and len(words) == 1:
        return  # it is only named
    try:
        parse(words)
    except CommandError as error:
        pytest.fail(f"{command}: {error}")
    except SystemExit as ended:  # --help, --version
        assert not ended.code  # noqa: PT017 - the others go on


def test_every_script_that_is_shown_can_be_played() -> None:
    scripts = [block.text for block in all_blocks() if re.match(r"\d+ (s|min|h|d);", block.text)]
    assert scripts
    assert all(parse_script(script) for script in scripts)


def test_messages_that_are_shown_are_as_described() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    (hello,) = messages()
    jsonschema.validate(hello["result"], {**SCHEMAS[METHODS["hello"].result], "components": {"schemas": SCHEMAS}})
    assert hello["result"]["version"] == __version__.partition(".dev")[0]  # so that a release takes no edit here


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in LINK.finditer(text):
        target = (page.parent / link["path"]).resolve() if link["path"] else page
        assert target.exists(), link[0]
        if link["anchor"]:
            assert link["anchor"] in anchors(target.read_text(encoding="utf-8")), link[0]


def test_the_newest_entry_of_the_changelog_is_this_version() -> None:
    """Of a development version that is what has not been released, above the entry of the version before."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    entries = re.findall(r"^## \[(\w\S*)\](?: - \d{4}-\d\d-\d\d)?$", changelog, re.MULTILINE)
    version, _, is_development = __version__.partition(".dev")
    if is_development:
        assert entries[0] == "Unreleased"
        assert tuple(map(int, entries[1].split("."))) < tuple(map(int, version.split(".")))
    else:
        assert next(entry for entry in entries if entry != "Unreleased") == version


def test_the_first_screen_of_the_readme_has_both_commands() -> None:
    first = [block.text.strip() for block in blocks(ROOT / "README.md") if not block.language][:2]
    assert first == [
        "python3 -m venv .venv && .venv/bin/pip install -q -e '.[live]' && .venv/bin/wagman demo",
        "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/pytest",
    ]
