"""The commands that run something here instead of talking to the service. What they run is imported when they are called."""

import gc
import math
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from functools import partial
from importlib import import_module
from typing import Any

CONFIG = "/etc/wagman/wagman.toml"

HOMES = {
    "run": "wagman.service.daemon",
    "demo": "wagman.demo",
    "fake-board": "wagman.fake.process",
    "simulate": "wagman.simulation",
    "init": "wagman.init.command",
    "probe": "wagman.probe.command",
    "doctor": "wagman.doctor.command",
    "metrics": "wagman.bridges.metrics.command",
    "notify": "wagman.bridges.notify.command",
    "fleet": "wagman.bridges.fleet.command",
    "install-service": "wagman.systemd.install",
}
"""The module of each command, with a function `run(args) -> exit code`; `init` has `write(args)`."""

DIFFERENCES = "wagman.probe.differences"
"""The module that asks the boards for `check-config --ask`."""

SCENARIOS = ("mast", "tour", "unplug", "reset")
"""The scenarios of the demonstration, named here because its modules take long to import."""

PROFILES = (
    "none",
    "cable",
    "bytes",
    "board",
    "guests",
    "enclosure",
    "service",
    "memory",
    "operators",
    "orders",
    "plugs",
    "network",
    "everything",
)
"""The profiles of faults of the simulation, named here because its modules take long to import."""

SITES = ("one", "two", "ordered", "many", "plugs", "ways", "mixed")
"""The nodes that the simulation has."""


def add_arguments(parser: ArgumentParser, command: str) -> None:
    """Add the arguments of the command."""
    add = parser.add_argument
    match command:
        case "run":
            add("--config", metavar="FILE", default=CONFIG, help="configuration file (default: %(default)s)")
            add("--speed", type=positive, default=1.0, metavar="N", help="run the clock N times faster; for fake boards only")
        case "demo":
            add(
                "--speed",
                type=positive,
                default=20.0,
                metavar="N",
                help="how many times faster than real time (default: %(default)g)",
            )
            add("--scenario", metavar="NAME", help=f"the story to show: {', '.join(SCENARIOS)} (default: {SCENARIOS[0]})")
            add("--dialect", choices=("v3", "v4"), help="the dialect of the fake Wagman, if the scenario has one (default: v3)")
        case "fake-board" | "install-service" | "init" | "metrics" | "notify" | "fleet":
            import_module(HOMES[command]).add_arguments(parser)
        case "check-config":
            which = parser.add_mutually_exclusive_group()
            which.add_argument("file", metavar="FILE", nargs="?", help=f"the configuration file (default: {CONFIG})")
            which.add_argument("--config", metavar="FILE", help="the same, as the other commands take it")
            add(
                "--state",
                metavar="DIR",
                help="say what the file does with the earlier decisions that are kept in this directory",
            )
            add(
                "--ask",
                action="store_true",
                help="ask the boards, and say in what they differ from the file; nothing is switched",
            )
            add(
                "--user",
                metavar="NAME",
                help="the user whose rights count (default: wagman, if root runs this and there is that user)",
            )
        case "probe":
            add("guest", metavar="GUEST", nargs="?", help="ask only what has to do with this guest")
            add("--config", metavar="FILE", default=CONFIG, help="configuration file (default: %(default)s)")
            add("--json", action="store_true", help="print one JSON document")
        case "doctor":
            add("--config", metavar="FILE", default=CONFIG, help="configuration file (default: %(default)s)")
            add(
                "--bundle",
                metavar="FILE",
                help="also write what a report of a problem needs, without secrets, into this new .tar.gz file",
            )
            add("--json", action="store_true", help="print one JSON document")
        case "simulate":
            add("--days", type=positive, default=1.0, metavar="N", help="how many days of virtual time (default: %(default)g)")
            seed = parser.add_mutually_exclusive_group()
            seed.add_argument("--seed", type=int, metavar="S", help="the seed of everything that is random (default: 1)")
            seed.add_argument("--seeds", metavar="A..B", help="run all of these seeds instead, on several cores")
            add("--jobs", type=whole, metavar="N", help="with --seeds: how many processes (default: one for each core)")
            add("--faults", metavar="PROFILE", help=f"which faults happen: {', '.join(PROFILES)} (default: {PROFILES[-1]})")
            site = parser.add_mutually_exclusive_group()
            site.add_argument("--site", metavar="SITE", help=f"the node: {', '.join(SITES)} (default: {SITES[0]})")
            site.add_argument("--config", metavar="FILE", help="simulate the node that this configuration file describes")
            add("--script", metavar="FILE", help="a file that says what happens, instead of random faults")
            add("--timeline", metavar="FILE", help="draw what happened, as SVG")
            add("--json", action="store_true", help="print one JSON document")


def run(args: Namespace) -> int:
    """Run the command."""
    match args.command:
        case "check-config":
            more = {}
            if args.state is not None:
                more["remember"] = partial(import_module("wagman.store.decisions").told_by, args.state)
            if args.ask:
                more["ask"] = import_module(DIFFERENCES).differences
            return _checked(args.file or args.config or CONFIG, args.user, **more)
        case "init":
            init = import_module(HOMES["init"])
            path = init.write(args)
            code = _checked(path)
            print(init.next_steps(path, CONFIG))
            return code
    return int(_imported(HOMES[args.command]).run(args))


def _imported(name: str) -> Any:
    """Return the module of that name, with all its imports."""
    # Imported objects stay for good: collections that look through them took a twentieth of the time of the imports.
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.enable()


def _checked(path: str, user: str | None = None, **more: Any) -> int:
    judge = import_module(HOMES["run"]).judge
    return int(import_module("wagman.config.check").run(path, judge, CONFIG, user, **more))


def whole(text: str) -> int:
    """Return a whole number above 0; raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def positive(text: str) -> float:
    """Return a finite number above 0; raises ArgumentTypeError."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise ArgumentTypeError(f"{text!r} is not a number above 0")
    return value
