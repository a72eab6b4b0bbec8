"""`wagman fake-board`: the command line of the fake board, and its client.

Nothing heavy is imported at the top: `--send` is meant as a shutdown command, and has to be as fast as one.
"""

import argparse
import json
import socket
import sys
from pathlib import Path

from wagman.model.sockets import obstacle

DIALECTS = ("v3", "v4")

MAX_SPEED = 1000
"""The highest speed; a slow or busy machine keeps up with it (measured: 37,000 on an idle one)."""

SEND_TIMEOUT_S = 10.0
"""How long `--send` waits for an answer (chosen)."""

DONE, FAILED, USAGE, UNREACHABLE = 0, 1, 2, 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--link", type=Path, metavar="PATH", help="where to link the board's tty")
    parser.add_argument("--dialect", choices=DIALECTS, default=DIALECTS[0], help="which firmware it runs (default: %(default)s)")
    parser.add_argument("--speed", type=_speed, default=1.0, metavar="N", help="run N times faster than real time")
    parser.add_argument(
        "--guest",
        action="append",
        default=[],
        metavar="D:KEY=VALUE,...",
        help="a guest: gn:boot=30,beat=8 (seconds); also halt, hush, flap, ignore, line, good=emmc,sd",
    )
    parser.add_argument("--control", type=Path, metavar="SOCKET", help="take control commands at this Unix socket")
    parser.add_argument("--state", type=Path, metavar="FILE", help="keep the EEPROM in this file")
    parser.add_argument(
        "--send",
        nargs="+",
        metavar=("SOCKET", "COMMAND"),
        help="send one control command to a running fake board, such as: halt gn",
    )


def _speed(text: str) -> float:
    value = float(text)
    if not 0 < value <= MAX_SPEED:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and up to {MAX_SPEED}")
    return value


def run(args: argparse.Namespace) -> int:
    """Run the fake board, or send it a command; return the exit code."""
    for option, path in (("--send", args.send and args.send[0]), ("--control", args.control)):
        if path and (reason := obstacle(str(path))):
            return _complain(f"{option} {path}: {reason}", USAGE)
    if args.send:
        return _send(args.send[0], " ".join(args.send[1:]))
    if args.link is None:
        return _complain("--link PATH is missing: say where the tty is to be linked", USAGE)
    return _run_board(args)


def _run_board(args: argparse.Namespace) -> int:
    from wagman.fake.standalone import Options, StandaloneError  # noqa: PLC0415 - see the top of this file
    from wagman.fake.standalone import run as run_standalone  # noqa: PLC0415

    options = Options(args.link, args.dialect, args.speed, tuple(args.guest), args.control, args.state)
    try:
        run_standalone(options)
    except StandaloneError as error:
        return _complain(str(error), error.exit_code)
    return DONE


def _send(path: str, command: str) -> int:
    """Print the fake board's answer to one control command."""
    try:
        answer = _ask(path, command)
    except OSError as error:
        return _complain(f"{path}: {error.strerror or error}: is the fake board running?", UNREACHABLE)
    sys.stdout.write(answer)
    return DONE if json.loads(answer).get("ok", True) else FAILED


def _ask(path: str, command: str) -> str:
    """Return the answer, a line; raises OSError if there is none."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(SEND_TIMEOUT_S)
        client.connect(path)
        client.sendall(f"{command}\n".encode())
        with client.makefile(encoding="utf-8") as answers:
            answer = answers.readline()
    if not answer.endswith("\n"):
        raise ConnectionResetError("it ended without an answer")
    return answer


def _complain(message: str, exit_code: int) -> int:
    sys.stderr.write(f"wagman fake-board: {message}\n")
    return exit_code
