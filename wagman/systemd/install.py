"""`wagman install-service`: install what the service needs of systemd, show it beforehand, remove it again.

It may be run at any time: what is right is left alone, a changed file of ours is written anew, and the operator's configuration
is never touched. It starts only the watch for a shutdown: the operator has to configure the guests first. An upgrade is the new
version, this command, and a restart of the service.

A removal undoes what was done here and nothing else. If a step cannot be undone, the others are, and the end says so.
"""

import argparse
import os
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from importlib.resources import files
from pathlib import Path

from wagman.cli.completion import SCRIPTS
from wagman.cli.outcome import DONE, FAILED, REFUSED, USAGE, CommandError
from wagman.config.load import load
from wagman.model.errors import ConfigError
from wagman.systemd.account import RECORD, Record, State, User
from wagman.systemd.bridges import BRIDGES, Bridge
from wagman.systemd.cockpit import Page
from wagman.systemd.packaged import REFUSAL, is_packaged
from wagman.systemd.steps import Enabled, File, InstallError, Link, Step, Target

UNITS = ("wagman.service", "wagman-poweroff.path")
"""The units that are enabled."""

SYSUSERS = "/etc/sysusers.d/wagman.conf"
UNIT = "/etc/systemd/system/wagman.service"
CONFIG = "/etc/wagman/wagman.toml"
STATE = "/var/lib/wagman"

EXTRAS: Sequence[Bridge | Page] = (*BRIDGES, Page(CONFIG))
"""What is installed only if it is asked for."""

USER = User("wagman", SYSUSERS, ("wagman-operate", "wagman-read"))

WITHOUT_SERVICE = """\
This computer gets its power from the board (self = true). Without the service the board power-cycles it within the hour,
and every hour from then on, until wagman runs again or the computer is fed from elsewhere."""

HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108 - nothing is put there
"""What the unit hides from the service (ProtectHome, PrivateTmp)."""

COMMAND = "/usr/bin/wagman"
"""The path of the command in the shipped files."""

