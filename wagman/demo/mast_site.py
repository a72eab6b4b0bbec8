"""A temporary mast, without a Wagman: a fake Shelly rail, computers that are real processes, and the configuration."""

import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import trio

from wagman.client.asynchronous import connect
from wagman.demo.node import LONGEST, Node, NodeError, bounded, child, events_of, reached, short_folder, wagman
from wagman.demo.settings import PYTHON, written
from wagman.demo.wire import Wire
from wagman.model.backend import FAKE_MAC

GUESTS: Final = ("ai", "camera", "weather")
"""The guests, in the order of their starts and of their outlets."""

PORTS: Final[Mapping[str, int]] = {name: outlet for outlet, name in enumerate(GUESTS)}

BOOT_S: Final = 20
"""How long each guest takes from power to its first answer."""

WAGMAN: Final[Mapping[str, Any]] = {"normal_interval": "5s"}

DEFAULTS: Final[Mapping[str, Any]] = {
    "heartbeat_timeout": "45s",
    "stop_silence": "20s",
    "start_timeout": "1min",
    "adopt_window": "20s",
    "stable_after": "30s",
    "command_timeout": "2min",
}
"""Time-outs of commands are longer than by default: the clock runs fast, and commands do not."""

ANSWER: Final = "5s"
"""How long a guest may take to answer, longer than by default for the same reason."""


def config_text(folder: Path, told: Mapping[str, Any]) -> str:
    """Return the configuration file; `told` has the ports that the fake mast has told."""
    ports: Mapping[str, int] = told["guests"]
    # An address of this computer would be refused as a witness, since it answers even without a network. This one does not.
    witness = {"exec": _question("ask", told["gateway"]), "timeout": "1min"}
    tables: dict[str, Mapping[str, Any]] = {
        "board": {"kind": "shelly", "host": f"127.0.0.1:{told['rail']}", "id": FAKE_MAC},
        "service": {"socket": str(folder / LONGEST), "state_dir": str(folder / "state")},
        "network.mast": {"witness": witness},
        "wagman": {"start_order": list(GUESTS), **WAGMAN},
        "defaults": DEFAULTS,
        **{f"device.{name}": _guest(name, ports[name]) for name in GUESTS},
    }
    return written(tables)


def _guest(name: str, port: int) -> Mapping[str, Any]:
    """Return the table of a guest; the camera has no shutdown command, since it has nothing to lose."""
    heartbeat = {"http": f"http://127.0.0.1:{port}/health", "expect": name, "timeout": ANSWER}
    return {
        "port": PORTS[name],
        "heartbeat": heartbeat,
        "shutdown": [] if name == "camera" else _question("halt", port),
    }


def _question(what: str, port: int) -> Sequence[str]:
    return [*PYTHON, "-m", "wagman.fake.mast.computer", what, str(port)]


@asynccontextmanager
async def running_mast(speed: float, _dialect: str) -> AsyncIterator[Node]:
    """Run a mast meanwhile, and yield the connections to it; at the end its processes have ended and its folder is gone.

    Raises:
        NodeError: a process did not start, or ended by itself.
    """
    with short_folder() as folder:
        async with trio.open_nursery() as nursery:
            guests = (word for name in GUESTS for word in ("--guest", name))
            command = (*PYTHON, "-m", "wagman.fake.mast", "--boot", str(BOOT_S), "--speed", str(speed), *guests)
            mast = await nursery.start(partial(child, folder, "fake mast", command, stdout=subprocess.PIPE))
            config = folder / "wagman.toml"
            with bounded():
                rail = _wire(mast)
                config.write_text(config_text(folder, await rail.told()), encoding="utf-8")
                await nursery.start(child, folder, "run", wagman("run", "--config", str(config), "--speed", str(speed)))
                service = await reached(partial(connect, folder / LONGEST))
            yield Node(rail, service, events_of(folder), speed, folder, PORTS)
            nursery.cancel_scope.cancel()


def _wire(process: trio.Process) -> Wire:
    """Return the pipes to a process."""
    if process.stdin is None or process.stdout is None:
        raise NodeError("a process without pipes")
    return Wire(trio.StapledStream(process.stdin, process.stdout))
