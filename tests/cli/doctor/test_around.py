"""The service, its unit and the clock; and as whom it is looked. The command is called as a person does."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tests.cli.doctor.kit import GUEST, NOBODY, UNKNOWN, USB, WRONG, Node, as_root, at_socket, has, log, programs
from tests.cli.kit import HANG_UP, Daemon, scripted
from wagman import __version__
from wagman.cli import main
from wagman.client.errors import NOT_PERMITTED
from wagman.client.following import FULL
from wagman.config.as_user import Account
from wagman.doctor import clock, state, under, unit
from wagman.systemd.install import data

# --- The service ---------------------------------------------------------------------------------------------------------


def test_a_service_that_answers_is_well_and_has_its_log_for_itself(node: Node, daemon: Daemon) -> None:
    at_socket(node, daemon.socket)
    assert has(node.found("service"), "ok", "the service answers")
    assert has(node.found("problems"), "ok", "nothing calls for a person")
    assert has(node.found("log"), "ok", "is in use (process")


def test_what_calls_for_a_person_is_told_with_what_to_do(node: Node, daemon: Daemon) -> None:
    daemon.board("problem critical relay_stuck:gn its relay sticks")
    daemon.board("problem warning log the log cannot be written")
    at_socket(node, daemon.socket)
    assert has(node.found("problem relay_stuck:gn"), "wrong", "its relay sticks", "mend relay_stuck:gn")
    assert has(node.found("problem log"), "warning", "the log cannot be written")


@pytest.mark.parametrize(
    ("answer", "verdict", "words"),
    [
        ({"error": {"code": -32001, "message": "not permitted"}}, "unknown", "not permitted"),
        ({"result": None}, "unknown", "cannot be understood"),
        ({"result": {"service": 7}}, "unknown", "cannot be understood"),
        ("220 mail.example ESMTP\n", "wrong", "no wagman service"),
        (HANG_UP, "wrong", "hung up"),
    ],
)
def test_whoever_answers_otherwise_is_told_of(node: Node, answer: Any, verdict: str, words: str) -> None:
    node.write(USB + GUEST)
    with scripted(node.place / "s", lambda *_: [answer]):
        assert has(node.found("service"), verdict, words)


def test_a_service_without_room_for_another_client_wants_neither_a_group_nor_a_start(node: Node) -> None:
    node.write(USB + GUEST)
    with scripted(node.place / "s", lambda *_: [{"error": {"code": NOT_PERMITTED, "message": f"{FULL}: try again later"}}]):
        assert node.found("service") == [("unknown", f"{FULL}: try again later | ")]


def test_a_service_of_another_version_has_to_be_restarted(node: Node) -> None:
    node.write(USB + GUEST)
    answers = {"status": {"service": {"version": "0.1.0"}}, "events": {"events": []}}
    with scripted(node.place / "s", lambda method, _: [{"result": answers[method]}]):
        assert has(
            node.found("version"), "warning", f"is 0.1.0, and this command is {__version__}", "restart the service: no guest"
        )


def test_a_socket_without_a_service_is_wrong(node: Node) -> None:
    node.write(USB + GUEST)
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(node.place / "s"))
    assert has(node.found("service"), "wrong", "Connection refused", "start the service: no guest loses its power by that")


def test_what_to_do_without_a_service_names_no_option_that_the_doctor_does_not_have(node: Node) -> None:
    node.write(USB + GUEST)
    ((_, words),) = node.found("service")
    assert "--socket" not in words
    assert words.endswith("If it runs with another configuration, name that with --config")


def test_without_a_configuration_that_names_a_socket_the_one_of_the_other_commands_is_asked(
    node: Node, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAGMAN_SOCKET", str(daemon.socket))
    assert has(node.found("service"), "ok", f"the service answers on {daemon.socket}")
    node.write(USB + GUEST)
    assert has(node.found("service"), "wrong", f"no service on {node.place}/s")
    node.config.write_text(USB + GUEST)
    assert has(node.found("service"), "ok", f"the service answers on {daemon.socket}")


def test_where_systemd_runs_the_words_for_it_are_told(node: Node, systemd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(systemd, monkeypatch, systemctl="echo no bus >&2; exit 1")
    node.write(USB + GUEST)
    assert has(node.found("service"), "wrong", "systemctl status wagman tells why; then systemctl start wagman: no guest")


def test_without_systemd_nobody_is_told_to_use_it(node: Node) -> None:
    node.write(USB + GUEST)
    problem = {
        "id": "config",
        "severity": "warning",
        "text": "wrong",
        "do": "mend it, then systemctl reload wagman",
        "for_s": None,
    }
    status = {"service": {"version": "0.1.0"}, "problems": [problem]}
    answers = {"status": status, "events": {"events": []}}
    with scripted(node.place / "s", lambda method, _: [{"result": answers[method]}]):
        told = node.told()[1]["checks"]
    (node.place / "state").rmdir()
    told += node.told()[1]["checks"]
    assert [each["do"] for each in told if each["check"] == "problem config"] == ["mend it, then reload the service"]
    assert {each["check"] for each in told} >= {"service", "state", "version"}
    assert [each for each in told if "systemctl" in each["do"]] == []


# --- The clock -----------------------------------------------------------------------------------------------------------


def test_a_clock_that_shows_a_time_before_the_program_was_there_is_wrong() -> None:
    assert clock.told(1000.0, 2000.0, None).verdict == "wrong"
    assert clock.told(3000.0, 2000.0, None).verdict == "ok"
    assert clock.told(3000.0, 2000.0, "1970-01-01T00:51:30Z").verdict == "warning"
    assert clock.told(3000.0, 2000.0, "1970-01-01T00:50:30Z").verdict == "ok"
    assert clock.told(3000.0, 2000.0, "nonsense").verdict == "ok"


@pytest.mark.parametrize(("is_kept", "verdict"), [(True, "ok"), (False, "warning"), (None, "unknown")])
def test_whether_anybody_keeps_the_clock_right(is_kept: bool | None, verdict: str) -> None:
    assert clock.kept(is_kept).verdict == verdict


def test_the_kernel_says_whether_its_clock_is_kept() -> None:
    assert clock.synchronised() in {True, False, None}


def test_a_log_that_was_written_later_than_now_shows_a_clock_that_was_set_back(node: Node) -> None:
    path = log(node)
    os.utime(path, (2**32, 2**32))
    assert has(node.found("clock"), "warning", "the last event is of 2106")


# --- The unit ------------------------------------------------------------------------------------------------------------

UNIT = data("wagman.service")

WELL = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "SubState": "running",
    "Result": "success",
    "NeedDaemonReload": "no",
    "WatchdogUSec": "1min",
    "StatusText": "",
}
BOTH = {"wagman.service": "enabled", "wagman-poweroff.path": "enabled"}


def judged(more: Mapping[str, str] = MappingProxyType({}), enabled: Mapping[str, str] = BOTH) -> list[tuple[str, str]]:
    return [(each.verdict, f"{each.text} | {each.do}") for each in unit.judged(unit.Unit(UNIT, {**WELL, **more}, enabled))]


def test_a_unit_that_runs_is_well() -> None:
    assert {verdict for verdict, _ in judged()} == {"ok"}
    assert [each.verdict for each in unit.judged(None)] == ["ok"]


@pytest.mark.parametrize(
    ("more", "verdict", "words"),
    [
        ({"LoadState": "not-found"}, "wrong", "there is no unit wagman.service"),
        ({"ActiveState": "failed", "Result": "exit-code"}, "wrong", "is failed (exit-code)"),
        ({"ActiveState": "inactive"}, "wrong", "systemctl start wagman.service"),
        ({"ActiveState": "activating", "SubState": "auto-restart", "StatusText": "waiting"}, "warning", "auto-restart): waiting"),
        ({"NeedDaemonReload": "yes"}, "warning", "systemctl daemon-reload"),
        ({"WatchdogUSec": "0"}, "warning", "has no watchdog"),
    ],
)
def test_what_is_wrong_with_a_unit_is_told(more: dict[str, str], verdict: str, words: str) -> None:
    assert has(judged(more), verdict, words)


def test_a_unit_that_is_not_started_at_boot_is_told_of() -> None:
    assert has(
        judged(enabled=BOTH | {"wagman-poweroff.path": "disabled"}), "warning", "systemctl enable --now wagman-poweroff.path"
    )


def test_settings_are_read_as_systemd_reads_them() -> None:
    text = "# /a\n[Unit]\nUser=x\n[Service]\n# User=y\nExecStart=/bin/a \\\n; a comment\n  b\nUser=wagman\n[Install]\nUser=z\n"
    assert unit.settings(text) == [("ExecStart", "/bin/a    b"), ("User", "wagman")]
    assert unit.user(text + "[Service]\nUser=other\n") == "other"
    assert unit.user("") is None


def test_of_the_unit_all_is_taken_over_that_keeps_something_from_the_service_and_nothing_that_makes_or_removes() -> None:
    taken, left_out = under.sandbox(UNIT + "[Service]\nBindPaths=%h/x\nSetCredential=a:b\nReadOnlyPaths=%t/x\n")
    keys = {key for key, _ in taken}
    assert {"User", "ProtectSystem", "DeviceAllow", "SystemCallFilter", "PrivateTmp", "CapabilityBoundingSet", "UMask"} <= keys
    # The unit's own directory under /run would be gone at the end, with the socket in it.
    made = {"RuntimeDirectory", "StateDirectory", "ExecStart", "ExecStopPost", "RemoveIPC", "Restart", "WatchdogSec", "Type"}
    assert not keys & (made | {"SetCredential", "Environment"})
    assert ("ReadWritePaths", "-/var/lib/wagman") in taken
    assert ("ReadWritePaths", "-/run/wagman") in taken
    assert ("ReadOnlyPaths", "/run/x") in taken
    assert left_out == ["BindPaths"]


@pytest.mark.parametrize(
    ("settings", "is_barred"),
    [
        ("", False),
        ("DevicePolicy=closed", True),
        ("DevicePolicy=closed\nDeviceAllow=char-ttyACM rw", True),
        ("DevicePolicy=closed\nDeviceAllow=/dev/zero rw", False),
        ("DevicePolicy=closed\nDeviceAllow=char-mem rw", False),
        ("DevicePolicy=closed\nDeviceAllow=char-m* r", True),
        ("DeviceAllow=char-mem rw\nDeviceAllow=\nDevicePolicy=strict", True),
    ],
)
def test_a_device_that_the_unit_keeps_from_the_service_is_found(
    settings: str, is_barred: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unit, "ALWAYS", ())
    found = list(unit.barred(f"[Service]\n{settings}\n", {"/dev/zero": "board usb", "/no/such": "x"}))
    assert [each.verdict for each in found] == ["wrong"] * is_barred
    if is_barred:
        assert "the unit keeps /dev/zero from the service" in found[0].text
        assert "DeviceAllow=char-mem rw" in found[0].do


# --- As whom -------------------------------------------------------------------------------------------------------------


def test_who_is_not_root_says_so_and_knows_nothing_of_the_services_user(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under, "own_account", lambda: Account("uid 1000", 1000, 1000, ()))
    node.write(USB + GUEST)
    assert has(node.found("user"), "unknown", "only root can")
    monkeypatch.setattr(state, "barred_file", lambda *_: node.config)
    assert has(node.found("state"), "unknown", "belongs to")  # the service may well use it
    monkeypatch.setattr(under, "account_of", lambda _: Account("wagman", 1000, 1000, ()))
    assert node.told()[1]["looked_as"] == "the service's user wagman"
    assert has(node.found("user"), "unknown", "sandbox")


SYSTEMCTL = """case "$1 $3" in
  show*UnitFileState) echo UnitFileState=enabled ;;
  show*) printf 'LoadState=loaded\\nActiveState=active\\nWatchdogUSec=1min\\nNeedDaemonReload=no\\n' ;;
  cat*) printf '[Service]\\nUser=nobody\\nProtectSystem=strict\\nStateDirectory=wagman\\n' ;;
