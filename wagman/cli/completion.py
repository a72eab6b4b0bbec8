"""`wagman completion`: shell completion of commands, options and names of guests.

The script for each shell is a few lines that ask `wagman completion --words ...` for what could come next, so that the parser is
the only place that knows the command line.
"""

from argparse import REMAINDER, Action, ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal

from wagman.cli.local import PROFILES, SCENARIOS
from wagman.cli.outcome import DONE, FAILED, USAGE, CommandError
from wagman.client.blocking import Client, default_socket
from wagman.client.errors import ClientError

ANSWER_S = 0.5
"""How long a shell may have to wait for the names of guests (chosen)."""

FILES = FAILED
"""The exit code at which the shell offers file names. With 0 it offers what was printed, also if that is nothing."""

SCRIPTS = {
    "bash": """\
# wagman completion bash > /etc/bash_completion.d/wagman
_wagman() {
    local found
    found=$(wagman completion --words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) || return
    compopt +o default 2>/dev/null
    [[ -z $found ]] || mapfile -t COMPREPLY <<<"$found"
}
complete -o default -F _wagman wagman
""",
    "zsh": """\
#compdef wagman
# wagman completion zsh > a directory of $fpath, as _wagman
_wagman() {
    local found
    found=$(wagman completion --words "${(@)words[2,CURRENT]}" 2>/dev/null) || { _files; return }
    local -a each
    each=("${(@f)found}")
    [[ -z $found ]] || compadd -a each
}
[[ $funcstack[1] = _wagman ]] && _wagman "$@" || compdef _wagman wagman
""",
    "fish": """\
# wagman completion fish > ~/.config/fish/completions/wagman.fish
function __wagman_words
    set -l found (wagman completion --words (commandline -opc)[2..] (commandline -ct) 2>/dev/null)
    or begin
        __fish_complete_path (commandline -ct)
        return
    end
    string join \\n -- $found
end
complete -c wagman -f -a '(__wagman_words)'
""",
}

PLACES = ("FILE", "PATH", "SOCKET", "DIR")
"""The names that options and arguments have in the help if they take a file name."""


def add_arguments(parser: ArgumentParser, _command: str) -> None:
    """Add the arguments of the command."""
    parser.add_argument("shell", nargs="?", choices=tuple(SCRIPTS), help="the shell that the script is for")
    parser.add_argument("--words", nargs=REMAINDER, help="print what the last of these words can become (the scripts use this)")


def run(args: Namespace) -> int:
    """Print the script, or the candidates."""
    if args.words is not None:
        found = candidates(args.words)
        print(*(f"{each}\n" for each in found or ()), sep="", end="")
        return FILES if found is None else DONE
    if args.shell is None:
        raise CommandError(f"which shell? One of {', '.join(SCRIPTS)}", USAGE)
    print(SCRIPTS[args.shell], end="")
    return DONE


def candidates(words: Sequence[str]) -> list[str] | None:
    """Return what the last of the words after `wagman` can become; None if it is a file name."""
    from wagman.cli.parser import COMMANDS, build  # noqa: PLC0415 - the parser imports this module by its table only

    *before, begun = _whole(words)
    _, parsers = build()
    command = next((word for word in before if word in COMMANDS), None)
    if command is None:
        return _beginning(begun, COMMANDS)
    parsers[command].learn()
    option, is_joined, value = begun.partition("=")
    if begun.startswith("--") and is_joined:  # --option=value
        before, begun = [*before, option], value
    found = _next_words(parsers[command]._actions, before, begun)  # noqa: SLF001 - argparse tells it nowhere else
    return None if found is None else [f"{option}={each}" if is_joined else each for each in _beginning(begun, found)]


def _whole(words: Sequence[str]) -> list[str]:
    """Join what bash cuts: `--option=value` comes as three words, so the last word may be a value that has yet to begin."""
    ends = words[-1:] == ["="]
    return [*(word for word in words if word != "="), *([""] if ends or not words else [])]


def _next_words(actions: Sequence[Action], before: Sequence[str], begun: str) -> Iterable[str] | None:
    """Return the options after a dash, the values after an option, else the values of the argument; None for a file name."""
    if begun.startswith("-"):
        return [option for action in actions for option in action.option_strings]
    valued = next((each for each in actions if before[-1] in each.option_strings and each.nargs != 0), None)
    positional = next((each for each in actions if not each.option_strings), None)
    action = valued or positional
    if action is None:
        return []
    if action.choices:
        return [str(each) for each in action.choices]
    name = action.metavar[0] if isinstance(action.metavar, tuple) else action.metavar
    return None if name in PLACES else _values(name, before)


def _values(name: str | None, before: Sequence[str]) -> Iterable[str]:
    """Return the possible values of an argument that has this name in the help."""
    match name:
        case "GUEST" | "D":
            names = _names(before, "devices")
            return [*names, "all"] if names else []
        case "BOARD":
            return _names(before, "boards")
        case "T":
            from wagman.model.catalogue import EVENT_TYPES  # noqa: PLC0415 - it is large

            return [*EVENT_TYPES, *dict.fromkeys(each.partition(".")[0] for each in EVENT_TYPES)]
        case "PROFILE":
            return PROFILES
        case "NAME":
            return SCENARIOS
    return []


def _names(before: Sequence[str], of: Literal["devices", "boards"]) -> list[str]:
    """Return the names of the guests or the boards of the running service; none if it cannot be asked."""
    path = next((path for option, path in pairwise(before) if option == "--socket"), default_socket())
    try:
        with Client(path) as client:
            status = client.call("status", within_s=ANSWER_S)
    except ClientError:
        return []  # a shell is no place for complaints
    return [row["name"] for row in status[of]]


def _beginning(begun: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word.startswith(begun)]
