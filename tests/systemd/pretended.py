"""A folder that stands for a system, for `wagman install-service`: the system's own commands are pretended."""

import argparse
from pathlib import Path
from typing import Any

from wagman.cli.parser import parse
from wagman.systemd.steps import Target


def pretend(target: Target, *command: str) -> None:
    """What the system's own commands would do."""
    passwd = target.path("/etc/passwd")
    group = target.path("/etc/group")
    match Path(command[0]).name, *command[1:]:
        case "systemd-sysusers", *_:
            add(passwd, "wagman:x:999:999:Wagman service:/var/lib/wagman:/usr/sbin/nologin\n")
            for name, number in (("wagman", 999), ("wagman-operate", 998), ("wagman-read", 997)):
                add(group, f"{name}:x:{number}:\n")
        case "userdel", *_:
            (gid,) = (line.split(":")[3] for line in passwd.read_text().splitlines() if line.startswith("wagman:"))
            take(passwd, "wagman:")
            if "USERGROUPS_ENAB yes" in target.path("/etc/login.defs").read_text():
                take(group, f"wagman:x:{gid}:\n")  # one with members stays, or one that is not the user's
        case "groupdel", *_, name:
            take(group, f"{name}:")
        case "usermod", *_, "--gid", "0", "wagman":
            passwd.write_text(passwd.read_text().replace(":999:1007:", ":999:0:"))
        case other:
            raise AssertionError(other)


def add(file: Path, line: str) -> None:
    """A line with a name that is there already is not added."""
    if line.partition(":")[0] not in [each.partition(":")[0] for each in file.read_text().splitlines()]:
        file.write_text(file.read_text() + line)


def take(file: Path, beginning: str) -> None:
    file.write_text("".join(line for line in file.read_text().splitlines(keepends=True) if not line.startswith(beginning)))


def wagman(root: Path, *options: str) -> int:
    arguments = parse(["install-service", "--root", str(root), *options])
    assert isinstance(arguments, argparse.Namespace)
    return int(arguments.run(arguments))


def everything(root: Path) -> dict[str, Any]:
    """What is there, with its content and its time: what was written again shows."""
    found = sorted(path for path in root.rglob("*") if path.is_symlink() or path.is_file())
    return {str(path.relative_to(root)): path.readlink() if path.is_symlink() else path.stat().st_mtime_ns for path in found}


def accounts(root: Path) -> str:
    return (root / "etc/passwd").read_text() + (root / "etc/group").read_text()
