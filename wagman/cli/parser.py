"""The command line: all commands, and the arguments of each.

A command is a module with `add_arguments(parser, name)` and `run(args) -> exit code`. The module is imported, and its arguments
are added, only once its name has been read: `wagman status` does not have to import the live view.
"""

from argparse import SUPPRESS, Action, ArgumentError, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple, NoReturn

from wagman import __version__
from wagman.cli.names import did_you_mean
from wagman.cli.outcome import USAGE, CommandError


class Command(NamedTuple):
    """The module of a command, and what it does in a few words."""

    module: str
    summary: str


COMMANDS = {
    "status": Command("wagman.cli.status", "how everything is, and what to do about what is wrong"),
    "check": Command("wagman.cli.check", "what is wrong, in one line, for a monitoring system"),
    "start": Command("wagman.cli.actions", "start a guest, and wait until it is up"),
    "stop": Command("wagman.cli.actions", "halt a guest, and wait until its power is off"),
    "restart": Command("wagman.cli.actions", "halt a guest, power-cycle it, and wait until it is up"),
    "kill": Command("wagman.cli.actions", "cut a guest's power now, without asking it to halt"),
    "enable": Command("wagman.cli.actions", "allow that a disabled guest is started again"),
    "disable": Command("wagman.cli.actions", "halt a guest, and keep it off until it is enabled"),
    "test": Command("wagman.cli.drill", "a drill: halt a guest, start it again, say how long each took"),
    "maintenance": Command("wagman.cli.actions", "leave a guest alone while somebody works on it"),
    "hibernate": Command("wagman.cli.hibernate", "stop all guests, until wagman wake"),
    "wake": Command("wagman.cli.hibernate", "start the guests again after wagman hibernate"),
    "ping": Command("wagman.cli.ping", "give a heartbeat on a guest's behalf"),
    "events": Command("wagman.cli.events", "what happened, oldest first"),
    "why": Command("wagman.cli.why", "why a guest is as it is, and what comes next"),
    "report": Command("wagman.cli.report", "how long each guest was up, and what took it down"),
    "top": Command("wagman.cli.top", "a live view of everything"),
    "board": Command("wagman.cli.board", "send the board a raw command"),
    "run": Command("wagman.cli.local", "run the service, in the foreground"),
    "demo": Command("wagman.cli.local", "show the service at work on fake hardware"),
    "fake-board": Command("wagman.cli.local", "run a fake board, on a pty"),
    "simulate": Command("wagman.cli.local", "run the whole service in virtual time, with faults"),
    "init": Command("wagman.cli.local", "write a configuration, from options or from questions"),
    "probe": Command("wagman.cli.local", "ask every source, witness and board once, and switch nothing"),
    "doctor": Command("wagman.cli.local", "find what would not work in an emergency"),
    "metrics": Command("wagman.cli.local", "show the figures of the service to Prometheus"),
    "notify": Command("wagman.cli.local", "tell people of problems, by mail or otherwise"),
    "fleet": Command("wagman.cli.local", "bring many nodes together at one MQTT broker"),
    "check-config": Command("wagman.cli.local", "find the errors in a configuration file"),
    "install-service": Command("wagman.cli.local", "install the service under systemd, or remove it"),
    "completion": Command("wagman.cli.completion", "print the script that completes commands in your shell"),
}


UNTOLD_CODES = {"check": 3, "doctor": 3}
"""The exit code of a command that cannot tell its verdict, because of its command line or where its output goes.

For a monitoring system 1 would be a warning, 2 critical, and 3 is unknown.
"""


GROUPS = {
    "look after the guests": ("status", "why", "start", "stop", "restart", "kill", "enable", "disable", "maintenance", "test"),
    "look after the node": ("check", "top", "events", "report", "hibernate", "wake", "ping", "board"),
    "have others told": ("metrics", "notify", "fleet"),
    "set it up": ("init", "check-config", "probe", "doctor", "install-service", "run", "completion"),
    "try it, and develop it": ("demo", "fake-board", "simulate"),
}
"""The commands by what they are for, in the order in which somebody looks for one at night."""

