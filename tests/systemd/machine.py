"""A machine with a real systemd: an overlay of this one's file system, booted by systemd-nspawn, without a network."""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from attrs import define

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "installation.md"
LOCK = ROOT / "requirements.lock"
DATA = Path(__file__).parent / "data"
PATIENCE_S = 60.0
GUEST_STATES = {"nc": "started", "gn": "started", "cs": "started"}

ASIDE = "/var/tmp/aside"
"""Where a machine has what only its tests need."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TARGET = "[Unit]\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n"
NSPAWN = (
    *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network", "--console=pipe"),
    *("--resolv-conf=off", "--timezone=off", "--link-journal=no"),
    *("--system-call-filter=bpf", "--capability=CAP_BPF"),  # how systemd keeps a service from devices
)

UNIFIED = {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
"""Where the kernel still has the old control groups, too, device access could not be shown."""


def eventually(condition: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    """Other processes tell by no event when they are done: look again and again."""
    until_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until_s, f"not within {within_s:g} s"
        time.sleep(0.05)


def require_systemd() -> None:
    """Skip where no machine can be booted; as root, what is missing is installed first."""
    if os.geteuid() != 0:
        pytest.skip("booting a machine takes root")
    if shutil.which("systemd-nspawn") is None and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", "systemd-container"], check=False)
    if shutil.which("systemd-nspawn") is None:
        pytest.skip("booting a machine takes systemd-nspawn (on Debian: the package systemd-container)")


def wheelhouse(folder: Path) -> Path:
    """The wheels of this version and of all that the lock names; made once, for all processes that run these tests."""
    place = folder / "wheelhouse"
    with (folder / "wheelhouse.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", str(place))
            for what in (("--require-hashes", "-r", str(LOCK)), ("--no-deps", str(ROOT))):
                subprocess.run((*pip, *what), check=True, capture_output=True)
    return place


def docs_commands(heading: str) -> str:
    """The shell commands under a heading of the installation page, word for word."""
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", DOCS.read_text(), re.MULTILINE | re.DOTALL)
    assert section, f"no heading {heading!r}"
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", section[1], re.MULTILINE | re.DOTALL))


@define
class Machine:
    """A booted one."""

    root: Path
    spawn: Callable[[], "subprocess.Popen[bytes]"]
    spawned: "subprocess.Popen[bytes]"
    init: int = 0  # the process id of its systemd, as seen from here
    moved_before: int = 0  # how many relays had moved when a test began
    board: str = "wagman fake-board"  # what asks the fake board

    def boot(self) -> None:
        """Wait until it has come up."""
        eventually(lambda: inits(self.spawned.pid) or self.spawned.poll() is not None)
        if self.spawned.poll() is not None:
            said = (self.root.parent / "console").read_text(errors="replace").strip()
            pytest.skip(f"systemd-nspawn cannot boot a machine here: {said}")
        self.init = inits(self.spawned.pid)[0]
        eventually(lambda: self.run("systemctl is-active wagman-test.target", check=False, cwd="/").returncode == 0)

    def lose_power(self) -> None:
        """All that runs is gone at once, and so is what was in memory; then it boots again. What is on its disk stays."""
        os.kill(self.init, signal.SIGKILL)
        self.spawned.wait(timeout=PATIENCE_S)
        self.spawned = self.spawn()
        self.boot()

    def run(
        self, script: str, *, check: bool = True, cwd: str = "/root", within_s: float = PATIENCE_S
    ) -> "subprocess.CompletedProcess[str]":
        """Run a shell script in it, as root."""
        environment = ("env", "-i", f"PATH={PATH}", "HOME=/root", "NO_COLOR=1")
        command = ("nsenter", "--target", str(self.init), "--all", *environment, "sh", "-ec", f"cd {cwd}\n{script}")
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=within_s)
        assert done.returncode == 0 or not check, f"{script}\n{done.stdout}\n{done.stderr}"
        return done

    def says(self, script: str) -> str:
        return self.run(script).stdout.strip()

    def write(self, path: str, text: str) -> None:
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def property(self, name: str, unit: str = "wagman") -> str:
        return self.says(f"systemctl show --value --property={name} {unit}")

    def written(self, *folders: str) -> Iterator[Path]:
        """What was written there and is still there: the rest of its file system is that of the machine beneath."""
        upper = self.root.with_name("upper")
        for folder in folders:
            for path in (upper / folder.lstrip("/")).rglob("*"):
                if not path.is_char_device():  # so the overlay notes what was removed
                    yield Path("/") / path.relative_to(upper)

    # The service in it -------------------------------------------------------

    def drop_in(self, name: str, lines: str) -> None:
        """Change the unit."""
        self.write(f"/etc/systemd/system/wagman.service.d/{name}.conf", f"[Service]\n{lines}\n")
        self.run("systemctl daemon-reload")

    def remove_drop_in(self, name: str) -> None:
        (self.root / f"etc/systemd/system/wagman.service.d/{name}.conf").unlink(missing_ok=True)
        self.run("systemctl daemon-reload")

    def states(self) -> Mapping[str, str]:
        done = self.run("wagman status --json", check=False)
        return {row["name"]: row["state"] for row in json.loads(done.stdout)["devices"]} if done.returncode == 0 else {}

    def events(self, type_: str = "") -> Sequence[Mapping[str, Any]]:
        lines = self.says("wagman events --json -n 500").splitlines()
        return [event for event in map(json.loads, lines) if event["type"].startswith(type_)]

    def guests_up(self) -> bool:
        return self.states() == GUEST_STATES

    def board_seen(self) -> bool:
        """The service has polled the board since it came up."""
        return not json.loads(self.says("wagman status --json"))["board"]["blind"]

    def relay_log(self) -> list[Mapping[str, Any]]:
        """Every relay that moved since the board came up."""
        log: list[Mapping[str, Any]] = json.loads(self.says(f"{self.board} --send /run/board/control status"))["relay_log"]
        return log

    def forget_cuts(self) -> None:
        self.moved_before = len(self.relay_log())

    def cuts(self) -> list[int]:
        """The guests' ports that were cut since a test began."""
        return [entry["port"] for entry in self.relay_log()[self.moved_before :] if not entry["on"]]

    def restarts(self) -> int:
        return int(self.property("NRestarts"))

    def journal(self, more: str = "") -> str:
        return self.says(f"journalctl --no-pager --unit=wagman --output=cat {more}")


