"""Who may do what on the control socket: decided by the credentials that the kernel vouches for, without looking up names."""

import grp
import os
import socket
import struct
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path
from typing import TypeAlias

import trio
from attrs import field, frozen

from wagman.config.service import ServiceConfig
from wagman.model.errors import ConfigError

SO_PEERGROUPS = 59
"""The socket option for the supplementary groups of the peer, as native 32 bit numbers (Linux; not in Python's `socket`)."""

MOST_GROUPS_BYTES = 1024
"""The most bytes that Python reads of a socket option. A peer with more than 256 groups cannot be judged by them."""

_CREDENTIALS = struct.Struct("=iII")  # pid, uid, gid


OVERFLOW_UID = Path("/proc/sys/kernel/overflowuid")
"""The file with the number that the kernel shows for each user that a user namespace does not map."""


class Role(IntEnum):
    """The rights of a peer; each role includes those below it."""

    NOBODY = 0
    READER = 1
    OPERATOR = 2
    CONTROLLER = 3


@frozen
class Peer:
    """The peer of a connection, as the kernel vouches for it."""

    uid: int
    pid: int
    role: Role


def overflow_uid() -> int:
    """Return the number that the kernel shows for users of other namespaces, and which identifies nobody."""
    try:
        return int(OVERFLOW_UID.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 65534  # the kernel's default


@frozen
class Access:
    """Rules of access: root, the service's own user and the control group may do everything, operators switch, readers look."""

    control_gid: int | None = None
    read_gid: int | None = None
    operate_gid: int | None = None
    own_uid: int = field(factory=os.geteuid)
    nobodys_uid: int = field(factory=overflow_uid)

    @property
    def mode(self) -> int:
        """The mode of the socket's file. With a group of readers or operators everybody may connect, and is judged then."""
        return 0o660 if self.read_gid is None and self.operate_gid is None else 0o666

    def judge(self, stream: trio.abc.Stream) -> Peer:
        """Return the peer of a connection, with the role that its credentials give it.

        Raises:
            TypeError: the stream is no Unix stream socket.
        """
        if not isinstance(stream, trio.SocketStream):
            raise TypeError("only a Unix socket knows its peer")
        pid, uid, gid = _credentials(stream.socket)
        return Peer(uid, pid, self.role(uid, gid, _groups(stream.socket)))

    def role(self, uid: int, gid: int, groups: Iterable[int] | None) -> Role:
        """Return the role of these credentials; `groups` is None where the peer has too many to read."""
        # Every user that is not mapped has the number of `nobody`, so a service that runs as `nobody` cannot know its own user by
        # it.
        if uid == 0 or (uid == self.own_uid and uid != self.nobodys_uid):
            return Role.CONTROLLER
        if groups is None:
            return Role.NOBODY
        gids = {gid, *groups}
        return next((role for role, admitted in self._admitted if admitted in gids), Role.NOBODY)

    @property
    def _admitted(self) -> tuple[tuple[Role, int | None], ...]:
        """The role of each group's members, the mightiest first."""
        return (Role.CONTROLLER, self.control_gid), (Role.OPERATOR, self.operate_gid), (Role.READER, self.read_gid)


def group_access(config: ServiceConfig) -> tuple[Access, tuple[str, ...]]:
    """Return the access that the configuration gives, and warnings. The names of groups are looked up here, once.

    Raises:
        ConfigError: a configured group does not exist.
    """
    control = _gid(config.control_group)
    if control is None and config.control_group_configured:
        raise ConfigError((_no_group("control_group", config.control_group),))
    read, operate = _configured("read_group", config.read_group), _configured("operate_group", config.operate_group)
    warning = f"there is no group {config.control_group}: only root and the service's own user may control it"
    return Access(control, read, operate), () if control is not None else (warning,)


def _configured(key: str, name: str | None) -> int | None:
    """Return the number of a group that need not be configured.

    Raises:
        ConfigError: it is configured and does not exist.
    """
    gid = None if name is None else _gid(name)
    if gid is None and name is not None:
        raise ConfigError((_no_group(key, name),))
    return gid


def _gid(name: str) -> int | None:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def _no_group(key: str, name: str) -> str:
    return f"service.{key}: there is no group {name}: create it, or name another one"


Socket: TypeAlias = trio.socket.SocketType


def _credentials(sock: Socket) -> tuple[int, int, int]:
    pid, uid, gid = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return pid, uid, gid


def _groups(sock: Socket) -> tuple[int, ...] | None:
    try:
        packed = sock.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, MOST_GROUPS_BYTES)
    except OSError:  # ERANGE: more than fit
        return None
    return struct.unpack(f"={len(packed) // 4}I", packed)
