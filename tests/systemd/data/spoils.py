"""Keeps something of the fake board broken that concerns gn: `short` or `worn`."""

import json
import socket
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any


def ask(command: str) -> Any:
    """Send one command to the fake board."""
    with socket.socket(socket.AF_UNIX) as control:
        control.connect("/run/board/control")
        control.sendall(f"{command}\n".encode())
        with control.makefile() as answers:
            return json.loads(answers.readline())


def await_relay(*, on: bool) -> None:
    """Ask until the relay of gn is so."""
    while ask("status")["relays"][1]["on"] is not on:
        pass


def short() -> None:
    """The board restarts each time that the relay goes on: as a short circuit at that guest would have it."""
    await_relay(on=True)
    ask("fault brownout")
    await_relay(on=False)


def worn() -> None:
    """The board does not remember that it has disabled the port: as a worn cell of its EEPROM would have it."""
    ask("eeprom enabled gn 1")
    time.sleep(0.02)


TROUBLES: Mapping[str, Callable[[], None]] = {"short": short, "worn": worn}

while True:
    TROUBLES[sys.argv[1]]()
