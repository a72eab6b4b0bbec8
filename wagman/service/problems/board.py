"""Problems of the boards: no way to a board, and ports that nobody looks after."""

import errno
import os
from collections.abc import Iterator

from wagman.config.boards import BoardConfig
from wagman.config.installer import installer
from wagman.model.facts import Plug
from wagman.service.plugs import label
from wagman.service.problems.facts import Facts, Problem, Unseen, board_words

LINK_PATIENCE_S = 4.0
"""How long a link may be down before that is a problem: a board that restarts takes its port away for a moment (chosen: less than
the time between two polls).
"""

IS_IN = "the guests go on running; is the cable in, and has the board power?"
NO_PORT = "board.device has to name a serial port: correct it, then systemctl restart wagman"
HELD = "another program holds the port: fuser -v {device} names that program; end it"

REMEDIES: tuple[tuple[str, str], ...] = (
    (
        os.strerror(errno.EACCES),
        "let the service's user open it: ls -lL {device} shows who may; {install} puts the rule for it in place",
    ),
    (os.strerror(errno.ENOENT), f"{IS_IN} If its port has another name: board.device in the configuration"),
    (os.strerror(errno.EISDIR), NO_PORT),
    (os.strerror(errno.ENOTTY), NO_PORT),
    (os.strerror(errno.EBUSY), HELD),
    (os.strerror(errno.EWOULDBLOCK), HELD),
    (
        "another program reads this port",
        "fuser -v {device} names that program: end it",
    ),
    (os.strerror(errno.ENXIO), IS_IN),
    (os.strerror(errno.ENODEV), IS_IN),
    (os.strerror(errno.EIO), IS_IN),
    ("hung up", IS_IN),
)
"""What to do about a port that cannot be opened or kept, by a phrase in the reason."""

REPLACED = (
    "find out which board that is; if {name} was replaced, put the new board's id into its table, and restart the service; "
    "else give the right board a fixed address"
)
PASSWORD = "password"  # noqa: S105 - the word
MISTAKEN: tuple[tuple[str, str], ...] = (
    ("it is not switched", REPLACED),
    ("does not tell its", "find out what answers there: it is no board of this kind; nothing is switched"),
    (PASSWORD, "put its password into the file that password_file in its table names: the service reads the file anew each time"),
)
"""What to do where another board answers, or one that wants a password, by a phrase in the reason."""

SEE_THE_PORT = "look at the cable, the board's power, and {device}; the service opens it by itself once it can"


def remedy(reason: str, device: str, otherwise: str) -> str:
    """Return what to do about a port that gives this reason; `otherwise` where no phrase of REMEDIES is in it."""
    return next((do for said, do in REMEDIES if said in reason), otherwise).format(device=device, install=installer())


def board_unseen(facts: Facts) -> Iterator[Problem]:
    """A board is not reached, loses one connection after the other, does not answer, or is not the one that is configured."""
    for name, why in facts.unseen.items():
        if (problem := _unseen(facts, name, why)) is not None:
            yield problem


def _unseen(facts: Facts, name: str, why: Unseen) -> Problem | None:
    board, words = facts.boards[name], board_words(name)
    device = board["device"]
    if board["link"] != "up" and why.link_reason is not None:
        text, do = f"{words} cannot be reached: {why.link_reason}", remedy(why.link_reason, device, SEE_THE_PORT)
        return Problem(f"link:{name}", "critical", text, do, board=name, patience_s=LINK_PATIENCE_S)
    if why.unsteady_reason is not None:
        text = f"the connection to {words} is lost again and again: {why.unsteady_reason}"
        return Problem(f"link:{name}", "critical", text, remedy(why.unsteady_reason, device, SEE_THE_PORT), board=name)
    if why.silent_reason is not None:
        mistaken = _mistaken(facts.config.board_named(name), why.silent_reason)
        if mistaken is not None:
            text = f"{words} cannot be used: {why.silent_reason}"
            return Problem(f"link:{name}", "critical", text, mistaken.format(name=words), board=name)
        text = f"{words} does not answer on {device}: {why.silent_reason}"
        return Problem(f"link:{name}", "critical", text, facts.config.board_named(name).if_silent, board=name)
    return None


def _mistaken(board: BoardConfig, reason: str) -> str | None:
    """The remedy where that is the reason: what answers is not the board, or wants to know who asks."""
    takes_password = hasattr(board, "password_file")  # else it is a word of a program's, of whatever password
    return next((do for said, do in MISTAKEN if said in reason and (said != PASSWORD or takes_password)), None)


def port_left(facts: Facts) -> Iterator[Problem]:
    """A port has no table any more, and may have power."""
    for row in facts.status["ports"]:
        plug, was = Plug(row["board"], row["port"]), row["was"]
        text = f"{plug} has no table in the configuration ({was} had): the service does not look after its power"
        board = facts.config.board_named(plug.board)
        off = board.how_off.format(port=plug.port, typed=board.typed)
        do = f"wagman status shows it; give it a table again, or switch it off{off}"
        yield Problem(f"port:{label(plug)}", "warning", text, do)
