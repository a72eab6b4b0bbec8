"""The serial ports and chips in a configuration: that they exist, are devices, and may be opened by this user.

None of them is opened: opening a serial port moves its control lines, on which a board may restart, which cuts its guests.
"""

import grp
import os
import stat
from collections.abc import Iterator

from wagman.config.as_user import own_account
from wagman.config.installer import installer
from wagman.config.schema import Config
from wagman.doctor.found import Found
from wagman.doctor.parts import ears
from wagman.store.owner import user_name

KEYS = {"wagman": "device", "gpio": "chip", "serial": "serial"}
"""The key that names a device, by the kind of the board or ear."""

IS_IN = "is the cable in, and has the board power? ls -l /dev/serial/by-id /dev/tty* shows what is there"
CORRECT = "correct its name in the configuration"


def named(config: Config) -> dict[str, str]:
    """Return the device files of the configuration, and what each is for."""
    boards = {str(getattr(each, KEYS[each.kind])): f"board {each.name}" for each in config.boards if each.kind in KEYS}
    heard = {str(getattr(ear, KEYS[ear.kind])): whose for whose, ear in ears(config) if ear.kind in KEYS}
    return {**heard, **boards}


def ports(config: Config) -> Iterator[Found]:
    """Check every device file."""
    for path, what in named(config).items():
        yield port(path, what)


def port(path: str, what: str) -> Found:
    """Check one device file."""
    try:
        held = os.stat(path)  # noqa: PTH116 - a path that somebody else reads as it is
    except (OSError, ValueError) as error:  # a NUL in the path
        why = getattr(error, "strerror", None) or str(error)
        return Found("port", "wrong", f"{what}: {path}: {why}", IS_IN, isinstance(error, PermissionError))
    if not stat.S_ISCHR(held.st_mode):
        return Found("port", "wrong", f"{what}: {path} is no device", CORRECT)
    if os.access(path, os.R_OK | os.W_OK, effective_ids=True):
        return Found("port", "ok", f"{what}: {path} is there, and may be opened")
    group, mode = group_name(held.st_gid), stat.S_IMODE(held.st_mode)
    who = user_name(os.geteuid())
    text = f"{what}: {path} may not be opened by {who}: it belongs to {user_name(held.st_uid)}:{group}, mode {mode:04o}"
    return Found("port", "wrong", text, _remedy(who, group, held), for_want_of_right=True)


def _remedy(who: str, group: str, held: os.stat_result) -> str:
    admits_group = held.st_mode & 0o060 == 0o060  # noqa: PLR2004 - to read and to write
    if admits_group and held.st_gid not in own_account().groups and held.st_gid != 0:
        return f"usermod --append --groups {group} {who}; then systemctl restart wagman"
    return f"{installer()} puts the rule for it in place; or one of your own, a copy in /etc/udev/rules.d/61-wagman-local.rules"


def group_name(gid: int) -> str:
    """Return the name of a group; its number if it has none."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
