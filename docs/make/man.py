"""Writes the manual pages from what the commands say of themselves and from the classes of the configuration.

`python -m docs.make.man FOLDER` writes wagman(1), a page for each command, and wagman.toml(5): what `--help`, docs/options.md
and docs/configuration.md are made of, in the form that `man` reads. They come with the Debian packages.
"""

import sys
from argparse import HelpFormatter
from collections.abc import Iterator, Mapping
from pathlib import Path

from docs.make import commands, configuration
from docs.make.roff import Page, escaped, heading, inline, joined, tagged, verbatim
from wagman import __version__
from wagman.cli.help import COMMANDS as TOLD
from wagman.cli.help import endings
from wagman.cli.parser import COMMANDS, GROUPS, CommandParser, build

VERSION = "@VERSION@"

FILES = {
    "/etc/wagman/wagman.toml": "which guests there are: see wagman.toml(5)",
    "/etc/wagman/conf.d/*.toml": "the same, in pieces",
    "/etc/wagman/notify.toml, /etc/wagman/fleet.toml": "whom wagman notify tells, and which broker wagman fleet goes to",
    "/var/lib/wagman": "the rolling log, what was decided, and the ssh key for the guests",
    "/run/wagman/wagman.sock": "the control socket",
}


def pages(version: str = __version__) -> Mapping[str, str]:
    """The text of every page, by the name of its file; each page says of which version it is."""
    parser, parsers = build()
    made = {f"wagman-{name}.1": joined(_command(name, each)) for name, each in parsers.items()}
    made |= {"wagman.1": joined(_overview(parser)), "wagman.toml.5": joined(_configuration())}
    return {name: text.replace(VERSION, version) for name, text in made.items()}


def _title(name: str, section: int, summary: str) -> Iterator[str]:
    # Without a date: the same version makes the same page.
    yield '.\\" Made from the code by python -m docs.make.man: change it there.'
    yield f'.TH "{escaped(name.upper())}" "{section}" "" "wagman {VERSION}" "wagman"'
    yield from (heading("NAME"), f"{escaped(name)} \\- {inline(summary)}")


def _overview(parser: CommandParser) -> Iterator[str]:
    yield from _title("wagman", 1, "keeps the guest computers of a node alive through whatever switches their power")
    yield from (heading("SYNOPSIS"), ".nf", "\\fBwagman\\fR [\\-h] [\\-\\-version] COMMAND ...", ".fi")
    yield from (heading("DESCRIPTION"), inline(str(parser.description)))
    yield from (".PP", inline("`man wagman-COMMAND`, or `wagman COMMAND --help`, tells all of a command."))
    for group, names in GROUPS.items():
        yield heading(group[0].upper() + group[1:], ".SS")
        for name in names:
            yield from tagged(f"`wagman {name}`", [COMMANDS[name].summary])
    yield heading("FILES")
    for file, means in FILES.items():
        yield from tagged(f"`{file}`", [means])
    yield from _see_also("wagman.toml(5)", *(f"wagman-{name}(1)" for names in GROUPS.values() for name in names))


def _command(name: str, parser: CommandParser) -> Iterator[str]:
    parser.learn()
    known = TOLD[name]
    yield from _title(f"wagman-{name}", 1, COMMANDS[name].summary)
    yield from (heading("SYNOPSIS"), ".nf", *map(escaped, _usage(parser)), ".fi")
    yield from (heading("DESCRIPTION"), inline(known.text))
    yield heading("OPTIONS")
    for argument, means in commands.rows(parser):
        yield from tagged(argument.replace("\\|", "|"), [means.replace("\\|", "|")])
    if codes := endings(name):
        yield heading("EXIT STATUS")
        for code, means in codes:
            yield from tagged(f"`{code}`", [means])
    yield from (heading("EXAMPLES"), *verbatim(known.examples))
    yield from _see_also("wagman(1)", "wagman.toml(5)")


def _usage(parser: CommandParser) -> list[str]:
    """Of one width, whatever the terminal is that this runs on."""
    formatter = HelpFormatter(prog=parser.prog, width=78)
    formatter.add_usage(parser.usage, parser._actions, parser._mutually_exclusive_groups, "")  # noqa: SLF001 - argparse tells it nowhere else
    return formatter.format_help().strip().splitlines()


def _configuration() -> Iterator[str]:
    yield from _title("wagman.toml", 5, "which guests there are, and what switches their power")
    text = configuration.page().partition(configuration.INTRODUCTION)[2]
    yield from (heading("DESCRIPTION"), *Page().read(configuration.INTRODUCTION).made, *Page().read(text).made)
    yield from _see_also("wagman(1)", "wagman-check-config(1)", "wagman-init(1)", "wagman-probe(1)")


def _see_also(*others: str) -> Iterator[str]:
    names = [f"\\fB{escaped(name)}\\fR({section}" for name, _, section in (each.partition("(") for each in others)]
    yield from (heading("SEE ALSO"), ",\n".join(names))


def main(folder: Path, version: str = __version__) -> None:
    """Write all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages(version).items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
