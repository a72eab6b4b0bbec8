"""`wagman demo` as a user runs it: it ends by itself, tells the truth, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from wagman.demo.scenarios import SCENARIOS

DEMO = (sys.executable, "-m", "wagman", "demo")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the demonstration makes its own folder; its path is short enough for sockets."""
    with TemporaryDirectory(prefix="d") as name:
        yield Path(name)


def begun(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    env = {**os.environ, "TMPDIR": str(folder)}
    return subprocess.Popen((*DEMO, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def read(process: Path, name: str) -> str:
    try:
        return (process / name).read_bytes().decode(errors="replace")
    except OSError:
        return ""  # it has ended meanwhile


def processes_of(folder: Path) -> dict[int, str]:
    """The command lines of all processes that were begun by a demonstration in this folder, by whomever."""
    processes = [process for process in Path("/proc").iterdir() if process.name.isdecimal()]
    ours = [process for process in processes if f"TMPDIR={folder}\0" in read(process, "environ") + "\0"]
    return {int(process.name): read(process, "cmdline") for process in ours}


def process_of(folder: Path, words: str) -> int:
    """The process with these words in its command line."""
    return next(pid for pid, line in processes_of(folder).items() if words in line.replace("\0", " "))


def are_gone(folder: Path) -> bool:
    """All processes end by themselves within 10 s."""
    until_s = time.monotonic() + 10
    while processes_of(folder) and time.monotonic() < until_s:
        pass
    return not processes_of(folder)


def is_clean(folder: Path) -> bool:
    return not processes_of(folder) and not list(folder.iterdir())


@pytest.mark.parametrize(
    ("scenario", "dialect"),
    [*((name, ()) for name in SCENARIOS), ("reset", ("--dialect", "v4"))],
    ids=lambda value: value if isinstance(value, str) else "-".join(value[1:]),
)
def test_a_scenario_ends_by_itself_says_what_it_has_shown_and_leaves_nothing_behind(
    scenario: str, dialect: tuple[str, ...], folder: Path
) -> None:
    began_s = time.monotonic()
    out, err = begun(folder, "--scenario", scenario, *dialect).communicate(timeout=110)
    assert err == ""
    assert "-- All of it was shown, in " in out
    assert "heartbeat_timeout" in out  # what it has shortened
    assert "\x1b" not in out
    assert is_clean(folder)
    assert time.monotonic() - began_s < 90


MOMENTS = {"tour": ("began to start", 3), "mast": ("the heartbeat of ai stopped", 7)}
"""What is said at a moment when something could be left behind, and the processes that there are then at least."""


@pytest.mark.parametrize("scenario", MOMENTS)
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_told_to_end_it_leaves_nothing_behind(how: signal.Signals, scenario: str, folder: Path) -> None:
    demo = begun(folder, "--scenario", scenario)
    moment, processes = MOMENTS[scenario]
    assert demo.stdout
    next(line for line in demo.stdout if moment in line)
    assert len(processes_of(folder)) >= processes
    demo.send_signal(how)
    out, err = demo.communicate(timeout=20)
    assert (demo.returncode, err) == (128 + how, "")
    assert "All of it was shown" not in out
    assert is_clean(folder)


@pytest.mark.parametrize("scenario", MOMENTS)
def test_one_that_is_killed_leaves_no_process_behind(scenario: str, folder: Path) -> None:
    demo = begun(folder, "--scenario", scenario)
    assert demo.stdout
    next(line for line in demo.stdout if MOMENTS[scenario][0] in line)
    demo.kill()
    demo.communicate(timeout=20)
    assert are_gone(folder)


@pytest.mark.parametrize(
    ("scenario", "child"),
    [("tour", "run --config"), ("tour", "fake-board --link"), ("mast", "run --config"), ("mast", "wagman.fake.mast --boot")],
)
def test_a_child_that_ends_by_itself_ends_the_demonstration_with_an_error(scenario: str, child: str, folder: Path) -> None:
    demo = begun(folder, "--scenario", scenario)
    assert demo.stdout
    next(line for line in demo.stdout if MOMENTS[scenario][0] in line)
    os.kill(process_of(folder, child), signal.SIGKILL)
    _, err = demo.communicate(timeout=20)
    assert are_gone(folder)
    assert demo.returncode == 1
    assert len(err.splitlines()) == 1
    assert is_clean(folder)


@pytest.mark.parametrize("module", ["attr.py", "queue.py", "trio.py", "wagman.py"])
def test_what_lies_in_the_current_folder_is_not_executed(module: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / module).write_text(f"open({str(tmp_path / 'executed')!r}, 'w'); raise SystemExit(9)\n")
    command = str(Path(sys.executable).with_name("wagman"))
    env = {**os.environ, "TMPDIR": str(folder)}
    demo = subprocess.Popen((command, "demo"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, cwd=tmp_path)
    assert demo.stdout
    begun_well = any("began to start" in line for line in demo.stdout)
    demo.send_signal(signal.SIGINT)
    _, err = demo.communicate(timeout=20)
    assert (begun_well, err) == (True, "")
    assert not (tmp_path / "executed").exists()
    assert is_clean(folder)


@pytest.mark.parametrize("module", ["attr.py", "argparse.py"])
@pytest.mark.parametrize("package", ["wagman", "wagman.fake"])
def test_nor_is_it_by_the_package_as_a_program(module: str, package: str, tmp_path: Path) -> None:
    (tmp_path / module).write_text(f"open({str(tmp_path / 'executed')!r}, 'w')\n")
    done = subprocess.run((sys.executable, "-m", package, "--help"), capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "executed").exists()


def test_a_folder_for_temporary_files_with_a_long_name_is_no_obstacle(folder: Path) -> None:
    long = folder / ("t" * 100)
    long.mkdir()
    demo = begun(long)
    assert demo.stdout
    assert any("began to start" in line for line in demo.stdout)
    demo.send_signal(signal.SIGINT)
    _, err = demo.communicate(timeout=20)
    assert err == ""
    assert list(long.iterdir()) == []


def test_what_cannot_be_shown_is_an_error(folder: Path) -> None:
    """A board that runs ten times slower than the service believes: the first guest is not up in time."""
    code = "import wagman.demo.node as node; node.fake_guests = lambda _: ('gn:boot=900,beat=8', 'cs:beat=0', 'x1:beat=0')\n"
    code += "from wagman.cli import main; raise SystemExit(main(['demo', '--scenario', 'tour', '--speed', '60']))"
    env = {**os.environ, "TMPDIR": str(folder)}
    ended = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, env=env, timeout=60, check=False)
    assert ended.returncode == 1
    assert "not shown within 300 s of board time: the guests were started one after the other" in ended.stderr
    assert is_clean(folder)


def test_a_scenario_that_is_not_there_is_a_usage_error(folder: Path) -> None:
    _, err = begun(folder, "--scenario", "encore").communicate(timeout=20)
    assert err == "wagman: no scenario 'encore': there are mast, tour, unplug, reset\n"
