"""Problems of the board: its serial port, and ports that nobody looks after."""

import errno
import os
from collections.abc import Iterator

from wagman.service.problems.facts import BOARD, Facts, Problem

LINK_PATIENCE_S = 4.0
"""A board that restarts takes its port with it for a moment: no problem before that (chosen: less than a poll)."""

IS_IN = "is the cable in, and has the board power?"
NO_PORT = "board.device has to name a serial port: correct it, then systemctl restart wagman"
HELD = "another program holds it: fuser -v {device} names it; end that program"

REMEDIES: tuple[tuple[str, str], ...] = (
    (
        os.strerror(errno.EACCES),
        "let the service's user open it: ls -lL {device} shows who may; wagman install-service puts the rule for it in place",
    ),
    (os.strerror(errno.ENOENT), f"{IS_IN} If its port has another name: board.device in the configuration"),
    (os.strerror(errno.EISDIR), NO_PORT),
    (os.strerror(errno.ENOTTY), NO_PORT),
    (os.strerror(errno.EBUSY), HELD),
    (os.strerror(errno.EWOULDBLOCK), HELD),
    (
        "another program reads this port",
        "fuser -v {device} names it: end that program",
    ),
    (os.strerror(errno.ENXIO), IS_IN),
    (os.strerror(errno.ENODEV), IS_IN),
    (os.strerror(errno.EIO), IS_IN),
    ("hung up", IS_IN),
)
"""Remedies for a port that cannot be opened or kept, by what is said of it."""

SEE_THE_PORT = "look at the cable, the board's power, and {device}; the service opens it by itself once it can"
SEE_THE_BOARD = "press the board's reset button only if its guests may lose their power; else look at board.dialect and the cable"


def remedy(reason: str, device: str, otherwise: str) -> str:
    """The remedy for a port that gives this reason."""
    return next((do for said, do in REMEDIES if said in reason), otherwise).format(device=device)


def board_unseen(facts: Facts) -> Iterator[Problem]:
    """The port cannot be opened, or nobody answers there."""
    device = facts.status["board"]["device"]
    if facts.status["board"]["link"] != "up" and facts.link_reason is not None:
        text = f"the board cannot be reached: {facts.link_reason}"
        do = remedy(facts.link_reason, device, SEE_THE_PORT)
        yield Problem("link:board", "critical", text, do, board=BOARD, patience_s=LINK_PATIENCE_S)
    elif facts.unsteady_reason is not None:
        text = f"the connection to the board is lost again and again: {facts.unsteady_reason}"
        yield Problem("link:board", "critical", text, remedy(facts.unsteady_reason, device, SEE_THE_PORT), board=BOARD)
    elif facts.silent_reason is not None:
        text = f"the board does not answer on {device}: {facts.silent_reason}"
        yield Problem("link:board", "critical", text, SEE_THE_BOARD, board=BOARD)


def port_left(facts: Facts) -> Iterator[Problem]:
    """A port whose table is gone, and that may have power."""
    for row in facts.status["ports"]:
        port, was = row["port"], row["was"]
        text = f"port {port} has no table in the configuration ({was} had): nobody looks after its power"
        do = f"wagman status shows it; give it a table again, or switch it off: wagman board --force stop {port} 0"
        yield Problem(f"port:{port}", "warning", text, do)
