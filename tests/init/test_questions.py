"""A configuration from answers, on a terminal."""

import os
import pty
import signal
import subprocess
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import define, field

from tests.cli.kit import PATIENCE_S, PLAIN, WAGMAN


@define(eq=False)
class Terminal:
    """`wagman init` on a pseudo-terminal."""

    process: subprocess.Popen[bytes]
    fd: int
    shown: str = ""
    read_to: int = field(default=0)

    def expect(self, words: str) -> None:
        """Wait until these words are shown, after those that were expected before."""
        os.set_blocking(self.fd, False)
        due_s = time.monotonic() + PATIENCE_S
        while (found := self.shown.find(words, self.read_to)) < 0:
            assert time.monotonic() < due_s, self.shown
            try:
                self.shown += os.read(self.fd, 4096).decode().replace("\r\n", "\n")
            except BlockingIOError:
                time.sleep(0.01)
            except OSError:  # it has ended
                pytest.fail(f"{words!r} was not shown: {self.shown}")
        self.read_to = found + len(words)

    def answer(self, question: str, text: str) -> None:
        self.expect(question)
        os.write(self.fd, text.encode() + b"\n")

    def end(self) -> int:
        return self.process.wait(PATIENCE_S)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    command = [*WAGMAN, "init", "-o", str(tmp_path / "wagman.toml")]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=PLAIN, start_new_session=True)
    os.close(theirs)
    yield Terminal(process, ours)
    process.kill()
    process.wait()
    os.close(ours)


def written(tmp_path: Path) -> dict[str, object]:
    return tomllib.loads((tmp_path / "wagman.toml").read_text())


def test_whoever_takes_every_default_gets_a_guest_on_a_plug(terminal: Terminal, tmp_path: Path) -> None:
    terminal.expect("What stands in [ ] is the default: press Enter to take it.")
    terminal.answer("What switches the power? (wagman, powerman, exec, shelly, tasmota", "")
    terminal.answer("host: The plug's name or address", "192.168.1.97")
    terminal.answer("called? [gn]", "")
    terminal.answer("Which port of the board powers the guest? [0]", "")
    terminal.answer("How is the guest heard? (http, banner, ping, tcp, udp", "")
    terminal.answer("http: where? [http://gn/]", "")
    terminal.answer("[ssh gn poweroff]", "")
    terminal.answer("is no guest? (for example ping=192.168.1.1) [tcp=192.168.1.97:80]", "")
    terminal.answer("Another guest? [y/n] [n]", "")
    terminal.expect("ok, 1 guest (gn on port 0)")
    assert terminal.end() == 0
    assert written(tmp_path) == {
        "network": {"lan": {"witness": {"tcp": "192.168.1.97:80"}}},
        "board": {"kind": "shelly", "host": "192.168.1.97"},
        "device": {"gn": {"port": 0, "heartbeat": {"http": "http://gn/"}, "shutdown": ["ssh", "gn", "poweroff"]}},
    }


def test_a_bad_answer_is_asked_again_with_the_reason(terminal: Terminal, tmp_path: Path) -> None:
    terminal.answer("What switches the power?", "tasmotta")
    terminal.expect('no kind of board called "tasmotta"; the nearest are tasmota')
    terminal.answer("What switches the power?", "tasmota")
    terminal.answer("host:", "")
    terminal.expect("This has no default: it needs an answer.")
    terminal.answer("host:", "no such host")
    terminal.expect("must be a host, with its port")
    terminal.answer("host:", "plug")
    terminal.answer("called?", "Modem")
    terminal.answer("powers the guest? [1]", "0")
    terminal.expect("must be a number from 1 to 32")
    terminal.answer("powers the guest?", "2")
    terminal.answer("heard?", "smell")
    terminal.expect("must be one of http, banner")
    terminal.answer("heard?", "none")
    terminal.answer("halt?", "none")
    terminal.expect("These answers do not fit together: device.Modem: a device name has")
    terminal.answer("called?", "modem")
    terminal.answer("powers the guest?", "2")
    terminal.answer("heard?", "none")
    terminal.answer("halt?", "none")
    terminal.answer("Another guest?", "perhaps")
    terminal.expect("must be y or n")
    terminal.answer("Another guest?", "y")
    terminal.answer("called?", "gn")
    terminal.answer("powers the guest? [1]", "")
    terminal.answer("heard?", "ping")
    terminal.answer("ping: where? [gn]", "")
    terminal.answer("halt?", "ssh root@gn 'poweroff now'")
    terminal.answer("is no guest?", "192.168.1.1")
    terminal.expect("say how and whom")
    terminal.answer("is no guest?", "ping=192.168.1.1")
    terminal.answer("Another guest?", "n")
    assert terminal.end() == 0
    assert written(tmp_path) == {
        "network": {"lan": {"witness": {"ping": "192.168.1.1"}}},
        "board": {"kind": "tasmota", "host": "plug"},
        "device": {
            "modem": {"port": 2, "heartbeat": False, "shutdown": []},
            "gn": {"port": 1, "heartbeat": {"ping": "gn"}, "shutdown": ["ssh", "root@gn", "poweroff now"]},
        },
    }


