"""`wagman install-service`: put in place what the service needs of systemd, show it beforehand, take it away again.

It may be run again at any time: what is as it should be is left alone, a file of ours that was changed is written anew, and the
operator's configuration never. It starts nothing but the watch for a shutdown: which guests there are, the operator has to say
first. An upgrade is the new version, this command, and a restart of the service.

A removal undoes what was done here and nothing else; what cannot be undone keeps nothing else from it, and is said at the end.
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
"""What is enabled."""

SYSUSERS = "/etc/sysusers.d/wagman.conf"
UNIT = "/etc/systemd/system/wagman.service"
CONFIG = "/etc/wagman/wagman.toml"
STATE = "/var/lib/wagman"

EXTRAS: Sequence[Bridge | Page] = (*BRIDGES, Page(CONFIG))
"""What is put in place where it is asked for."""

USER = User("wagman", SYSUSERS, ("wagman-operate", "wagman-read"))

WITHOUT_SERVICE = """\
This computer gets its power from the board (self = true). Without the service the board power-cycles it within the hour,
and every hour from then on, until wagman runs again or the computer is fed from elsewhere."""

HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108 - nothing is put there
"""What the unit hides from the service (ProtectHome, PrivateTmp)."""

COMMAND = "/usr/bin/wagman"
"""What the files as they are shipped call the command."""

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
    parser.add_argument("--remove", action="store_true", help="take everything away again, but for what you have edited")
    parser.add_argument("--yes", action="store_true", help="do not ask, where the board will power-cycle this computer")
    parser.add_argument("--root", default="/", metavar="DIR", help="the system to install to (default: this one)")


def run(args: argparse.Namespace) -> int:
    """Do it, and say what was done."""
    target = Target(Path(args.root).resolve())
    if not target.root.is_dir():
        raise CommandError(f"--root: {target.root} is no directory", USAGE)
    if is_packaged(target):
        return _beside_the_package(target, args)
    return remove(target, args) if args.remove else install(target, args)


def _beside_the_package(target: Target, args: argparse.Namespace) -> int:
    """Nothing is put in place beside a Debian package; what was there before is taken away, but for the accounts, which it uses.

    Raises:
        CommandError: nothing of ours is there, or it is asked to put more there.
    """
    if not args.remove or not target.place(UNIT).exists():
        raise CommandError(REFUSAL, REFUSED)
    return remove(target, args)


def install(target: Target, args: argparse.Namespace) -> int:
    """Step by step; what fails ends it, for the later steps build on the earlier ones."""
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
    """Whether the service has no place here: it is not here, and nothing that works beside it is asked for."""
    needs_it = not asked or any(extra.is_beside_service for extra in asked)
    return not needs_it and not target.place(UNIT).exists()


def remove(target: Target, args: argparse.Namespace) -> int:
    """Every step, whatever became of the others."""
    if not args.dry_run:
        confirm(target, is_sure=args.yes)
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
        print(_left_behind(target))
    for failure in failures:
        complain(failure)
    return FAILED if failures else DONE


def confirm(target: Target, *, is_sure: bool) -> None:
    """Without the service the board power-cycles a computer that gets its power from it: that is asked about.

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
    """Whether the board watches this computer; a configuration that cannot be read may well say so."""
    try:
        return any(device.is_self for device in load(str(target.path(CONFIG))).devices)
    except ConfigError:
        return target.path(CONFIG).exists()


def perform(what: str, act: Callable[[], None], *, is_dry: bool) -> str:
    """Do one thing, and say so."""
    print(f"would {what}" if is_dry else what, flush=True)
    if not is_dry:
        act()
    return what


def installation(target: Target, asked: Collection[Bridge | Page]) -> Iterator[tuple[str, Callable[[], None]]]:
    """What is to be done, in words and in deed, in its order; each is looked at when its turn has come."""
    is_changed, is_alone = False, is_elsewhere(target, asked)
    extras = [extra for extra in EXTRAS if extra in asked or extra.is_in_place(target)]
    command = usable(own_command())
    if not is_alone:
        USER.plan(target)  # an account that is somebody else's is a reason to touch nothing
    for step in bare_steps(command, extras) if is_alone else steps(command, extras):
        if what := step.plan(target):
            is_changed = True
            yield what, _bound(step.do, target)
    if is_changed and target.is_this:
        yield "have systemd and udev take it over", lambda: (reload if is_alone else take_over)(target)


def removal(target: Target) -> Iterator[tuple[str, Callable[[], None]]]:
    """The same backwards."""
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
    """The units and the rule count from now on; a board that is plugged in gets its name."""
    reload(target)
    target.run("systemctl", "start", "wagman-poweroff.path")


def reload(target: Target) -> None:
    """Have systemd and udev read their files again."""
    target.run("systemctl", "daemon-reload")
    if Path("/run/udev/control").exists():
        target.run("udevadm", "control", "--reload")
        target.run("udevadm", "trigger", "--subsystem-match=tty", "--action=change")


def steps(command: str, extras: Collection[Bridge | Page]) -> Sequence[Step]:
    """All of it, with these programs, in the order in which it is put in place."""
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
    """The same where the service has no place."""
    return (*command_steps(command), *extra_steps(command, extras))


def command_steps(command: str) -> Sequence[Step]:
    """What somebody types, and what completes it."""
    return (
        Link("/usr/local/bin/wagman", command),
        File("/etc/bash_completion.d/wagman", SCRIPTS["bash"]),
        File("/usr/local/share/zsh/site-functions/_wagman", SCRIPTS["zsh"]),
        File("/etc/fish/completions/wagman.fish", SCRIPTS["fish"]),
    )


def extra_steps(command: str, extras: Collection[Bridge | Page]) -> Sequence[Step]:
    """The programs beside the service, and the page."""
    return [step for each in extras for step in each.steps(lambda name: data(name).replace(COMMAND, command))]


def data(name: str) -> str:
    """A file as it is shipped."""
    return files("wagman.systemd").joinpath("data", name).read_text(encoding="utf-8")


def own_command() -> str:
    """The `wagman` command of this installation."""
    return str(Path(sys.executable).with_name("wagman"))


def usable(command: str) -> str:
    """The same, if the service can run it.

    Raises:
        InstallError: there is none, or the service could not reach it.
    """
    if not os.access(command, os.X_OK):
        raise InstallError(f"there is no command {command}: install wagman with pip into a virtual environment first")
    for path in (Path(command), Path(sys.executable).resolve()):
        if any(path.is_relative_to(hidden) for hidden in HIDDEN):
            raise InstallError(f"{path}: the service is kept from seeing that: use a virtual environment such as /opt/wagman")
        if any(letter in str(path) for letter in " \t%$\"'\\"):
            raise InstallError(f"{path}: systemd would misread that path: use one such as /opt/wagman")
    return command


def _left_behind(target: Target) -> str:
    kept = (str(Path(CONFIG).parent), STATE, *(bridge.state for bridge in BRIDGES), RECORD)
    left = [path for path in kept if target.place(path).exists()]
    return f"left in place, remove it by hand if you do not need it: {' '.join(left)}" if left else "all of it is gone"


def complain(error: Exception) -> None:
    """In one line."""
    hint = ": run it as root" if isinstance(error, PermissionError) else ""
    sys.stderr.write(f"wagman: {error}{hint}\n")
