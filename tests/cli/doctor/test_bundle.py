"""What `wagman doctor --bundle` hands to somebody else: all that a report needs, and no secret."""

import json
import os
import stat
import tarfile
import tomllib
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.cli.doctor.kit import GUEST, ON_RAIL, RAIL, UNKNOWN, USB, WRONG, Node, at_socket, has, log, programs
from tests.cli.kit import Daemon
from wagman import __version__
from wagman.cli import main
from wagman.config.load import loads
from wagman.config.runnable import trouble
from wagman.doctor import gather, strike
from wagman.doctor.asking import UnseenError
from wagman.doctor.bundle import Bundle
from wagman.doctor.harmless import USUAL
from wagman.doctor.redacted import copy
from wagman.doctor.strike import MARK, Struck
from wagman.model.errors import ConfigError


def bundled(node: Node, *args: str) -> dict[str, str]:
    """The texts in a bundle, by name."""
    path = node.place / "b.tar.gz"
    node.told("--bundle", str(path), *args)
    with tarfile.open(path) as archive:
        found = {member.name: archive.extractfile(member) for member in archive}
        return {name.removeprefix("wagman-doctor/"): file.read().decode() for name, file in found.items() if file is not None}


def test_with_a_service_all_is_in_it(node: Node, daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(node.place, monkeypatch, journalctl="echo 'Nov 29 wagman[1]: gn started, password=hunter2secret'")
    daemon.board("problem warning log the log cannot be written: token: abcdefgh")
    at_socket(node, daemon.socket)
    pieces = bundled(node)
    manifest = dict(line.split(": ", 1) for line in pieces["MANIFEST.txt"].splitlines())
    assert set(manifest.values()) == {"here"}
    assert set(pieces) == {*manifest, "MANIFEST.txt"}
    assert pieces["version.txt"] == f"wagman {__version__}\n"
    assert json.loads(pieces["doctor.json"])["version"] == __version__
    assert json.loads(pieces["status.json"])["service"]["boot_id"] == "boot-1"
    assert all(json.loads(line)["type"] for line in pieces["events.jsonl"].splitlines())
    assert "attrs " in pieces["system.txt"]
    assert os.uname().release in pieces["system.txt"]
    assert "wagman.db: " in pieces["disk.txt"]
    assert pieces["journal.txt"] == f"Nov 29 wagman[1]: gn started, password={MARK}\n"
    assert not [name for name, text in pieces.items() if "hunter2secret" in text or "abcdefgh" in text]


def test_without_a_service_the_events_are_those_of_its_file_and_what_is_missing_says_why(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(node.place, monkeypatch, journalctl="echo -- No entries --")
    log(node)
    pieces = bundled(node)
    (event,) = map(json.loads, pieces["events.jsonl"].splitlines())
    assert (event["id"], event["type"], event["fields"]) == (7, "device.started", {"password": MARK})
    assert "status.json: missing: no service on " in pieces["MANIFEST.txt"]
    assert "journal.txt: missing: the journal has no line of the unit" in pieces["MANIFEST.txt"]
    assert "status.json" not in pieces


def test_without_a_configuration_it_is_made_all_the_same(node: Node) -> None:
    pieces = bundled(node)
    assert "wagman.toml: missing: " in pieces["MANIFEST.txt"]
    assert json.loads(pieces["doctor.json"])["verdict"] == "wrong"


def test_only_who_asked_may_read_it_and_it_takes_the_place_of_nothing(node: Node) -> None:
    node.write(USB + GUEST)
    path, link = node.place / "b.tar.gz", node.place / "link"
    assert node.told("--bundle", str(path))[0] == WRONG
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    link.symlink_to(node.place / "elsewhere")
    for there in (path, link):
        assert main(["doctor", "--config", str(node.config), "--bundle", str(there)]) == UNKNOWN
        out, err = node.capsys.readouterr()
        assert (out, err) == ("", f"wagman: {there} is there already: name a new file\n")
    assert path.read_bytes() == before
    assert not (node.place / "elsewhere").exists()


@pytest.mark.parametrize("path", ["/no/such/place/b.tar.gz", "a\0b"])
def test_a_file_that_cannot_be_made_is_one_line(node: Node, path: str) -> None:
    assert main(["doctor", "--bundle", path]) == UNKNOWN
    assert "cannot be written" in node.capsys.readouterr().err


def test_one_that_does_not_become_whole_is_taken_away(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    node.write(USB + GUEST)
    monkeypatch.setattr(Bundle, "write", full)
    path = node.place / "b.tar.gz"
    assert main(["doctor", "--config", str(node.config), "--bundle", str(path)]) == UNKNOWN
    assert f"{path}: No space left on device" in node.capsys.readouterr().err
    assert not path.exists()


# --- No secret -----------------------------------------------------------------------------------------------------------


def kept(text: str) -> Any:
    return tomllib.loads(copy(text, tomllib.loads(text), Struck()))


def test_what_is_known_to_be_harmless_is_kept_and_the_copy_can_be_read() -> None:
    text = """
    [board.rail]
    kind = "mqtt"
    host = "broker.lan:1883"
    preset = "tasmota"
    device = "rail"
    poll = "10s"
    [network.lan]
    witness = [{ ping = "10.0.0.1" }, { tcp = "[fd00::1]:22", timeout = "3s" }]
    [device.gn]
    board = "rail"
    port = 1
    heartbeat = { http = "http://gn.lan:8081/health" }
    shutdown = ["ssh", "-o", "BatchMode=yes", "-p", "22", "root@10.0.0.9", "sudo poweroff"]
    """
    assert kept(text) == tomllib.loads(text)


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (["sshpass", "-p", "root", "ssh", "gn", "halt"], ["sshpass", "-p", MARK, "ssh", "gn", "halt"]),
        (["curl", "-u", "a:b", "http://gn/off?x=y"], ["curl", "-u", MARK, f"http://gn/off?{MARK}"]),
        (["pw", "--password=hunter2", "--quiet"], ["pw", f"--password={MARK}", "--quiet"]),
        (["ssh", "me@gn", "poweroff"], ["ssh", f"{MARK}@gn", "poweroff"]),
        (["sh", "-c", "echo hunter2 | sudo -S poweroff"], ["sh", "-c", f"echo {MARK} {MARK} sudo -S poweroff"]),
        (["curl", "http://u:p@10.0.0.9/relay"], ["curl", f"http://{MARK}@10.0.0.9/relay"]),
        (["curl", "https://hc.lan/f3b1c2d4e5f60718293a4b5c6d7e8f90"], ["curl", f"https://hc.lan/{MARK}"]),
    ],
)
def test_of_a_command_the_words_are_kept_that_everybody_uses(command: list[str], shown: list[str]) -> None:
    text = f"[device.gn]\nshutdown = {json.dumps(command)}\n"
    assert kept(text)["device"]["gn"]["shutdown"] == shown


def test_of_a_unit_the_environment_is_struck_but_for_ours() -> None:
    text = "Environment=PYTHONFAULTHANDLER=1\nEnvironment=PASSWORD=hunter2\nSetCredential=plug:hunter3\n"
    struck = Struck()
    assert strike.unit(text, struck) == f"Environment=PYTHONFAULTHANDLER=1\nEnvironment={MARK}\nSetCredential={MARK}\n"
    assert struck.text("said hunter2 and hunter3") == f"said {MARK} and {MARK}"


def test_what_looks_like_a_secret_is_struck_in_any_text() -> None:
    text = "http://u:pw@gn/ Authorization: Bearer abc.def; api_key='xyz'\n-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n"
    assert Struck().text(text) == f"http://{MARK}@gn/ Authorization: Bearer {MARK}; api_key='{MARK}'\n{MARK}"


def test_what_a_file_with_a_password_holds_is_struck_everywhere(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(node.place, monkeypatch, journalctl="echo it said: swordfish")
    secret = node.place / "pw"
    secret.write_text("swordfish\n")
    secret.chmod(0o600)
    node.write(f'{RAIL}password_file = "{secret}"\nno_such_key = 1\n{ON_RAIL}')  # also where the file is wrong
    assert bundled(node)["journal.txt"] == f"it said: {MARK}\n"


def test_a_configuration_that_is_no_toml_is_left_out_and_its_values_are_struck_elsewhere(node: Node) -> None:
    struck = Struck()
    node.config.write_text('[device.gn\nshutdown = ["pw", "swordfish"]\npassword = trout1234 # salmon\n')
    with pytest.raises(UnseenError, match="it is no TOML"):
        gather._config(str(node.config), struck)
    assert struck.text("swordfish trout1234 salmon halt") == f"{MARK} {MARK} {MARK} halt"


PLACES = (
    '[board]\npassword = SECRET\n[device.gn]\nport = 1\nshutdown = ["true"]\n',
    "[secrets]\na = [{ b = SECRET }]\n",
    "# BARE\n[board]\nkind = 'shelly' # BARE\n",
    '[board]\nkind = "mqtt"\nhost = "h"\nuser = SECRET\non = SECRET\npassword_file = SECRET\n',
    '[device.gn]\nport = 1\nshutdown = ["nosuch", "-u", "admin:BARE"]\nrestart = ["curl", "-H", "Authorization: Bearer BARE"]\n',
    '[device.gn]\nport = 1\nshutdown = ["nosuch", SECRET]\nrestart = ["nosuch", "--password=BARE", "PASSWORD=BARE"]\n',
    '[device.gn]\nport = 1\nshutdown = ["sh", "-c", "echo BARE | sudo -S poweroff"]\nrestart = ["nosuch -P BARE gn"]\n',
    '[device.gn]\nport = 1\nshutdown = ["curl", "http://admin:BARE@10.0.0.9/off", "http://10.0.0.9/?token=BARE"]\n',
    '[device.gn]\nport = 1\nshutdown = "nosuch BARE"\nheartbeat = { http = "http://u:BARE@gn/?k=BARE", expect = SECRET }\n',
    "[defaults]\npoll = SECRET\nheartbeat_timeout = SECRET\n[network.lan]\nwitness = { tcp = SECRET, key_file = SECRET }\n",
    "[environment.volts]\ncommand = ['nosuch', '-c', SECRET]\n[service]\nlog = SECRET\nmax_events = SECRET\n",
    "[service]\nsocket = SECRET\n[network.lan]\nwitness = SECRET\n[device.gn]\nheartbeat = SECRET\nstill_on = [SECRET]\n",
)

SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=0x24F, exclude_categories=("C", "Z")), min_size=6, max_size=40)


