"""What depends on who looks: each check finds what it is for, and says what it cannot see."""

import errno
import os
import socket
import stat
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.cli.doctor.kit import GUEST, NOBODY, OK, ON_RAIL, RAIL, UNKNOWN, USB, WARNING, WRONG, Node, as_root, has, log
from tests.cli.kit import until
from wagman.config import installer
from wagman.config.as_user import Account
from wagman.doctor import inside, state, under, ways
from wagman.doctor.devices import group_name
from wagman.doctor.found import CODES, Found, in_order, lines, worst
from wagman.io.ears import addresses
from wagman.store.schema import MIGRATIONS

# --- What all of them come to --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ((), OK),
        (("ok", "ok"), OK),
        (("ok", "unknown"), UNKNOWN),
        (("unknown", "warning"), WARNING),
        (("unknown", "warning", "wrong", "ok"), WRONG),
    ],
)
def test_the_gravest_makes_the_exit_code_and_what_is_known_comes_before_what_is_not(verdicts: Sequence[Any], code: int) -> None:
    assert CODES[worst(Found("x", each, "") for each in verdicts)] == code


def test_who_is_not_the_services_user_is_advised_to_ask_as_root_and_not_to_take_anything_away_from_it() -> None:
    found = Found(
        "state", "wrong", "the state directory: Permission denied", "sudo chown me state", for_want_of_right=True
    ).of_another()
    assert (found.verdict, found.do) == ("unknown", "as root, to look as the service does: wagman doctor")
    known = Found("room", "wrong", "full", "make room")
    assert known.of_another() == known


def test_the_gravest_is_shown_first_and_each_says_what_to_do() -> None:
    found = [Found("a", "ok", "well"), Found("b", "unknown", "who knows"), Found("c", "wrong", "bad \x1b[31m", "mend it")]
    assert lines(found) == ["WRONG    bad \\x1b[31m", "         do: mend it", "UNKNOWN  who knows", "ok       well"]
    assert [each.check for each in in_order(found)] == ["c", "b", "a"]


def test_what_to_do_stays_in_one_line_so_that_a_command_in_it_can_be_copied() -> None:
    do = "usermod --append --groups dialout-of-the-node wagman; then systemctl daemon-reload; systemctl restart wagman"
    text = "the service's user may not open /dev/waggle_sysmon, which belongs to the group dialout-of-the-node"
    assert lines([Found("port", "wrong", text, do)]) == [
        "WRONG    the service's user may not open /dev/waggle_sysmon, which belongs to",
        "         the group dialout-of-the-node",
        f"         do: {do}",
    ]


def test_a_check_that_fails_by_itself_is_unknown_and_keeps_no_other_from_being_made() -> None:
    def broken() -> Iterator[Found]:
        yield Found("x", "ok", "so far")
        raise RuntimeError("oops")

    first, failed = inside.contained("x", broken)
    assert (first.text, failed.verdict) == ("so far", "unknown")
    assert "RuntimeError: oops" in failed.text


# --- The configuration ---------------------------------------------------------------------------------------------------


def test_a_configuration_that_is_not_there_is_wrong_and_the_rest_is_looked_at_all_the_same(node: Node) -> None:
    code, told = node.told()
    assert code == WRONG
    checks = {each["check"] for each in told["checks"]}
    assert {"configuration", "service", "unit", "clock", "ntp"} <= checks
    assert has(node.found("configuration"), "wrong", "No such file or directory")


def test_every_error_of_a_configuration_is_told_with_its_line(node: Node) -> None:
    node.write('[device.gn]\nport = 9\nshutdown = "x"\n')
    assert has(node.found("configuration"), "wrong", "wagman.toml:5", "port")
    node.config.write_text("[device\n")
    assert has(node.found("configuration"), "wrong", "not valid TOML")


@as_root
def test_what_root_may_read_and_the_services_user_may_not_is_found(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under, "account_of", lambda _: NOBODY)
    node.write(USB + GUEST)
    node.config.chmod(0o600)
    words = f"chgrp {group_name(NOBODY.gid)} {node.config}; chmod g+rX {node.config}"
    assert has(node.found("configuration"), "wrong", "cannot be read: Permission denied", words)
    node.config.chmod(0o644)
    assert has(node.found("configuration"), "ok", "1 board, 1 guest")
    assert node.told()[1]["as_service"] is True


def test_a_group_that_there_is_not_is_found(node: Node) -> None:
    node.write(USB + GUEST, service='read_group = "no-such-group"\n')
    assert has(node.found("group"), "wrong", "there is no group no-such-group")


