"""`wagman completion`: what a shell needs to complete commands, options and device names.

The shells' own part is a few lines each: they ask `wagman completion --words ...` for what could come next, so that the
parser is the only place that knows it.
"""

from argparse import REMAINDER, Action, ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from itertools import pairwise

from wagman.cli.client import Client, default_socket
from wagman.cli.outcome import DONE, USAGE, CommandError

ANSWER_S = 0.5
"""How long a shell is kept waiting for device names (chosen)."""

SCRIPTS = {
    "bash": """\
# wagman completion bash > /etc/bash_completion.d/wagman
_wagman() {
    mapfile -t COMPREPLY < <(wagman completion --words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _wagman wagman
""",
    "zsh": """\
#compdef wagman
# wagman completion zsh > a directory of $fpath, as _wagman
_wagman() {
    local -a found
    found=("${(@f)$(wagman completion --words "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    [[ -n $found[1] ]] && compadd -a found || _files
}
[[ $funcstack[1] = _wagman ]] && _wagman "$@" || compdef _wagman wagman
""",
    "fish": """\
# wagman completion fish > ~/.config/fish/completions/wagman.fish
complete -c wagman -a '(wagman completion --words (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
""",
}


def add_arguments(parser: ArgumentParser, _command: str) -> None:
    """What it takes."""
    parser.add_argument("shell", nargs="?", choices=tuple(SCRIPTS), help="whose script is printed")
    parser.add_argument("--words", nargs=REMAINDER, help="print what the last of these words can become (the scripts use this)")


def run(args: Namespace) -> int:
    """Print the script, or the candidates."""
    if args.words is not None:
        print("\n".join(candidates(args.words)))
    elif args.shell is None:
        raise CommandError(f"which shell? One of {', '.join(SCRIPTS)}", USAGE)
    else:
        print(SCRIPTS[args.shell], end="")
    return DONE


def candidates(words: Sequence[str]) -> list[str]:
    """What the last of the words after `wagman` can become."""
    from wagman.cli.parser import COMMANDS, build  # noqa: PLC0415 - the parser imports this module by its table only

    *before, begun = words or [""]
    _, parsers = build()
    command = next((word for word in before if word in COMMANDS), None)
    if command is None:
        return _beginning(begun, COMMANDS)
    parsers[command].learn()
    return _beginning(begun, _next_words(parsers[command]._actions, before, begun))  # noqa: SLF001 - argparse tells it nowhere else


def _next_words(actions: Sequence[Action], before: Sequence[str], begun: str) -> Iterable[str]:
    """Options, after a dash; the values of an option, after it; else devices or choices."""
    if begun.startswith("-"):
        return [option for action in actions for option in action.option_strings]
    valued = next((each for each in actions if before[-1] in each.option_strings and each.nargs != 0), None)
    positional = next((each for each in actions if not each.option_strings), None)
    action = valued or positional
    if action is None:
        return []
    if action.choices:
        return [str(each) for each in action.choices]
    return _devices(before) if action.metavar in ("DEVICE", "D") else []


def _devices(before: Sequence[str]) -> list[str]:
    """The devices of the running service; without one, none."""
    path = next((path for option, path in pairwise(before) if option == "--socket"), default_socket())
    try:
        with Client(path) as client:
            status = client.call("status", within_s=ANSWER_S)
    except CommandError:
        return []  # a shell is no place for complaints
    return [*(row["name"] for row in status["devices"]), "all"]


def _beginning(begun: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word.startswith(begun)]
