"""The page of the options has all that the parsers have."""

import pytest

from wagman.cli.parser import COMMANDS
from wagman.cli.reference import page


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_section(name: str) -> None:
    assert f"\n## `wagman {name}`\n" in page()


@pytest.mark.parametrize(
    "row",
    [
        "| `DEVICE` | name, port number or all |",
        "| `-n N`, `--number N` | how many (default: 50; with --since: all) |",
        "| `--dry-run` | only show what would be done |",
        r"| `--dialect v3\|v4` | what the board speaks (default: v3) |",
        r"| `bash\|zsh\|fish` | whose script is printed |",
    ],
)
def test_arguments_are_shown_with_their_values_and_choices(row: str) -> None:
    assert row in page().splitlines()