# --- Ports ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("device", "words"), [("PLACE/nothing", "No such file or directory"), ("PLACE/wagman.toml", "is no device")]
)
def test_a_port_that_is_not_there_or_no_device_is_wrong(node: Node, device: str, words: str) -> None:
    node.write(f'[board]\ndevice = "{device.replace("PLACE", str(node.place))}"\n{GUEST}')
    assert has(node.found("port"), "wrong", "board board", words)


def test_a_port_is_never_opened(node: Node) -> None:
    """To open it would move its lines, over which boards restart."""
    main_end, port = os.openpty()
    opened, name = list[object](), os.ttyname(port)
    sys.addaudithook(lambda event, args: opened.append(args[0]) if event == "open" and args[0] == name else None)
    try:
        node.write(f'[board]\ndevice = "{name}"\n{GUEST}')
        assert has(node.found("port"), "ok", "may be opened")
        assert opened == []
    finally:
        os.close(main_end)
        os.close(port)


@pytest.fixture
def device(node: Node) -> Path:
    """A device that belongs to root and a group."""
    path = node.place / "tty"
    try:
        os.mknod(path, 0o660 | stat.S_IFCHR, os.makedev(1, 3))
    except OSError:
        pytest.skip("no device can be made here")
    os.chown(path, 0, 60_001)
    path.chmod(0o660)
    node.write(f'[board]\ndevice = "{path}"\n{GUEST}')
    return path


