"""Brokers that speak MQTT, and that keep what they are to keep over their restarts: mosquitto, and another one."""

import shutil
import subprocess
from pathlib import Path
from typing import Protocol

import pytest
from attrs import define, field

from tests.io.brokers import STARTS_S, eventually
from tests.ports import free_port, listens

NATS = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin:/usr/local/bin")
needs_nats = pytest.mark.skipif(NATS is None, reason="nats-server is not installed")

NATS_CONFIG = """
server_name: one
listen: "127.0.0.1:{other}"
jetstream {{ store_dir: "{home}/jetstream" }}
mqtt {{ listen: "127.0.0.1:{port}" }}
"""


class AnyBroker(Protocol):
    """What is killed and started again."""

    port: int
    process: "subprocess.Popen[bytes] | None"

    def start(self) -> None: ...

    def stop(self) -> None: ...


@define(eq=False)
class Nats:
    """NATS with JetStream: MQTT 3.1.1 of another make than mosquitto's."""

    home: Path
    port: int = field(factory=free_port)
    other: int = field(factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        conf = self.home / "nats.conf"
        conf.write_text(NATS_CONFIG.format(home=self.home, port=self.port, other=self.other))
        assert NATS is not None
        with (self.home / "nats.log").open("ab") as log:
            self.process = subprocess.Popen([NATS, "-c", str(conf)], stdout=log, stderr=log)
        eventually(lambda: listens(self.port), "nats-server does not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(STARTS_S)
            self.process = None
