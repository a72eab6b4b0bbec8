"""The Unix socket that the service listens on: bound, given to its group, and removed at the end.

Its name has to last as long as the service, and may be deleted by others: `Bound.lost` tells, `Bound.renew` binds it anew.
"""

import errno
import fcntl
import os
import socket
import stat
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from pathlib import Path

import trio
from attrs import define

from wagman.api.access import Access
from wagman.model.errors import ConfigError, WagmanError

BACKLOG = 128
"""How many connections may wait to be accepted (chosen: as many as are served at a time)."""

LOCK_S = 5.0
"""How long to wait for another service that holds the lock to bind its socket (chosen: binding takes milliseconds)."""

LOCK_RETRY_S = 0.05

FIRST_PASSED_FD = 3
"""The number of the first descriptor that systemd passes (sd_listen_fds)."""


class SocketTakenError(WagmanError):
    """Another service answers on the socket."""

    def __init__(self, path: str) -> None:
        super().__init__(f"another service answers on {path}: stop it first, or give this one another service.socket")


class Doorway(trio.abc.Listener[trio.SocketStream]):
    """Accepts clients on the present socket, which may be replaced while the next client is waited for."""

    def __init__(self, sock: socket.socket) -> None:
        self._sockets = _listener(sock)
        self._waiting = trio.CancelScope()

    async def accept(self) -> trio.SocketStream:
        """Return the next client."""
        while True:
            with trio.CancelScope() as self._waiting:
                return await self._sockets.accept()

    def replace(self, sock: socket.socket) -> None:
        """Accept on another socket from now on; clients accepted before stay connected."""
        old, self._sockets = self._sockets, _listener(sock)
        self._waiting.cancel()
        old.socket.close()

    def close(self) -> None:
        """Stop accepting clients."""
        self._sockets.socket.close()

    async def aclose(self) -> None:
        """Stop accepting clients; the same as `close`, for trio."""
        self.close()
        await trio.lowlevel.checkpoint()


@define(eq=False, repr=False)
class Bound:
    """A listening socket, with warnings; `place` is None where systemd looks after its name."""

    listener: Doorway
    warnings: tuple[str, ...] = ()
    place: "Place | None" = None

    def lost(self) -> str:
        """Return why the name leads to another file or to none; an empty text while it leads to our socket."""
        return self.place.lost() if self.place else ""

    def renew(self) -> None:
        """Bind the name anew; connected clients stay connected.

        Raises:
            SocketTakenError: another service answers there.
            OSError: no socket can be made there, now.
        """
        if self.place is not None:
            sock, _ = self.place.opened(0)
            self.listener.replace(sock)


@contextmanager
def unix_listener(path: str, access: Access) -> Iterator[Bound]:
    """Listen on the socket that systemd passed, or else on `path`, which is removed at the end.

    Raises:
        SocketTakenError: another service answers there.
        ConfigError: there can be no socket at `path`.
    """
    passed = passed_socket(os.environ)
    if passed is not None:
        with passed:
            yield Bound(Doorway(passed))
        return
    place = Place(Path(path), access)
    with place.standing() as (sock, warnings):
        bound = Bound(Doorway(sock), warnings, place)
        try:
            yield bound
        finally:
            bound.listener.close()


def _listener(sock: socket.socket) -> trio.SocketListener:
    return trio.SocketListener(trio.socket.from_stdlib_socket(sock))


# --- Passed by systemd ------------------------------------------------------------------------------------------------


