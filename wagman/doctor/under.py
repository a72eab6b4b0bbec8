"""The user for the checks that depend on it: the service's user under the unit's sandbox, as far as possible.

The sandbox has those settings of the unit that restrict the service, and its user. Settings that make or remove something are
left out: a directory that the unit would make is only opened to the checks.
"""

import json
import os
import re
import sys
from collections.abc import Iterator

from attrs import asdict, frozen

from wagman.config.as_user import SEARCH_PATH, SERVICE_USER, Account, account_of, own_account
from wagman.config.installer import installer
from wagman.doctor.asking import UnseenError, output
from wagman.doctor.found import Found
from wagman.doctor.inside import look
from wagman.doctor.unit import Unit, settings, user

LOOK_S = 60.0
"""How long the checks may take under the sandbox (chosen: each has a bound of its own, and together they take less)."""

TAKEN = re.compile(
    r"User|Group|SupplementaryGroups|UMask|DynamicUser|Device(?:Policy|Allow)"
    r"|AmbientCapabilities|CapabilityBoundingSet|SecureBits|LockPersonality|MemoryDenyWriteExecute|NoNewPrivileges|ProcSubset"
    r"|(?:Private|Protect|Restrict)[A-Za-z]+|SystemCall(?:Filter|Architectures|ErrorNumber)|RootDirectory|MountAPIVFS"
    r"|(?:ReadWrite|ReadOnly|Inaccessible|Exec|NoExec)Paths|Bind(?:ReadOnly)?Paths|TemporaryFileSystem"
    r"|LoadCredential(?:Encrypted)?|IPAddress(?:Allow|Deny)"
)
"""The settings of the unit that are taken over. Not SetCredential and Environment: a list of processes would show them."""

OPENED = {
    "StateDirectory": "/var/lib",
    "RuntimeDirectory": "/run",
    "CacheDirectory": "/var/cache",
    "LogsDirectory": "/var/log",
}
"""Directories that systemd makes and may remove for the service. Existing ones are opened to the checks, and nothing is made."""

_SPECIFIERS = {"%%": "%", "%n": "wagman.service", "%N": "wagman", "%p": "wagman", "%t": "/run", "%S": "/var/lib"}


@frozen
class Looked:
    """The results, and the user who looked."""

    whom: str  # for people
    found: tuple[Found, ...]
    is_as_service: bool = False  # as the service's user
    is_sandboxed: bool = False


def looked(path: str, unit: Unit | None, why_no_unit: str) -> Looked:
    """Make the checks for the configuration at `path`; `why_no_unit` says why nobody can tell whether there is a unit."""
    name = (user(unit.text) if unit else None) or SERVICE_USER
    account, mine = account_of(name), own_account()
    search = _search(unit, why_no_unit)
    if mine.uid != 0:
        return _as_myself(path, search, name, account)
    if account is None:
        text = f"there is no user {name} on this computer: everything was looked at as root, who may do more"
        return Looked("root", (Found("user", "warning", text, f"{installer()} makes that user"), *look(path, search)))
    if unit is None or not unit.is_there:
        return _as_account(path, search, account, why_no_unit)
    try:
        found, left_out = _sandboxed(path, unit.text)
    except UnseenError as error:
        return _as_account(path, search, account, str(error))
    words = f" (but for {', '.join(left_out)})" if left_out else ""
    whom = f"the service's user {name}, under the sandbox of its unit{words}"
    return Looked(whom, tuple(found), is_as_service=True, is_sandboxed=True)


def _search(unit: Unit | None, why_no_unit: str) -> str:
    """Where the service looks for commands: where systemd has it look; started by hand, where whoever starts it does."""
    is_by_hand = not why_no_unit and (unit is None or not unit.is_there)
    return os.environ.get("PATH", os.defpath) if is_by_hand else SEARCH_PATH


def _as_myself(path: str, search: str, name: str, account: Account | None) -> Looked:
    found = tuple(look(path, search))
    mine = own_account()
    if account is not None and account.uid == mine.uid:
        text = "what the sandbox of the unit keeps from the service was not looked at: only root can"
        return Looked(
            f"the service's user {name}", (Found("user", "unknown", text, "as root: wagman doctor"), *found), is_as_service=True
        )
    text = f"what the service's user {name} may do was not looked at: only root can"
    first = Found("user", "unknown", text, "as root: wagman doctor")
    return Looked(mine.name, (first, *(each.of_another() for each in found)))


def _as_account(path: str, search: str, account: Account, why: str) -> Looked:
    """Make the checks as the service's user, without the sandbox."""
    told = account.ask(lambda: [asdict(each) for each in look(path, search)])
    if told is None:
        text = f"nothing could be looked at as the user {account.name}: it was looked at as root, who may do more"
        return Looked("root", (Found("user", "unknown", text), *look(path, search)))
    if why:
        found = Found("user", "unknown", f"what the sandbox of the unit keeps from the service was not looked at: {why}")
    else:
        found = Found("user", "ok", f"there is no unit here, and so no sandbox: it was looked at as the user {account.name}")
    return Looked(f"the service's user {account.name}", (found, *(Found(**each) for each in told)), is_as_service=True)


def _sandboxed(path: str, text: str) -> tuple[list[Found], list[str]]:
    """Make the checks under the sandbox; return the results, and the settings that could not be taken over.

    Raises:
        UnseenError: it could not be done.
    """
    taken, left_out = sandbox(text)
    command = (
        *("systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--service-type=exec"),
        *(f"--property={key}={value}" for key, value in taken),
        *(f"--property=RuntimeMaxSec={LOOK_S:g}s", "--", sys.executable, "-P", "-m", "wagman.doctor", path),
    )
    try:
        return [Found(**each) for each in json.loads(output(*command, within_s=LOOK_S + 5))], left_out
    except (ValueError, TypeError) as error:
        raise UnseenError("what was run under it did not answer") from error


def sandbox(text: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the settings of the unit to take over, in their order, and the names of those that cannot be."""
    taken, left_out = list[tuple[str, str]](), list[str]()
    for key, value in settings(text):
        if key in OPENED and value:
            taken.append(("ReadWritePaths", " ".join(_opened(key, value))))
        elif TAKEN.fullmatch(key):
            plain = _expanded(value)
            if plain is None:
                left_out.append(key)
            else:
                taken.append((key, plain))
    return taken, left_out


def _opened(key: str, value: str) -> Iterator[str]:
    """Yield the paths to open; the minus makes systemd ignore a missing one."""
    yield from (f"-{OPENED[key]}/{name.partition(':')[0]}" for name in value.split())


def _expanded(value: str) -> str | None:
    """Return the value with its specifiers expanded, which systemd-run does not do; None if one is not known here."""
    known = re.sub("%.", lambda found: _SPECIFIERS.get(found[0], "\0"), value)
    return None if "\0" in known else known
