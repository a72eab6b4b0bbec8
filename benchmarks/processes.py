"""The measured processes: started, watched through /proc (Linux), and ended."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = 60.0
"""The longest wait of a measurement, in seconds (chosen: for a busy machine)."""

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
NS_PER_S = 1e9
BYTES_PER_KIB = 1024
BYTES_PER_MB = 1_000_000

AS_INSTALLED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""The environment of the measured programs. What pip or a package installs is compiled already; without its bytecode each start
would compile it again.
"""


class MeasurementError(Exception):
    """The measurement failed: what it needs did not happen."""


@contextmanager
def running(*arguments: str, module: str = "wagman", cwd: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python -m MODULE ARGUMENTS` in the context."""
    with program([sys.executable, "-m", module, *arguments], cwd=cwd) as process:
        yield process


@contextmanager
def program(command: Sequence[str], cwd: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in the context; then terminate it, or kill it if it does not end."""
    away = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=away, stdout=away, stderr=away, cwd=cwd, env=AS_INSTALLED)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(is_so: Callable[[], object], every_s: float = 0.02) -> float:
    """Ask every `every_s` until the answer is true; return how long that took, in seconds.

    Raises:
        MeasurementError: it was not true within `PATIENCE_S`.
    """
    began = time.perf_counter()
    while not is_so():
        if time.perf_counter() - began > PATIENCE_S:
            raise MeasurementError(f"not so within {PATIENCE_S:g} s: {is_so}")
        time.sleep(every_s)
    return time.perf_counter() - began


# --- What the kernel tells --------------------------------------------------------------------------------------------


def processor_s(pid: int, *, children: bool = False) -> float:
    """Return the processor time of a process with all its threads, in seconds; optionally with its ended children."""
    after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(map(int, after_name[11 : 15 if children else 13])) / TICKS_PER_S


def run_s(pid: int) -> float:
    """Return the run time of a process's living threads, in seconds: exact, while the kernel's ticks are not."""
    files = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(file.read_text(encoding="utf-8").split()[0]) for file in files) / NS_PER_S


def rss_mb(pid: int) -> float:
    """Return the resident memory of a process, in MB."""
    return _kib(pid, "Rss") * BYTES_PER_KIB / BYTES_PER_MB


def pss_mb(pid: int) -> float:
    """Return the resident memory of a process, in MB; shared pages are divided among their users."""
    return _kib(pid, "Pss") * BYTES_PER_KIB / BYTES_PER_MB


def _kib(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise MeasurementError(f"the kernel does not tell {name}")


def busy_percent(pids: Sequence[int], for_s: float, cost: Callable[[int], float] = processor_s) -> float:
    """Return the share of one core that the processes use together in the next `for_s` seconds, in percent."""
    before = sum(map(cost, pids))
    began = time.perf_counter()
    time.sleep(for_s)
    return 100 * (sum(map(cost, pids)) - before) / (time.perf_counter() - began)
