"""The README's walk in two terminals, typed as it stands there."""

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.docs.blocks import ROOT, blocks

BUSY_S = 60.0
"""How long each thing may take on a machine that does much else."""

NOT_TYPED = re.compile(r"^(export |wagman top|wagman events -f)")
"""What needs a terminal, or goes on until it is interrupted."""


def the_walk() -> tuple[str, list[str], list[str]]:
    """The configuration, and what is typed in the first and in the second terminal."""
    found = list(blocks(ROOT / "README.md"))
    (configuration,) = [block.text for block in found if block.language == "toml"]
    (first,) = [block.text for block in found if block.text.startswith("wagman fake-board --link")]
    (second,) = [block.text for block in found if block.text.startswith("export WAGMAN_SOCKET")]
    typed = [line.partition("  #")[0].strip() for line in second.splitlines()]
    return configuration, [line.rstrip(" &") for line in first.splitlines()], typed


@contextmanager
def running(commands: list[str], place: Path, env: Mapping[str, str]) -> Iterator[None]:
    processes = [subprocess.Popen(shlex.split(command), cwd=place, env=env, stdout=subprocess.DEVNULL) for command in commands]
    try:
        yield
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(BUSY_S)


def test_what_the_readme_says_to_type_works(tmp_path: Path) -> None:
    configuration, services, typed = the_walk()
    (tmp_path / "node.toml").write_text(configuration, encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {"PATH": path, "WAGMAN_SOCKET": "wagman.sock", "LANG": "C.UTF-8"}

    def type_in(line: str) -> str:
        done = subprocess.run(
            ["sh", "-c", line], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=BUSY_S, check=False
        )
        assert done.returncode == 0, f"{line}: {done.stderr}"
        return done.stdout

    with running(services, tmp_path, env):
        wait_for(tmp_path / "wagman.sock")
        type_in("wagman start gn")  # until it is up
        for line in typed:
            if not NOT_TYPED.match(line):
                type_in(line)
        assert re.search(r"gn .*started", type_in("wagman status"))
    assert {"export WAGMAN_SOCKET=wagman.sock", "wagman top"} <= set(typed)


def wait_for(path: Path) -> None:
    until_s = time.monotonic() + BUSY_S
    while not path.exists():
        assert time.monotonic() < until_s, f"{path} never came"
        time.sleep(0.05)