@given(SECRETS, st.sampled_from(PLACES))
def test_no_secret_that_stands_anywhere_in_a_configuration_leaves_this_computer(secret: str, place: str) -> None:
    quoted = json.dumps(secret, ensure_ascii=False)
    assume(secret[0] not in "/-" and secret.casefold() not in USUAL and "://" not in secret)
    plain = place.replace("SECRET", '"z9"').replace("BARE", "z9")
    assume(secret not in copy(plain, tomllib.loads(plain), Struck()) and secret not in "".join(messages(plain)) + MARK)
    text = place.replace("SECRET", quoted)
    text = text.replace("# BARE", f"# {secret}").replace("BARE", quoted[1:-1])
    struck = Struck()
    made = copy(text, tomllib.loads(text), struck)
    tomllib.loads(made)
    told = struck.document([*messages(text), f"exit status 1: {secret}"] if "# " not in place else [])
    for leaving in (struck.text(made), *told):
        assert secret not in leaving
        assert json.dumps(secret)[1:-1] not in leaving
        assert repr(secret)[1:-1] not in leaving


def messages(text: str) -> list[str]:
    """What is said of a configuration."""
    said = list[str]()
    try:
        loads(text, "wagman.toml")
    except ConfigError as error:
        said.extend(error.problems)
    devices = tomllib.loads(text).get("device", {})
    commands = [value for table in devices.values() for value in table.values() if isinstance(value, list)]
    return [*said, *(trouble(command, "/usr/bin:/bin") or "" for command in commands)]