NEXT = """\
Next: say which guests there are in /etc/wagman/wagman.toml, then
  wagman check-config /etc/wagman/wagman.toml
  systemctl restart wagman
  systemctl status wagman
Members of the group wagman may control the guests: adduser NAME wagman
Members of wagman-operate may start and stop them, those of wagman-read may look, where the configuration names these groups."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--dry-run", action="store_true", help="only show what would be done")
    for extra in EXTRAS:
        parser.add_argument(f"--{extra.name}", action="store_true", help=extra.text)
    parser.add_argument("--remove", action="store_true", help="remove everything again, except what you have edited")
    parser.add_argument("--yes", action="store_true", help="do not ask, even if the board will power-cycle this computer")
    parser.add_argument("--root", default="/", metavar="DIR", help="the system to install to (default: this one)")


def run(args: argparse.Namespace) -> int:
    """Install or remove, and print what was done."""
    target = Target(Path(args.root).resolve())
    if not target.root.is_dir():
        raise CommandError(f"--root: {target.root} is no directory", USAGE)
    if target.root == Path("/") and os.geteuid() != 0 and not args.dry_run:
        raise CommandError("this changes the system, which only root may: use sudo, or look at it first with --dry-run")
    if is_packaged(target):
        return _beside_the_package(target, args)
    return remove(target, args) if args.remove else install(target, args)


def _beside_the_package(target: Target, args: argparse.Namespace) -> int:
    """Install nothing beside a Debian package; remove what was there before it, but for the accounts, which the package uses.

    Raises:
        CommandError: nothing of ours is there, or more is to be installed.
    """
    if not args.remove or not target.place(UNIT).exists():
        raise CommandError(REFUSAL, REFUSED)
    return remove(target, args)


def install(target: Target, args: argparse.Namespace) -> int:
    """Install step by step. A failure ends it, since later steps build on earlier ones."""
    asked = [extra for extra in EXTRAS if getattr(args, extra.name)]
    told = () if is_elsewhere(target, asked) else (NEXT,)
    try:
        done = [perform(what, act, is_dry=args.dry_run) for what, act in installation(target, asked)]
    except (InstallError, OSError) as error:
        complain(error)
        return FAILED
    if not done:
        print("nothing to do")
    elif not args.dry_run:
        print(*told, *(extra.next_steps for extra in asked), sep="\n")
    return DONE


def is_elsewhere(target: Target, asked: Collection[Bridge | Page]) -> bool:
    """Return whether the service has no place here: it is not installed, and nothing that needs it is asked for."""
    needs_it = not asked or any(extra.is_beside_service for extra in asked)
    return not needs_it and not target.place(UNIT).exists()


def remove(target: Target, args: argparse.Namespace) -> int:
    """Undo all steps, even after failures."""
    if not args.dry_run:
        confirm(target, is_sure=args.yes)
    made = [] if is_packaged(target) else USER.made(target)  # known only as long as the record is there
    count, failures = 0, list[Exception]()
    for what, act in removal(target):
        count += 1
        try:
            perform(what, act, is_dry=args.dry_run)
        except (InstallError, OSError) as error:
            failures.append(error)
    if not count:
        print("nothing to do")
    elif not args.dry_run:
        print(_left_behind(target, USER.still_there(target, made)))
    for failure in failures:
        complain(failure)
    return FAILED if failures else DONE


def confirm(target: Target, *, is_sure: bool) -> None:
    """Ask before the service is removed from a computer that its board power-cycles without the service.

    Raises:
        CommandError: the answer is no, or there is nobody to ask.
    """
    if not (target.is_this and target.place(UNIT).exists() and is_fed(target)):
        return
    sys.stderr.write(f"{WITHOUT_SERVICE}\n")
    if is_sure:
        return
    if not sys.stdin.isatty():
        raise CommandError("nothing was done: wagman install-service --remove --yes does it all the same", USAGE)
    sys.stderr.write("Remove it? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CommandError("nothing was done", REFUSED)


def is_fed(target: Target) -> bool:
    """Return whether the board expects this computer's heartbeat; True for a configuration that cannot be read."""
    try:
        return any(device.is_self for device in load(str(target.path(CONFIG))).devices)
    except ConfigError:
        return target.path(CONFIG).exists()


def perform(what: str, act: Callable[[], None], *, is_dry: bool) -> str:
    """Do one step, and print it."""
    print(f"would {what}" if is_dry else what, flush=True)
    if not is_dry:
        act()
    return what


def installation(target: Target, asked: Collection[Bridge | Page]) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield the steps to do, in words and as functions, in their order. Each is planned when its turn comes."""
    is_changed, is_alone = False, is_elsewhere(target, asked)
    extras = [extra for extra in EXTRAS if extra in asked or extra.is_in_place(target)]
    command = usable(own_command())
    if not is_alone:
        USER.plan(target)  # raises before anything is done if the account belongs to a person
    for step in bare_steps(command, extras) if is_alone else steps(command, extras):
        if what := step.plan(target):
            is_changed = True
            yield what, _bound(step.do, target)
    if is_changed and target.is_this:
        yield "have systemd and udev take it over", lambda: (reload if is_alone else take_over)(target)


def removal(target: Target) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield the steps to undo, in the reverse order."""
    is_changed = False
    kept = (Record, State, User) if is_packaged(target) else ()
    for step in (each for each in reversed(steps(own_command(), EXTRAS)) if not isinstance(each, kept)):
        if what := step.plan_removal(target):
            is_changed = True
            yield what, _bound(step.undo, target)
    if is_changed and target.is_this:
        yield "have systemd and udev forget it", lambda: reload(target)


def _bound(act: Callable[[Target], None], target: Target) -> Callable[[], None]:
    return lambda: act(target)


def take_over(target: Target) -> None:
    """Have the units and the rule take effect: a board that is plugged in gets its name."""
    reload(target)
    target.run("systemctl", "start", "wagman-poweroff.path")