def test_whatever_a_kind_cannot_work_without_is_asked_for(terminal: Terminal, tmp_path: Path) -> None:
    terminal.answer("What switches the power?", "mqtt")
    terminal.answer("host: The broker", "hub")
    terminal.answer("preset: The firmware", "tasmotta")
    terminal.expect('must be "tasmota" or "zigbee2mqtt"')
    terminal.answer("preset: The firmware", "tasmota")
    terminal.answer("device: What takes the place of", "plug")
    terminal.answer("called? [gn]", "")
    terminal.answer("powers the guest? [0]", "1")
    terminal.answer("heard?", "mqtt")
    terminal.answer("mqtt: where?", "site/gn/alive")
    terminal.answer("broker: The broker", "other")
    terminal.answer("halt?", "none")
    terminal.answer("is no guest? (for example ping=192.168.1.1) [tcp=hub:1883]", "")
    terminal.answer("Another guest?", "n")
    assert terminal.end() == 0
    assert written(tmp_path) == {
        "network": {"lan": {"witness": {"tcp": "hub:1883"}}},
        "board": {"kind": "mqtt", "host": "hub", "preset": "tasmota", "device": "plug"},
        "device": {"gn": {"port": 1, "heartbeat": {"mqtt": "site/gn/alive", "broker": "other"}, "shutdown": []}},
    }


def test_a_wagman_is_asked_for_its_port_and_hears_its_guests_itself(terminal: Terminal, tmp_path: Path) -> None:
    terminal.answer("What switches the power?", "wagman")
    terminal.answer("device: The serial port of the board, or a pty.", "")
    terminal.answer("called?", "")
    terminal.answer("powers the guest? [0]", "1")
    terminal.answer("heard? (board, http", "")
    terminal.answer("halt?", "")
    terminal.answer("Another guest?", "")
    assert terminal.end() == 0
    assert written(tmp_path) == {
        "board": {"kind": "wagman", "device": "/dev/waggle_sysmon"},
        "device": {"gn": {"port": 1, "shutdown": ["ssh", "gn", "poweroff"]}},
    }


def test_whoever_gives_up_has_written_nothing(terminal: Terminal, tmp_path: Path) -> None:
    terminal.answer("What switches the power?", "")
    terminal.expect("host:")
    os.write(terminal.fd, b"\x04")
    assert terminal.end() == 4
    assert not (tmp_path / "wagman.toml").exists()


def test_whoever_interrupts_it_has_written_nothing(terminal: Terminal, tmp_path: Path) -> None:
    terminal.expect("What switches the power?")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    assert not (tmp_path / "wagman.toml").exists()


def test_without_a_terminal_nobody_is_asked(tmp_path: Path) -> None:
    command = [*WAGMAN, "init", "-o", str(tmp_path / "wagman.toml")]
    done = subprocess.run(command, input="", capture_output=True, text=True, env=PLAIN, timeout=PATIENCE_S, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "give both --board and --guest" in done.stderr
