"""Lets the board restart each time that the relay of gn goes on: as a short circuit at that guest would."""

import json
import socket
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


while True:
    await_relay(on=True)
    ask("fault brownout")
    await_relay(on=False)