@as_root
def test_a_port_that_the_services_user_may_not_open_names_the_group_that_may(
    node: Node, device: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(under, "account_of", lambda _: NOBODY)
    words = "may not be opened by nobody: it belongs to root:60001, mode 0660"
    assert has(node.found("port"), "wrong", words, "usermod --append --groups 60001 nobody")
    device.chmod(0o600)
    monkeypatch.setattr(installer, "PACKAGED_UNIT", node.place / "wagman.service")
    assert has(node.found("port"), "wrong", "mode 0600", "wagman install-service puts the rule")
    (node.place / "wagman.service").touch()
    assert has(node.found("port"), "wrong", "apt install --reinstall ./wagman_*.deb puts the rule", "61-wagman-local.rules")
    monkeypatch.setattr(under, "account_of", lambda _: Account("nobody", 65_534, 65_534, (60_001,)))
    device.chmod(0o660)
    assert has(node.found("port"), "ok", "may be opened")


# --- Commands and files --------------------------------------------------------------------------------------------------


def test_commands_that_cannot_be_run_are_told_with_their_line(node: Node) -> None:
    node.write(f'{USB}{GUEST}restart = ["no-such-program"]\n')
    assert has(node.found("command"), "wrong", "wagman.toml:9: device.gn.restart", 'no program called "no-such-program"')
    node.write(USB + GUEST)
    assert has(node.found("command"), "ok", "every command can be found and run", "(1)")


@pytest.mark.parametrize(("content", "words"), [(None, "cannot be read: No such file"), ("\n", "is empty")])
def test_a_file_with_a_password_has_to_be_there_and_to_hold_one(node: Node, content: str | None, words: str) -> None:
    secret = node.place / "pw"
    if content is not None:
        secret.write_text(content)
        secret.chmod(0o600)
    node.write(f'{RAIL}password_file = "{secret}"\n{ON_RAIL}')
    assert has(node.found("file"), "wrong", "board board: password_file", words)
    secret.write_text("x\n")
    secret.chmod(0o600)
    assert has(node.found("file"), "ok", f"can be read: {secret}")


def test_a_credential_that_only_the_unit_is_handed_is_unknown(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    node.write(f'{RAIL}password_file = "plug"\n{ON_RAIL}')
    assert has(node.found("file"), "unknown", "only the unit is handed that credential")


# --- Hosts ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """A port that takes connections, and all that it was told."""
    heard = list[bytes]()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                with peer:
                    heard.append(peer.recv(100))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], heard
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_hosts_are_connected_to_and_told_nothing(
    node: Node, listener: tuple[int, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, heard = listener
    monkeypatch.setattr(addresses, "is_own", lambda _: False)
    node.write(
        f'[board]\nkind = "tasmota"\nhost = "127.0.0.1:{port}"\n'
        f'[network.lan]\nwitness = {{ banner = "0x7f.1:{port}" }}\n'
        f'[device.gn]\nport = "1"\nshutdown = []\nheartbeat = {{ http = "http://127.0.0.1:{port}/" }}\n'
    )
    found = node.found("way")
    assert [verdict for verdict, _ in found] == ["ok"] * 3
    until(lambda: len(heard) == 3)
    assert heard == [b""] * 3


def test_a_board_that_is_not_reached_is_wrong_and_a_guest_may_be_down(node: Node) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    node.write(
        f'[board]\nkind = "powerman"\nhost = "127.0.0.1:{port}"\n[network.lan]\nwitness = {{ tcp = "0x7f.1:{port}" }}\n'
        f'[device.gn]\nport = "n1"\nshutdown = []\nheartbeat = {{ tcp = "gn.invalid:22" }}\n'
    )
    found = node.found("way")
    assert has(found, "wrong", f"board board (powerman): 127.0.0.1 port {port} does not answer: Connection refused")
    assert has(found, "wrong", "witness of network lan (tcp): 0x7f.1 is this computer, which answers whatever the network does")
    assert has(found, "warning", "gn (tcp): the name gn.invalid cannot be looked up")


def test_who_was_not_reached_in_time_is_unknown(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "ALL_S", 0.0)
    node.write(RAIL + ON_RAIL)
    assert has(node.found("way"), "unknown", "was not reached within")


def test_a_ping_that_may_not_be_sent_is_told_once_with_the_range(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(socket, "socket", forbidden)
    (found,) = ways.pings([ways.Question("gn (ping)", "10.0.0.1", None, "warning")])
    assert found.verdict == "wrong"
    assert "net.ipv4.ping_group_range" in found.text
    assert 'ping_group_range="0 2147483647"' in found.do
    assert not list(ways.pings([ways.Question("gn (tcp)", "10.0.0.1", 22, "warning")]))


# --- The saved state -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("refusal", "verdict"), [(errno.EROFS, "wrong"), (errno.EOPNOTSUPP, "ok"), (None, "ok")])
def test_a_file_system_that_only_says_that_it_may_be_written_is_found_out(
    refusal: int | None, verdict: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = os.open

    def opened(path: Any, flags: int, *more: Any) -> int:
        if refusal is not None and flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(refusal, os.strerror(refusal), str(path))
        return really(path, flags, *more)

    monkeypatch.setattr(os, "open", opened)
    assert state.writable(tmp_path).verdict == verdict
    assert list(tmp_path.iterdir()) == [], "nothing is left of the attempt"


def test_a_state_directory_that_is_not_there_is_wrong(node: Node) -> None:
    node.write(USB + GUEST)
    (node.place / "state").rmdir()
    assert has(node.found("state"), "wrong", "No such file or directory")
    (node.place / "state").touch()
    assert has(node.found("state"), "wrong", "Not a directory")


@as_root
def test_a_file_that_the_services_user_cannot_write_names_its_owner(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under, "account_of", lambda _: NOBODY)
    node.write(USB + GUEST)
    os.chown(node.place / "state", NOBODY.uid, NOBODY.gid)
    assert has(node.found("state"), "ok", "may be written by nobody")
    (node.place / "state" / "decisions.json").touch(0o600)
    assert has(node.found("state"), "wrong", "decisions.json belongs to root", "sudo chown nobody")


def disk(**more: int) -> Callable[[object], os.statvfs_result]:
    usual = {"f_frsize": 4096, "f_bavail": 2**20, "f_files": 10_000, "f_favail": 9_000}
    return lambda _: SimpleNamespace(**(usual | more))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("held", "room", "inodes"),
    [
        ({}, "ok", "ok"),
        ({"f_bavail": 200}, "wrong", "ok"),
        ({"f_bavail": 10_000}, "warning", "ok"),
        ({"f_favail": 100}, "ok", "warning"),
        ({"f_favail": 0}, "ok", "wrong"),
        ({"f_favail": 0, "f_files": 0}, "ok", "ok"),
    ],
)
def test_what_room_is_left_is_judged_by_what_the_log_may_still_take(
    held: Mapping[str, int], room: str, inodes: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "statvfs", disk(**held))
    assert state.room(tmp_path, 64 * 2**20).verdict == room
    assert state.inodes(tmp_path).verdict == inodes


def test_a_log_is_checked_without_being_touched(node: Node) -> None:
    path = log(node)
    before = {each.name: (each.read_bytes(), each.stat().st_mtime_ns) for each in path.parent.iterdir()}
    assert has(node.found("log"), "ok", "is sound")
    assert {each.name: (each.read_bytes(), each.stat().st_mtime_ns) for each in path.parent.iterdir()} == before
    assert set(before) == {"wagman.db", "wagman.db-wal"}


def test_a_damaged_log_and_one_of_a_newer_version_are_wrong(node: Node) -> None:
    log(node, version=len(MIGRATIONS) + 1)
    assert has(node.found("log"), "wrong", "of a newer version")
    path = log(node)
    path.with_name("wagman.db-wal").unlink()
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    assert has(node.found("log"), "wrong", "is damaged")
    path.write_bytes(b"no database at all " * 500)
    assert has(node.found("log"), "wrong", "is damaged")