esac"""


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What there is where systemd runs."""
    (tmp_path / "systemd").mkdir()
    monkeypatch.setattr(unit, "SYSTEMD", tmp_path / "systemd")
    monkeypatch.setattr(under, "account_of", lambda _: NOBODY)
    return tmp_path


@as_root
def test_as_root_it_looks_under_the_sandbox_of_the_unit(node: Node, systemd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = f'echo "$*" >{systemd}/asked; while [ "$1" != -- ]; do shift; done; shift; exec "$@"'
    programs(systemd, monkeypatch, systemctl=SYSTEMCTL, systemd_run=run)
    node.write(USB + GUEST)
    told = node.told()[1]
    assert told["sandboxed"] is True
    assert told["looked_as"] == "the service's user nobody, under the sandbox of its unit"
    assert has(node.found("configuration"), "ok", "can be read and is right")
    asked = (systemd / "asked").read_text()
    assert "--property=User=nobody --property=ProtectSystem=strict --property=ReadWritePaths=-/var/lib/wagman" in asked
    assert asked.rstrip().endswith(f"-P -m wagman.doctor {node.config}")


@as_root
@pytest.mark.parametrize("run", ["echo no bus >&2; exit 1", "echo no JSON"])
def test_where_the_sandbox_cannot_be_had_it_looks_as_the_user_alone_and_says_so(
    node: Node, systemd: Path, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(systemd, monkeypatch, systemctl=SYSTEMCTL, systemd_run=run)
    node.write(USB + GUEST)
    node.config.chmod(0o600)
    told = node.told()[1]
    assert (told["sandboxed"], told["as_service"], told["looked_as"]) == (False, True, "the service's user nobody")
    assert has(node.found("user"), "unknown", "sandbox of the unit", "no bus" if "bus" in run else "did not answer")
    assert has(node.found("configuration"), "wrong", "Permission denied")


def test_where_nothing_starts_the_service_but_a_hand_its_commands_are_looked_for_as_a_shell_does(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(tmp_path, monkeypatch, halt_it="")
    node.write(f"{USB}{GUEST.replace('true', 'halt-it')}")
    assert has(node.found("command"), "ok", "every command can be found and run with the PATH of whoever asks (1)")


@as_root
def test_where_systemd_starts_the_service_its_commands_are_looked_for_where_systemd_does(
    node: Node, systemd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(systemd, monkeypatch, systemctl=SYSTEMCTL, systemd_run="exit 1", halt_it="")
    node.write(f"{USB}{GUEST.replace('true', 'halt-it')}")
    assert has(node.found("command"), "wrong", 'no program called "halt-it" in /usr/local/sbin:')


def test_a_systemd_that_does_not_tell_is_unknown(node: Node, systemd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under, "account_of", lambda _: None)
    programs(systemd, monkeypatch, systemctl="echo no bus >&2; exit 1")
    node.write(USB + GUEST)
    assert has(node.found("unit"), "unknown", "systemctl: no bus")
    monkeypatch.setattr(under, "account_of", lambda _: NOBODY)
    assert has(node.found("user"), "unknown", "systemctl: no bus") is (os.geteuid() == 0)


# --- For people ----------------------------------------------------------------------------------------------------------


def test_for_people_it_is_a_line_each_and_says_as_whom_it_looked(node: Node) -> None:
    node.write(USB + GUEST)
    assert main(["doctor", "--config", str(node.config)]) == WRONG
    out, err = node.capsys.readouterr()
    assert err == ""
    head, _, rest = out.partition("\n\n")
    whom = "root" if os.geteuid() == 0 else f"uid {os.geteuid()}"
    # Lines are broken where the path is long.
    assert "".join(head.split()) == f"{node.config}, looked at by wagman {__version__} as {whom}".replace(" ", "")
    first = rest.splitlines()[0]
    assert first.startswith("WRONG    no service on")


def test_a_command_line_that_makes_no_sense_is_unknown(node: Node) -> None:
    assert main(["doctor", "--no-such"]) == UNKNOWN
    assert "unrecognized arguments" in node.capsys.readouterr().err
