"""Boards that are fence agents, before units that nobody here wrote either: a BMC, a Redfish service, an SNMP agent.

They are Debian's `openipmi`, and `sushy-tools` and `snmpsim-lextudio` from PyPI; what is not installed is skipped.
"""

import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.io.test_command import exec_board, needs_agents, seen, switched
from tests.ports import free_port, listens
from tests.service.kit import eventually
from wagman.io.command import Commands

HERE = f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin"


def program(name: str) -> str | None:
    return shutil.which(name, path=HERE)


def needs(name: str, package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(program(name) is None, reason=f"there is no {name}: {package}")


@contextmanager
def running(folder: Path, *command: str, ready: Callable[[], bool]) -> Iterator[None]:
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process,
    ):
        try:
            eventually(lambda: process.poll() is not None or ready())
            assert process.poll() is None, (folder / "log").read_text()
            yield
        finally:
            process.send_signal(signal.SIGKILL)


def agent(name: str, *arguments: str, plug: str = "") -> Commands:
    """A board that asks with a fence agent."""
    command = (f"/usr/sbin/{name}", *arguments, *(("-n", plug) if plug else ()), "-o")
    return exec_board(on=(*command, "on"), off=(*command, "off"), status=(*command, "status"), timeout_s=25.0)


def obeys(board: Commands, port: str) -> None:
    """It shows what was switched, once that is done."""
    assert seen(board, port) == {port: "off"}
    for on, shown in ((True, "on"), (False, "off")):
        switched(board, port, on=on)
        eventually(lambda shown=shown: seen(board, port) == {port: shown})  # type: ignore[misc]


# --- A BMC ------------------------------------------------------------------------------------------------------------

LAN = """
name "bmc"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 {port}
    priv_limit admin
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "{folder}/chassis"
  user 2 true "wagman" "secret" admin 10 none md2 md5 straight
"""

BMC = "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02\nmc_enable 0x20\n"

CHASSIS = """#!/bin/sh
cd "$(dirname "$0")"
case $1 in
    get) shift; for each in "$@"; do echo "$each:$(cat "$each" 2>/dev/null || echo 0)"; done ;;
    set) shift; while [ $# -gt 0 ]; do echo "$2" >"$1"; shift 2; done ;;
esac
"""


@pytest.fixture
def bmc(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    (tmp_path / "lan").write_text(LAN.format(port=port, folder=tmp_path))
    (tmp_path / "emu").write_text(BMC)
    (tmp_path / "chassis").write_text(CHASSIS)
    (tmp_path / "chassis").chmod(0o755)
    (tmp_path / "state").mkdir()
    simulator = program("ipmi_sim") or ""
    command = (simulator, "-c", "lan", "-f", "emu", "-s", str(tmp_path / "state"), "-n")
    with running(tmp_path, *command, ready=lambda: is_bound(port)):
        yield port


def is_bound(port: int) -> bool:
    """Whether a program listens for datagrams there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


@needs_agents
@needs("ipmi_sim", "apt-get install openipmi")
@needs("ipmitool", "apt-get install ipmitool")
def test_a_bmc_is_switched_through_its_fence_agent(bmc: int) -> None:
    # Without a cipher suite, ipmitool asks for the list of them first, and waits ten seconds for a BMC that has none.
    login = ("-P", "--cipher=3", "-a", "127.0.0.1", f"--ipport={bmc}", "-l", "wagman", "-p", "secret")
    obeys(agent("fence_ipmilan", *login), "0")


@needs("ipmi_sim", "apt-get install openipmi")
@needs("ipmitool", "apt-get install ipmitool")
def test_a_bmc_is_switched_with_ipmitool_and_two_lines_of_shell(bmc: int) -> None:
    power = f"ipmitool -I lanplus -C 3 -H 127.0.0.1 -p {bmc} -U wagman -P secret chassis power"
    status = ("sh", "-c", f"case $({power} status) in *on) exit 0 ;; *off) echo off; exit 2 ;; esac; exit 1")
    obeys(exec_board(on=(*power.split(), "on"), off=(*power.split(), "off"), status=status), "0")


# --- Redfish ----------------------------------------------------------------------------------------------------------


@needs_agents
@needs("sushy-emulator", "pip install sushy-tools")
@needs("openssl", "apt-get install openssl")
def test_a_server_is_switched_through_redfish_which_says_yes_long_before_it_has_done_it(tmp_path: Path) -> None:
    port = free_port()
    pair = ("-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "certificate"))
    made = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *pair, "-subj", "/CN=localhost")
    subprocess.run(made, check=True, capture_output=True)
    (tmp_path / "settings").write_text(f"SUSHY_EMULATOR_STATE_DIR = {str(tmp_path)!r}\n")
    command = (
        program("sushy-emulator") or "",
        "--fake",
        "-i",
        "127.0.0.1",
        "-p",
        str(port),
        "--config",
        str(tmp_path / "settings"),
    )
    certified = ("--ssl-certificate", str(tmp_path / "certificate"), "--ssl-key", str(tmp_path / "key"))
    with running(tmp_path, *command, *certified, ready=lambda: listens(port)):
        obeys(agent("fence_redfish", "-a", "127.0.0.1", f"--ipport={port}", "-l", "any", "-p", "any", "--ssl-insecure"), "0")


# --- SNMP -------------------------------------------------------------------------------------------------------------

PDU = """1.3.6.1.2.1.1.1.0|4|a PDU
1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.318.1.3.9.9
1.3.6.1.4.1.318.1.1.4.4.2.1.3.1|2:writecache|value=2
1.3.6.1.4.1.318.1.1.4.4.2.1.3.2|2:writecache|value=2
"""
"""An APC unit with two outlets that are off: 1.3.6.1.4.1.318.1.1.4.4.2.1.3 is sPDUOutletCtl (1 on, 2 off)."""


@needs_agents
@needs("snmpset", "apt-get install snmp")
@needs("snmpsim-command-responder", "pip install snmpsim-lextudio pysmi-lextudio")
def test_a_pdu_is_switched_through_snmp_and_each_outlet_for_itself(tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "data"
    data.mkdir()
    (data / "private.snmprec").write_text(PDU)
    command = [program("snmpsim-command-responder") or "", f"--data-dir={data}", f"--cache-dir={tmp_path}/cache"]
    command += [f"--agent-udpv4-endpoint=127.0.0.1:{port}", f"--variation-module-options=writecache:file:{tmp_path}/values"]
    command += ["--process-user=root", "--process-group=root"]
    with running(tmp_path, *command, ready=lambda: is_bound(port)):
        pdu = agent("fence_apc_snmp", "-a", "127.0.0.1", f"--ipport={port}", "-c", "private", "-d", "2c", plug="%p")
        switched(pdu, "2", on=True)
        obeys(pdu, "1")
        assert seen(pdu, "1", "2") == {"1": "off", "2": "on"}