def passed_socket(environ: MutableMapping[str, str]) -> socket.socket | None:
    """Return the socket that systemd listens on for us, or None; its variables are removed, so that no child sees them.

    Raises:
        ConfigError: it passed something else.
    """
    pid, count = (environ.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS"))
    environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or count in ("", "0"):
        return None
    if count != "1":
        raise ConfigError((f"systemd passed {count} sockets: pass one Unix stream socket",))
    sock = _adopted(FIRST_PASSED_FD)
    if sock is None:
        raise ConfigError(("systemd passed something else than one Unix stream socket that listens: mend the .socket unit",))
    return sock


def _adopted(fd: int) -> socket.socket | None:
    """Return the descriptor as a socket, or None if it is no listening Unix stream socket."""
    try:
        sock = socket.socket(fileno=fd)
    except OSError:
        return None
    sock.set_inheritable(False)
    is_unix_stream = (sock.family, sock.type) == (socket.AF_UNIX, socket.SOCK_STREAM)
    if is_unix_stream and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return sock
    sock.close()
    return None


# --- Bound by ourselves -----------------------------------------------------------------------------------------------


def _way_out(error: OSError) -> str:
    """Return a hint for an ordinary user who tries the service for the first time; an empty text for other errors."""
    if not isinstance(error, PermissionError):
        return ""
    return "; run it as root, or give [service] a socket and a state_dir that you may write to"


@define(eq=False, repr=False)
class Place:
    """The name of our socket in the file system, and who may connect."""

    path: Path
    access: Access
    _mine: os.stat_result | None = None

    @contextmanager
    def standing(self) -> Iterator[tuple[socket.socket, tuple[str, ...]]]:
        """Have a socket listen there meanwhile; yields the socket, and warnings.

        Raises:
            SocketTakenError: another service answers there.
            ConfigError: there can be no socket.
        """
        try:
            sock, warnings = self.opened(LOCK_S)
        except OSError as error:
            raise ConfigError(
                (f"service.socket: no socket can be made at {self.path}: {error.strerror or error}{_way_out(error)}",)
            ) from error
        try:
            yield sock, warnings
        finally:
            sock.close()
            self.remove()

    def opened(self, within_s: float) -> tuple[socket.socket, tuple[str, ...]]:
        """Return a socket that listens there from now on, and warnings.

        Raises:
            SocketTakenError: another service answers there.
            OSError: there can be none.
        """
        with _locked(self.path, within_s):
            _clear(self.path)
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                warnings = _open(sock, self.path, self.access)
                self._mine = self.path.lstat()
            except BaseException:
                sock.close()
                raise
        return sock, warnings

    def lost(self) -> str:
        """Return why the name leads to another file or to none; an empty text while it leads to our socket."""
        try:
            found = self.path.lstat()
        except FileNotFoundError:
            return f"{self.path} is gone"
        except OSError as error:
            return f"{self.path} cannot be seen: {error.strerror}"
        return "" if self._mine and os.path.samestat(found, self._mine) else f"{self.path} is another file now"

    def remove(self) -> None:
        """Remove our socket. A socket that somebody else has put there, or is just putting there, stays."""
        with suppress(OSError), _locked(self.path, 0):
            if not self.lost():
                self.path.unlink()


@contextmanager
def _locked(path: Path, within_s: float) -> Iterator[None]:
    """Hold the place while looking and binding, so that of two services that start together one sees the other.

    A file of our own is locked: the directory could be locked by everybody who may read it, and the service could not start.

    Raises:
        TimeoutError: somebody else holds it.
    """
    path.parent.mkdir(mode=0o755, exist_ok=True)  # one level only: more of a missing path is a mistake
    lock, until_s = path.with_name(f"{path.name}.lock"), time.monotonic() + within_s
    while (fd := _hold(lock)) is None:
        if time.monotonic() >= until_s:
            raise TimeoutError(errno.ETIMEDOUT, f"another process holds {lock}: lsof tells which; end it")
        time.sleep(LOCK_RETRY_S)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(fd)


def _hold(lock: Path) -> int | None:
    """Lock the file; None while another process holds it, or if the name leads to another file by now."""
    fd = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(fd), lock.lstat()):
            return fd
    os.close(fd)
    return None


def _clear(path: Path) -> None:
    """Remove a socket that nobody listens on any more.

    Raises:
        SocketTakenError: somebody does.
        FileExistsError: it is no socket.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise FileExistsError(errno.EEXIST, "there is a file that is no socket", str(path))
    if _answers(path):
        raise SocketTakenError(str(path))
    path.unlink()


def _answers(path: Path) -> bool:
    """Return whether somebody listens there. A listener that is too busy to accept (EAGAIN) counts."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0)
        return probe.connect_ex(str(path)) != errno.ECONNREFUSED


def _open(sock: socket.socket, path: Path, access: Access) -> tuple[str, ...]:
    """Bind with rights for ourselves only, admit the others, and listen only then, so that nobody connects before."""
    umask = os.umask(0o177)
    try:
        sock.bind(str(path))
    finally:
        os.umask(umask)
    warnings = _give(path, access.control_gid)
    path.chmod(access.mode)
    sock.listen(BACKLOG)
    return warnings


def _give(path: Path, control_gid: int | None) -> tuple[str, ...]:
    """Give the socket to the control group; return warnings."""
    if control_gid is None:
        return ()
    try:
        os.chown(path, -1, control_gid)
    except PermissionError:
        return (f"{path} could not be given to the control group: run the service as a member of it",)
    return ()
