"""Who may do what: decided by the credentials that the kernel vouches for, never by looking up the peer's name."""

import grp
import os
import socket
import struct
from collections.abc import Iterable
from enum import IntEnum
from typing import TypeAlias

import trio
from attrs import field, frozen

from wagman.config.schema import ServiceConfig
from wagman.model.errors import ConfigError

SO_PEERGROUPS = 59
"""Linux, not in Python's `socket`: the supplementary groups of the peer, as native 32 bit numbers."""

MOST_GROUPS_BYTES = 1024
"""What Python reads of a socket option at most; a peer with more than 256 groups cannot be judged by them."""

_CREDENTIALS = struct.Struct("=iII")  # pid, uid, gid


class Role(IntEnum):
    """What a peer may do; each includes what is below it."""

    NOBODY = 0
    READER = 1
    CONTROLLER = 2


@frozen
class Peer:
    """Who is at the other end."""

    uid: int
    pid: int
    role: Role


@frozen
class Access:
    """Root and the service's own user may do everything, and so may members of the control group; readers may look."""

    control_gid: int | None = None
    read_gid: int | None = None
    own_uid: int = field(factory=os.geteuid)

    @property
    def mode(self) -> int:
        """The mode of the socket's file; where there are readers, everybody may knock."""
        return 0o660 if self.read_gid is None else 0o666

    def judge(self, stream: trio.abc.Stream) -> Peer:
        """Who is at the other end of a Unix stream socket, and what that one may do."""
        if not isinstance(stream, trio.SocketStream):
            raise TypeError("only a Unix socket knows its peer")
        pid, uid, gid = _credentials(stream.socket)
        return Peer(uid, pid, self.role(uid, gid, _groups(stream.socket)))

    def role(self, uid: int, gid: int, groups: Iterable[int] | None) -> Role:
        """What these credentials allow; `groups` is None where they are too many to tell."""
        if uid in (0, self.own_uid):
            return Role.CONTROLLER
        if groups is None:
            return Role.NOBODY
        gids = {gid, *groups}
        if self.control_gid in gids:
            return Role.CONTROLLER
        return Role.READER if self.read_gid in gids else Role.NOBODY


def group_access(config: ServiceConfig) -> tuple[Access, tuple[str, ...]]:
    """The access that the configuration gives, and what is to be warned of. Names of groups are looked up here, once.

    Raises:
        ConfigError: a configured group does not exist.
    """
    control = _gid(config.control_group)
    if control is None and config.control_group_configured:
        raise ConfigError((_no_group("control_group", config.control_group),))
    read = None if config.read_group is None else _gid(config.read_group)
    if read is None and config.read_group is not None:
        raise ConfigError((_no_group("read_group", config.read_group),))
    warning = f"there is no group {config.control_group}: only root and the service's own user may control it"
    return Access(control, read), () if control is not None else (warning,)


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
