"""Writes docs/options.md from the parsers of the commands: `python -m docs.make.commands`; `--check` sees if it is stale."""

import sys
from argparse import Action
from collections.abc import Iterator

from docs.make.pages import begin, keep, table
from wagman.cli.help import COMMANDS
from wagman.cli.parser import CommandParser, build

MODULE = "docs.make.commands"

INTRODUCTION = f"""\
# Every option

{begin(MODULE)}

What `wagman COMMAND --help` says, for all of them. What the commands do and show is told in [the commands](commands.md),
their exit codes [there](commands.md#what-they-have-in-common).
"""


def page() -> str:
    """The reference page."""
    _, commands = build()
    return "\n".join([INTRODUCTION, *(_section(name, parser) for name, parser in commands.items())])


def _section(name: str, parser: CommandParser) -> str:
    parser.learn()
    known = COMMANDS[name]
    examples = "\n".join(("```sh", *known.examples, "```", ""))
    return f"## `wagman {name}`\n\n{parser.description} {known.text}\n\n{examples}\n{table(('argument', 'means'), rows(parser))}"


def rows(parser: CommandParser) -> list[tuple[str, str]]:
    """Every argument of a command that has learnt what it takes, and what it means."""
    actions = parser._actions  # noqa: SLF001 - argparse tells it nowhere else
    return [row for action in actions for row in _rows(action)]


def _rows(action: Action, within: str = "") -> Iterator[tuple[str, str]]:
    """One for each argument; where a word has arguments of its own, one for each of these."""
    if not isinstance(action.choices, dict):
        name, means = _row(action)
        if "--help" not in action.option_strings:
            yield f"{within}{name}", means
        return
    for word, parser in action.choices.items():
        yield f"`{word}`", parser.description
        for each in parser._actions:  # noqa: SLF001 - likewise
            yield from _rows(each, f"`{word}` ")


def _row(action: Action) -> tuple[str, str]:
    names = [f"{option} {_value(action)}".rstrip() for option in action.option_strings] or [_value(action)]
    return ", ".join(f"`{name}`" for name in names), _in_a_cell((action.help or "") % {"default": action.default})


def _value(action: Action) -> str:
    """The placeholder of what it takes; nothing for a switch."""
    if action.nargs == 0:
        return ""
    if action.metavar:
        return _in_a_cell(action.metavar if isinstance(action.metavar, str) else " ".join(action.metavar))
    return _in_a_cell("|".join(action.choices)) if action.choices else action.dest.upper()


def _in_a_cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(keep(MODULE, lambda _: {"options.md": page()}))
