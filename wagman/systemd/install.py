"""`wagman install-service`: put in place what the service needs of systemd, show it beforehand, take it away again.

It may be run again at any time: what is as it should be is left alone, a file of ours that was changed is written anew, and the
operator's configuration never. It starts nothing but the watch for a shutdown: which guests there are, the operator has to say
first. An upgrade is the new version, this command, and a restart of the service.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path

from wagman.cli.completion import SCRIPTS
from wagman.systemd.steps import Enabled, File, InstallError, Link, Step, Target, User

UNITS = ("wagman.service", "wagman-poweroff.path")
"""What is enabled."""

HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108 - nothing is put there
"""What the unit hides from the service (ProtectHome, PrivateTmp)."""

COMMAND = "/usr/bin/wagman"
"""What the files as they are shipped call the command."""

NEXT = """\
Next: say which guests there are in /etc/wagman/wagman.toml, then
  wagman check-config /etc/wagman/wagman.toml
  systemctl restart wagman
  systemctl status wagman
Members of the group wagman may control the guests: adduser NAME wagman"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument("--dry-run", action="store_true", help="only show what would be done")
    parser.add_argument("--remove", action="store_true", help="take everything away again, but for what you have edited")
    parser.add_argument("--root", default="/", metavar="DIR", help="the system to install to (default: this one)")


def run(args: argparse.Namespace) -> int:
    """Do it, and say what was done."""
    target = Target(Path(args.root))
    try:
        work = removal(target) if args.remove else installation(target)
        done = [perform(what, act, is_dry=args.dry_run) for what, act in work]
    except (InstallError, OSError) as error:
        sys.stderr.write(f"wagman: {error}{_hint(error)}\n")
        return 1
    if not done:
        print("nothing to do")
    elif not args.dry_run:
        print(_left_behind(target) if args.remove else NEXT)
    return 0


def perform(what: str, act: Callable[[], None], *, is_dry: bool) -> str:
    """Do one thing, and say so."""
    print(f"would {what}" if is_dry else what, flush=True)
    if not is_dry:
        act()
    return what


def installation(target: Target) -> Iterator[tuple[str, Callable[[], None]]]:
    """What is to be done, in words and in deed, in its order; each is looked at when its turn has come."""
    is_changed = False
    for step in steps(usable(own_command())):
        if what := step.plan(target):
            is_changed = True
            yield what, _bound(step.do, target)
    if is_changed and target.is_this:
        yield "have systemd and udev take it over", lambda: take_over(target)


def removal(target: Target) -> Iterator[tuple[str, Callable[[], None]]]:
    """The same backwards."""
    is_changed = False
    for step in reversed(steps(own_command())):
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
    """Have what read the old files read them anew."""
    target.run("systemctl", "daemon-reload")
    if Path("/run/udev/control").exists():
        target.run("udevadm", "control", "--reload")
        target.run("udevadm", "trigger", "--subsystem-match=tty", "--action=change")


def steps(command: str) -> Sequence[Step]:
    """All of it, in the order in which it is put in place."""
    return (
        File("/etc/sysusers.d/wagman.conf", data("wagman.sysusers")),
        User("wagman", "/etc/sysusers.d/wagman.conf"),
        File("/etc/udev/rules.d/60-wagman.rules", data("60-wagman.rules")),
        File("/etc/wagman/wagman.toml", data("wagman.toml"), is_yours=True),
        Link("/usr/local/bin/wagman", command),
        File("/etc/bash_completion.d/wagman", SCRIPTS["bash"]),
        File("/usr/local/share/zsh/site-functions/_wagman", SCRIPTS["zsh"]),
        File("/etc/fish/completions/wagman.fish", SCRIPTS["fish"]),
        File("/etc/systemd/system/wagman-poweroff.service", data("wagman-poweroff.service")),
        File("/etc/systemd/system/wagman-poweroff.path", data("wagman-poweroff.path")),
        File("/etc/systemd/system/wagman.service", data("wagman.service").replace(COMMAND, command)),
        Enabled(UNITS),
    )


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
    left = [path for path in ("/etc/wagman", "/var/lib/wagman") if target.path(path).exists()]
    return f"left in place, remove it by hand if you do not need it: {' '.join(left)}" if left else "all of it is gone"


def _hint(error: Exception) -> str:
    return ": run it as root" if isinstance(error, PermissionError) else ""
