"""The checks that depend on who looks, and from where: what may be read, written, run and reached."""

import grp
import os
import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from wagman.api.access import group_access
from wagman.config.as_user import SEARCH_PATH, own_account
from wagman.config.installer import installer
from wagman.config.load import load
from wagman.config.schema import Config
from wagman.config.whole import BESIDE, files
from wagman.doctor.devices import group_name, ports
from wagman.doctor.files import read, runnable
from wagman.doctor.found import Found
from wagman.doctor.state import state
from wagman.doctor.ways import reached
from wagman.model.errors import ConfigError
from wagman.model.words import counted
from wagman.store.owner import user_name

MOST_PROBLEMS = 10
"""How many errors of a file are shown (chosen); `wagman check-config` shows all."""

LISTS = "wagman check-config shows all that is wrong with it"


def look(path: str, search: str = SEARCH_PATH) -> list[Found]:
    """Make all of these checks, for the configuration at `path`; `search` names the directories that have the commands."""
    try:
        config = load(path)
    except ConfigError as error:
        do = _let_in(path)
        return [Found("configuration", "wrong", each, do or LISTS, bool(do)) for each in error.problems[:MOST_PROBLEMS]]
    number = f"{counted(len(config.boards), 'board')}, {counted(len(config.guests), 'guest')}"
    first = Found("configuration", "ok", f"{path} can be read and is right: {number}")
    checks: dict[str, Callable[[], Iterable[Found]]] = {
        "group": lambda: groups(config),
        "port": lambda: ports(config),
        "command": lambda: runnable(path, search),
        "file": lambda: read(config),
        "way": lambda: reached(config),
        "state": lambda: state(config),
    }
    return [first, *(each for name, check in checks.items() for each in contained(name, check))]


def _let_in(path: str) -> str:
    """Return the commands that let this user read the file; an empty text if that is not the problem."""
    try:
        for each in files(path):
            with suppress(FileNotFoundError):
                Path(each).open("rb").close()
    except PermissionError as error:
        where = shlex.quote(own_account().obstacle(error.filename))
        return f"chgrp {group_name(os.getegid())} {where}; chmod g+rX {where}"
    except ConfigError as error:
        if not isinstance(error.__cause__, PermissionError):
            return ""
        where = shlex.quote(str(Path(path).parent / BESIDE))
        return f"chgrp {group_name(os.getegid())} {where}; chmod g+rX {where}"
    except (OSError, ValueError):
        return ""
    return ""


def contained(name: str, check: Callable[[], Iterable[Found]]) -> list[Found]:
    """Return the results of a check. A check that crashes becomes a result of its own, and prevents no other."""
    found = list[Found]()
    try:
        found.extend(check())
    except Exception as error:  # noqa: BLE001 - it is told, and what is not known is not wrong
        text = f"the check {name} failed by itself: {type(error).__name__}: {error}"
        found.append(Found(name, "unknown", text, "report it, with what wagman doctor --bundle FILE writes"))
    return found


def groups(config: Config) -> Iterator[Found]:
    """Check the groups in the configuration, and whether the service can give its socket to the control group."""
    try:
        access, warnings = group_access(config.service)
    except ConfigError as error:
        do = f"groupadd --system makes a group; {installer()} wagman's own"
        yield from (Found("group", "wrong", each, do) for each in error.problems)
        return
    for each in warnings:
        yield Found("group", "warning", each, f"{installer()} makes that group")
    if access.control_gid is not None:
        yield _member(config.service.control_group, access.control_gid)


def _member(name: str, gid: int) -> Found:
    user = user_name(os.geteuid())
    if os.geteuid() == 0 or gid in {os.getegid(), *os.getgroups()}:
        members = ", ".join(sorted(grp.getgrgid(gid).gr_mem)) or "nobody is a member of it"
        return Found("group", "ok", f"the group {name} may control the guests: {members}")
    text = f"{user} is no member of the group {name}, and cannot give the socket to it"
    return Found(
        "group", "wrong", text, f"usermod --append --groups {name} {user}; then systemctl restart wagman", for_want_of_right=True
    )
