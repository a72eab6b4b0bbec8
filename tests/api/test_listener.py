"""The file of the Unix socket: made, guarded, taken away."""

import fcntl
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from wagman.api import listener
from wagman.api.access import Access
from wagman.api.keeper import Keeper
from wagman.api.listener import SocketTakenError, passed_socket, unix_listener
from wagman.model.errors import ConfigError

ACCESS = Access()


def within_trio(test: Callable[[], Any]) -> Any:
    """Sockets of trio are made within a run."""

    async def main() -> Any:
        return test()

    return trio.run(main)


def connects(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def stale(path: Path) -> None:
    """A socket that nobody listens on any more."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))


@pytest.mark.parametrize(("found", "mode"), [(Access(), 0o660), (Access(read_gid=1), 0o666)])
@pytest.mark.parametrize("umask", [0o000, 0o007, 0o077])
def test_the_socket_has_its_mode_whatever_the_umask_which_is_left_alone(
    tmp_path: Path, found: Access, mode: int, umask: int
) -> None:
    def test() -> None:
        with unix_listener(str(tmp_path / "s"), found):
            assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == mode

    before = os.umask(umask)
    try:
        within_trio(test)
    finally:
        assert os.umask(before) == umask


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to any group")
def test_the_socket_belongs_to_the_control_group(tmp_path: Path) -> None:
    def test() -> None:
        with unix_listener(str(tmp_path / "s"), Access(control_gid=60_001)) as bound:
            assert (tmp_path / "s").stat().st_gid == 60_001
            assert bound.warnings == ()

    within_trio(test)


def test_nobody_can_connect_before_the_mode_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def give(path: Path, gid: int | None) -> tuple[str, ...]:
        seen.append((stat.S_IMODE(path.stat().st_mode), connects(path)))
        return ()

    def test() -> None:
        with unix_listener(str(tmp_path / "s"), Access(read_gid=1)):
            assert connects(tmp_path / "s")

    monkeypatch.setattr(listener, "_give", give)
    within_trio(test)
    assert seen == [(0o600, False)]


def test_a_stale_socket_is_replaced_and_ours_is_gone_in_the_end(tmp_path: Path) -> None:
    stale(tmp_path / "s")

    def test() -> None:
        with unix_listener(str(tmp_path / "s"), ACCESS):
            assert connects(tmp_path / "s")

    within_trio(test)
    assert list(tmp_path.iterdir()) == []


def test_a_second_service_is_refused_and_the_first_is_not_disturbed(tmp_path: Path) -> None:
    def test() -> None:
        with unix_listener(str(tmp_path / "s"), ACCESS):
            with (
                pytest.raises(SocketTakenError, match="another service answers"),
                unix_listener(str(tmp_path / "s"), ACCESS),
            ):
                pass
            assert connects(tmp_path / "s")

    within_trio(test)


def test_a_service_that_is_too_busy_to_accept_is_not_taken_for_dead(tmp_path: Path) -> None:
    def test() -> None:
        with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waiting:
            busy.bind(str(tmp_path / "s"))
            busy.listen(0)
            waiting.connect(str(tmp_path / "s"))
            with pytest.raises(SocketTakenError), unix_listener(str(tmp_path / "s"), ACCESS):
                pass

    within_trio(test)


def test_of_services_that_come_up_at_once_exactly_one_gets_the_socket(tmp_path: Path) -> None:
    for _ in range(20):
        stale(tmp_path / "s")
        outcomes: list[str] = []
        decided, start = threading.Barrier(4, timeout=20), threading.Barrier(4, timeout=20)

        def service(
            outcomes: list[str] = outcomes, start: threading.Barrier = start, decided: threading.Barrier = decided
        ) -> None:
            start.wait()
            try:
                with listener.Place(tmp_path / "s", ACCESS).standing():
                    outcomes.append("bound")
                    decided.wait()
            except SocketTakenError:
                outcomes.append("refused")
                decided.wait()

        threads = [threading.Thread(target=service) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["bound", "refused", "refused", "refused"]


def test_who_may_only_look_at_the_directory_keeps_nobody_from_starting(tmp_path: Path) -> None:
    def test() -> None:
        with unix_listener(str(tmp_path / "s"), ACCESS):
            assert connects(tmp_path / "s")

    fd = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        within_trio(test)
    finally:
        os.close(fd)


def test_who_holds_the_place_is_waited_for_only_so_long_and_the_error_says_what_to_look_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "LOCK_S", 0.1)

    def test() -> None:
        with (
            listener._locked(tmp_path / "s", 0),
            pytest.raises(ConfigError, match=r"another process holds .*/s\.lock: lsof tells which"),
            unix_listener(str(tmp_path / "s"), ACCESS),
        ):
            pass
        with unix_listener(str(tmp_path / "s"), ACCESS):
            assert connects(tmp_path / "s")

    within_trio(test)


def test_the_lock_is_ours_only_follows_no_link_and_is_gone_in_the_end(tmp_path: Path) -> None:
    with listener._locked(tmp_path / "s", 0):
        assert stat.S_IMODE((tmp_path / "s.lock").stat().st_mode) == 0o600
    (tmp_path / "s.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"), listener._locked(tmp_path / "s", 0):
        pass
    assert [each.name for each in tmp_path.iterdir()] == ["s.lock"]


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("precious")

    def test() -> None:
        with pytest.raises(ConfigError, match="no socket"), unix_listener(str(tmp_path / "s"), ACCESS):
            pass

    within_trio(test)
    assert (tmp_path / "s").read_text() == "precious"


def test_a_socket_that_is_another_by_now_is_not_removed(tmp_path: Path) -> None:
    def test() -> None:
        with unix_listener(str(tmp_path / "s"), ACCESS):
            (tmp_path / "s").unlink()
            stale(tmp_path / "s")

    within_trio(test)
    assert (tmp_path / "s").is_socket()


def test_a_missing_directory_is_made_but_not_a_whole_path(tmp_path: Path) -> None:
    def test() -> None:
        with unix_listener(str(tmp_path / "run" / "s"), ACCESS):
            assert connects(tmp_path / "run" / "s")
        with pytest.raises(ConfigError), unix_listener(str(tmp_path / "no" / "such" / "s"), ACCESS):
            pass

    within_trio(test)


def test_a_client_that_is_waited_for_while_the_name_is_bound_anew_gets_in(tmp_path: Path) -> None:
    async def main() -> None:
        with trio.fail_after(20), unix_listener(str(tmp_path / "s"), ACCESS) as bound:
            async with trio.open_nursery() as nursery:
                got: list[trio.SocketStream] = []

                async def accept() -> None:
                    got.append(await bound.listener.accept())

                nursery.start_soon(accept)
                await trio.testing.wait_all_tasks_blocked()
                (tmp_path / "s").unlink()
                assert bound.lost() == f"{tmp_path / 's'} is gone"
                bound.renew()
                assert bound.lost() == ""
                assert connects(tmp_path / "s")
            await got[0].aclose()

    trio.run(main)
    assert list(tmp_path.iterdir()) == []


def test_being_cancelled_while_waiting_for_a_client_is_no_reason_to_wait_on(tmp_path: Path) -> None:
    async def main() -> None:
        with unix_listener(str(tmp_path / "s"), ACCESS) as bound:
            with trio.move_on_after(0.01) as scope:
                await bound.listener.accept()
            assert scope.cancelled_caught

    trio.run(main)


def test_a_name_that_is_lost_is_told_of_once_for_each_reason(tmp_path: Path) -> None:
    told: list[tuple[str, Mapping[str, Any]]] = []

    def test() -> None:
        with unix_listener(str(tmp_path / "s"), ACCESS) as bound:
            keeper = Keeper(bound, lambda type_, fields: told.append((type_, fields)))
            keeper.look()
            (tmp_path / "s").unlink()
            (tmp_path / "s").write_text("")
            keeper.look()
            keeper.look()
            (tmp_path / "s").unlink()
            keeper.look()
            keeper.look()

    within_trio(test)
    types = [type_ for type_, _ in told]
    assert types == ["service.socket_lost", "service.socket_recovered"]


# --- Passed by systemd ------------------------------------------------------------------------------------------------

ACTIVATED = """
import os, sys, trio
from wagman.api.access import Access
from wagman.api.listener import unix_listener

async def main():
    with unix_listener("/nonexistent/path", Access()) as bound:
        inheritable = os.get_inheritable(3)
        stream = await bound.listener.accept()
        left = [name for name in os.environ if name.startswith("LISTEN_")]
        await stream.send_all(repr((inheritable, left)).encode())

trio.run(main)
"""

EXEC = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "wagman"}
os.execv(sys.executable, [sys.executable, "-c", sys.argv[2]])
"""


def test_the_socket_that_systemd_passes_is_served_kept_and_not_inherited(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "s"))
        sock.listen()
        command = [sys.executable, "-c", EXEC, str(sock.fileno()), ACTIVATED]
        with subprocess.Popen(command, pass_fds=[sock.fileno()]) as process, socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(str(tmp_path / "s"))
            assert client.recv(1000) == repr((False, [])).encode()
        assert process.returncode == 0
    assert (tmp_path / "s").is_socket()


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"LISTEN_PID": "1", "LISTEN_FDS": "1"},
        {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "0"},
        {"LISTEN_PID": str(os.getpid())},
    ],
)
def test_what_was_passed_to_somebody_else_is_not_taken(environ: dict[str, str]) -> None:
    assert passed_socket(environ) is None
    assert environ == {}


def test_two_sockets_are_one_too_many() -> None:
    with pytest.raises(ConfigError, match="passed 2 sockets"):
        passed_socket({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2"})


@pytest.mark.parametrize("kind", ["tcp", "datagram", "connected", "file"])
def test_what_cannot_be_served_is_an_error(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: Any = {
        "tcp": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
        "datagram": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM),
        "connected": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
        "file": lambda: (tmp_path / "f").open("w"),
    }[kind]()
    fd = os.dup(made.fileno())
    made.close()
    monkeypatch.setattr(listener, "FIRST_PASSED_FD", fd)
    with pytest.raises(ConfigError, match="something else"):
        passed_socket({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"})
    if kind == "file":
        os.close(fd)
