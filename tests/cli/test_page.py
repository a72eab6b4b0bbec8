"""docs/commands.md names what there is."""

import re
from pathlib import Path

from wagman.cli import outcome
from wagman.cli.parser import COMMANDS, build

PAGE = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()


def test_every_command_is_on_the_page() -> None:
    named = {word for words in re.findall(r"wagman ([a-z|-]+)", PAGE) for word in words.split("|")}
    assert COMMANDS.keys() <= named


def test_every_option_is_on_the_page() -> None:
    _, parsers = build()
    for name, parser in parsers.items():
        if name != "fake-board":
            parser.learn()
            options = {each.option_strings[0] for each in parser._actions if each.option_strings}
            assert {each for each in options - {"-h", "--words"} if each not in PAGE} == set(), name


def test_every_exit_code_is_on_the_page() -> None:
    codes = {value for name, value in vars(outcome).items() if name.isupper()}
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)} == codes


def test_each_habit_of_the_predecessor_has_a_command_that_there_is() -> None:
    rows = [line.split("|") for line in PAGE.splitlines() if line.startswith("| `wagman-client ")]
    typed = " ".join(row[1] for row in rows)
    assert all(f"wagman-client {habit}" in typed for habit in ("hb", "env", "fc", "start 1", "stop 1 30"))
    for row in rows:
        commands = re.findall(r"`wagman ([a-z-]+)", row[2])
        assert commands
        assert set(commands) <= COMMANDS.keys()