def test_the_copy_of_any_document_can_be_read() -> None:
    text = '[board]\n"a key" = 1\n[device.gn]\nport = true\n'
    text += 'shutdown = [["a"], 7]\nheartbeat = [{ http = 7 }, 9]\nwhen = 2026-11-29\n'
    assert kept(text)["device"]["gn"]["when"] == MARK


def test_each_piece_of_the_configuration_is_in_it_without_any_secret_of_another(node: Node) -> None:
    node.write(RAIL.replace("127.0.0.1:9", "hunter2secret"))  # a host as such is kept
    beside = node.place / "conf.d"
    beside.mkdir()
    (node.place / "key").write_text("hunter2secret")
    (beside / "gn.toml").write_text(
        f'[device.gn]\nport = 0\nshutdown = ["tell", "hunter2secret"]\nheartbeat = {{ udp = 9, key_file = "{node.place}/key" }}\n'
    )
    pieces = bundled(node)
    assert "[device.gn]" in pieces["conf.d/gn.toml"]
    assert f'host = "{MARK}"' in pieces["wagman.toml"]
    assert not [name for name, text in pieces.items() if "hunter2secret" in text]


def test_where_the_rest_cannot_be_read_the_first_file_is_in_it_all_the_same(node: Node) -> None:
    node.write(RAIL)
    (node.place / "conf.d").write_text("")
    assert "shelly" in bundled(node)["wagman.toml"]
    assert has(node.found("configuration"), "wrong", "conf.d: cannot be read")