def reload(target: Target) -> None:
    """Have systemd and udev read their files again."""
    target.run("systemctl", "daemon-reload")
    if Path("/run/udev/control").exists():
        target.run("udevadm", "control", "--reload")
        target.run("udevadm", "trigger", "--subsystem-match=tty", "--action=change")


def steps(command: str, extras: Collection[Bridge | Page]) -> Sequence[Step]:
    """Return all steps, for this command, in the order of the installation."""
    return (
        File(SYSUSERS, data("wagman.sysusers")),
        Record(USER),
        State(STATE, USER),
        USER,
        File("/etc/udev/rules.d/60-wagman.rules", data("60-wagman.rules")),
        File(CONFIG, data("wagman.toml"), is_yours=True),
        *command_steps(command),
        File("/etc/systemd/system/wagman-poweroff.service", data("wagman-poweroff.service")),
        File("/etc/systemd/system/wagman-poweroff.path", data("wagman-poweroff.path")),
        File(UNIT, data("wagman.service").replace(COMMAND, command)),
        Enabled(UNITS),
        *extra_steps(command, extras),
    )


def bare_steps(command: str, extras: Collection[Bridge | Page]) -> Sequence[Step]:
    """Return the steps on a computer without the service."""
    return (*command_steps(command), *extra_steps(command, extras))


def command_steps(command: str) -> Sequence[Step]:
    """Return the steps for the command itself, and its completion."""
    return (
        Link("/usr/local/bin/wagman", command),
        File("/etc/bash_completion.d/wagman", SCRIPTS["bash"]),
        File("/usr/local/share/zsh/site-functions/_wagman", SCRIPTS["zsh"]),
        File("/etc/fish/completions/wagman.fish", SCRIPTS["fish"]),
    )


def extra_steps(command: str, extras: Collection[Bridge | Page]) -> Sequence[Step]:
    """Return the steps for the programs beside the service, and the page."""
    return [step for each in extras for step in each.steps(lambda name: data(name).replace(COMMAND, command))]


def data(name: str) -> str:
    """Return a shipped file."""
    return files("wagman.systemd").joinpath("data", name).read_text(encoding="utf-8")


def own_command() -> str:
    """Return the `wagman` command of this installation."""
    return str(Path(sys.executable).with_name("wagman"))


def usable(command: str) -> str:
    """Return the command, if the service can run it.

    Raises:
        InstallError: there is none, or the service could not reach it.
    """
    if not os.access(command, os.X_OK):
        raise InstallError(f"there is no command {command}: install wagman with pip into a virtual environment first")
    python = Path(sys.executable).resolve()
    if hidden := _hiding(Path(command)):
        raise InstallError(f"{command}: the service does not see {hidden}: use a virtual environment such as /opt/wagman")
    if hidden := _hiding(python):
        raise InstallError(
            f"this environment was made with {python}, and the service does not see {hidden}: remove the environment, and "
            "make it anew with /usr/bin/python3 -m venv /opt/wagman"
        )
    for path in (command, str(python)):
        if any(letter in path for letter in " \t%$\"'\\"):
            raise InstallError(f"{path}: systemd would misread that path: use one such as /opt/wagman")
    return command


def _hiding(path: Path) -> str | None:
    """Return the directory that keeps the service from seeing a path."""
    return next((hidden for hidden in HIDDEN if path.is_relative_to(hidden)), None)


def _left_behind(target: Target, accounts: Sequence[str]) -> str:
    kept = (str(Path(CONFIG).parent), STATE, *(bridge.state for bridge in BRIDGES), RECORD)
    left = [path for path in kept if target.place(path).exists()]
    named = ", ".join(filter(None, (USER.words(accounts), " ".join(left))))
    return f"left in place, remove it by hand if you do not need it: {named}" if named else "all of it is gone"


def complain(error: Exception) -> None:
    """Print an error in one line."""
    hint = ": run it as root" if isinstance(error, PermissionError) else ""
    sys.stderr.write(f"wagman: {error}{hint}\n")