@contextmanager
def booted(wheels: Path) -> Iterator[Machine]:
    """A machine with the wheels and the lock in the home of its root, and a fake board to be started as board.service."""
    with booted_from(Path("/"), lambda root: prepare(root, wheels)) as machine:
        yield machine


def prepare(root: Path, wheels: Path) -> None:
    shutil.copytree(wheels, root / "root/wheelhouse")
    shutil.copy(LOCK, root / "root")
    shutil.copy(DATA / "board.service", root / "etc/systemd/system")
    aside = root / ASIDE.lstrip("/")
    aside.mkdir()
    for program in ("tampered.py", "spoils.py", "reads_too.py"):
        shutil.copy(DATA / program, aside)


@contextmanager
def booted_from(lower: Path, put: Callable[[Path], None]) -> Iterator[Machine]:
    """A machine that begins as what is in `lower`, and what is put there before it is booted."""
    with (
        TemporaryDirectory(prefix="wagman-machine-") as name,
        overlay(Path(name), lower) as root,
        own_cgroups(Path(name).name) as groups,
    ):
        put(root)
        (root / "etc/systemd/system/wagman-test.target").write_text(TARGET)
        spawn = (*NSPAWN, f"--directory={root}", "--boot", "systemd.unit=wagman-test.target")
        joining = "".join(f"echo $$ > {group}/cgroup.procs; " for group in groups)
        join = ("sh", "-ec", f'{joining}exec "$@"', "sh", *spawn)
        spawning = partial(spawned_with, join, Path(name) / "console")
        machine = Machine(root, spawning, spawning())
        try:
            machine.boot()
            yield machine
        finally:
            end(machine.spawned)


def spawned_with(command: Sequence[str], console: Path) -> "subprocess.Popen[bytes]":
    with console.open("ab") as said:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env={**os.environ, **UNIFIED})


def end(spawned: "subprocess.Popen[bytes]") -> None:
    """Switch it off: systemd takes this signal for a request to."""
    if spawned.poll() is None:
        for init in inits(spawned.pid):
            os.kill(init, signal.SIGRTMIN + 4)
        try:
            spawned.wait(timeout=20)
        except subprocess.TimeoutExpired:
            for init in children(spawned.pid):
                os.kill(init, signal.SIGKILL)
            spawned.wait()


def children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def inits(pid: int) -> list[int]:
    """The first process of the machine; systemd-nspawn has another child, which makes that one and goes away."""
    return [child for child in children(pid) if is_init(child)]


def is_init(pid: int) -> bool:
    """Is it number 1 among processes of its own?"""
    try:
        found = re.search(r"^NSpid:.*\t(\d+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    except (FileNotFoundError, ProcessLookupError):
        return False
    return found is not None and found[1] == "1"


@contextmanager
def overlay(folder: Path, lower: Path) -> Iterator[Path]:
    """A file system on which nothing that is written lasts."""
    mount(folder, "tmpfs", "tmpfs", "size=1g,mode=0755")
    try:
        upper, work, root = (folder / name for name in ("upper", "work", "root"))
        for each in (upper, work, root):
            each.mkdir()
        mount(root, "overlay", "overlay", f"lowerdir={lower},upperdir={upper},workdir={work}")
        try:
            yield root
        finally:
            unmount(root)
    finally:
        unmount(folder)


def mount(place: Path, kind: str, source: str, options: str) -> None:
    done = subprocess.run(["mount", "-t", kind, "-o", options, source, str(place)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no machine can be made here: {done.stderr.strip()}")


def unmount(place: Path) -> None:
    subprocess.run(["umount", "--recursive", "--lazy", str(place)], check=True)


@contextmanager
def own_cgroups(name: str) -> Iterator[Sequence[Path]]:
    """Two machines in one control group would take each other's services for their own."""
    groups = [hierarchy / name for hierarchy in hierarchies()]
    for group in groups:
        group.mkdir()
    try:
        yield groups
    finally:
        for group in groups:
            remove_cgroup(group)


def hierarchies() -> Sequence[Path]:
    """One on a system of today; on an older one those that systemd works with."""
    top = Path("/sys/fs/cgroup")
    if (top / "cgroup.procs").exists():
        return [top]
    return [top / name for name in ("systemd", "unified", "devices", "memory", "pids") if (top / name).exists()]


def remove_cgroup(group: Path) -> None:
    """Innermost first; the kernel takes a moment to let go of those whose processes have just ended."""
    for inner in (*sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True), group):
        eventually(partial(removed, inner), within_s=10)


def removed(group: Path) -> bool:
    try:
        group.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
