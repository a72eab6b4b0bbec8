"""Zombies that others left behind are let go of; whoever waits for a child of his own gets its status."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service.kit import WAGMAN, eventually, new_node

ADOPTING = """
import ctypes, subprocess, sys, trio
from wagman.service import orphans

PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
orphans.LOOK_S = 0.05

def left():
    return [pid for pid, _ in orphans.zombies(orphans.os.getpid())]

async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(orphans.Reaper().run)
        codes = []
        for code in range(20):
            done = await trio.run_process(["sh", "-c", f"sleep 0.01 & exit {code}"], check=False)
            codes.append(done.returncode)
        with trio.fail_after(20):
            while left():
                await trio.sleep(0.01)
        print(codes == list(range(20)))
        nursery.cancel_scope.cancel()

trio.run(main)
"""


def test_a_zombie_is_let_go_of_and_no_status_of_our_own_children_is_lost() -> None:
    done = subprocess.run([sys.executable, "-c", ADOPTING], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("True\n", "")


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="making a container takes root")
def test_as_the_first_process_of_a_container_it_leaves_no_zombie() -> None:
    with new_node() as node:
        contained = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
        run = (*WAGMAN, "run", "--config", str(node.config), "--speed", "25")
        process = subprocess.Popen((*contained, *run), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        node.processes.append(process)
        eventually(lambda: node.answers() or process.poll() is not None)
        if process.poll() is not None:
            assert process.stderr
            pytest.skip(f"no container can be made here: {process.stderr.read()}")
        (first,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        inside = ("nsenter", "--target", first, "--pid", "--mount")
        subprocess.run((*inside, "sh", "-c", "(sleep 0.1 & sleep 0.1 &)"), check=True)
        eventually(lambda: len(children(first)) == 2)
        eventually(lambda: not children(first))


def children(pid: str) -> list[str]:
    """All of its threads' children."""
    return [child for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