BEGINNING = """begin with:
  wagman status          what is wrong, and what to do
  wagman why gn          why gn is as it is (gn: a name from the status)
  wagman start --help    every command has examples
  wagman demo            see it at work, without any hardware"""
"""The end of the overview: what was printed last is read first."""


NEVER_MEANT = "--force"
"""The option that no error suggests: who mistypes another one has not decided to override a guard."""


class CommandParser(ArgumentParser):
    """A parser that adds its command's arguments when it is first used, and reports errors in one line."""

    def __init__(self, *args: Any, command: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, "formatter_class": RawDescriptionHelpFormatter, **kwargs})
        self.command = self._unlearnt = command

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Add the arguments, then parse. The parser of a command itself reports the words that it does not know."""
        self.learn()
        if not self.command:
            self._check_first(args)
        known, unknown = super().parse_known_args(args, namespace)
        if unknown and self.command:
            options = self._option_string_actions.keys() - {NEVER_MEANT}
            self.error(f"unrecognized arguments: {' '.join(unknown)}{did_you_mean(unknown[0], options)}")
        return known, unknown

    def _check_first(self, args: Sequence[str]) -> None:
        """Check that no option of a command is in front of it: its value would be taken for the command."""
        option = args[0].partition("=")[0] if args else ""
        if option.startswith("-") and option != "--" and option not in self._option_string_actions:
            self.error(f"unknown option {option!r}: options of a command, such as --socket, stand behind the command")

    def _check_value(self, action: Action, value: Any) -> None:
        """Check a choice. The error is one short line with the most similar word, or with all of them."""
        if action.choices is not None and value not in action.choices:
            kind = "command" if action.metavar == "COMMAND" else "choice"
            known = [str(each) for each in action.choices]
            more = did_you_mean(str(value), known) or ("" if kind == "command" else f": there is {', '.join(known)}")
            raise ArgumentError(None if kind == "command" else action, f"unknown {kind} {value!r}{more}")

    def learn(self) -> None:
        """Import the command and add its arguments, if that has not been done."""
        command, self._unlearnt = self._unlearnt, ""
        if command:
            module = import_module(COMMANDS[command].module)
            self.set_defaults(run=module.run)
            module.add_arguments(self, command)

    def format_help(self) -> str:
        """Return the help, with the command's text below the options; that text is imported only here."""
        self.epilog = import_module("wagman.cli.help").about(self.command) if self.command else overview()
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        """Raise the error as one line, with where to read on."""
        raise CommandError(f"{message}; see {self.prog} --help", UNTOLD_CODES.get(self.command, USAGE))


def build() -> tuple[CommandParser, dict[str, CommandParser]]:
    """Return the whole parser, and the parsers of the commands by name."""
    usage = "wagman [-h] [--version] COMMAND ..."
    parser = CommandParser(
        prog="wagman", usage=usage, description="Keeps the guest computers of a node alive through whatever switches their power."
    )
    parser.add_argument("--version", action="version", version=f"wagman {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, help=SUPPRESS, prog="wagman")
    return parser, {
        name: commands.add_parser(name, command=name, description=_sentence(command.summary))
        for name, command in COMMANDS.items()
    }


def overview() -> str:
    """Return all commands, by group."""
    width = max(map(len, COMMANDS)) + 2
    groups = (
        "\n".join([f"{group}:", *(f"  {name:<{width}}{COMMANDS[name].summary}" for name in names)])
        for group, names in GROUPS.items()
    )
    return "\n\n".join([*groups, BEGINNING])


def parse(argv: Sequence[str]) -> Namespace:
    """Return the parsed arguments; `run` among them is the function to call with them.

    Raises:
        CommandError: they make no sense.
    """
    parser, _ = build()
    return parser.parse_args(argv)


def _sentence(summary: str) -> str:
    return f"{summary[0].upper()}{summary[1:]}."
