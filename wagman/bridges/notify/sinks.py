"""The ways out: a service that Apprise knows, or a command. Each delivers a message within a bound, or says why it did not.

No reason has a secret in it: an address may hold a password, and so may the arguments of a command.
"""

import logging
import os
import re
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol
from urllib.parse import unquote

import trio
from attrs import define, field, frozen

from wagman.bridges.notify.message import Message, Severity
from wagman.bridges.notify.threads import within
from wagman.model import process
from wagman.model.words import plain

DELIVER_S = 60.0
"""How long one delivery may take (chosen: a mail server that greylists, over a slow uplink)."""

MOST_HANGING = 3
"""How many deliveries of a destination may hang, each in a thread, before no more are begun (chosen)."""

MOST_OUTPUT_BYTES = 2000
SHOWN_CHARS = 200
"""How much of the output of a command or of Apprise is repeated (chosen)."""

LEAST_SECRET_CHARS = 3
"""Shorter pieces of an address are no secrets, and would blot out every other word (chosen)."""

NOT_INSTALLED = "Apprise is not installed here: pip install 'wagman[notify]', or name a command instead"
UNKNOWN_URL = "Apprise does not know this address: see https://appriseit.com/services/ for how each service is written"

_KINDS: Mapping[Severity, str] = {"over": "success", "info": "info", "warning": "warning", "critical": "failure"}
"""The severities, in Apprise's words."""

_PIECES = re.compile(r"[/:@?&=,;#+]+")


class Sink(Protocol):
    """A way out."""

    async def deliver(self, message: Message) -> str | None:
        """Deliver a message; return None once it was taken, or why not. A message that was not taken may still have arrived."""
        ...


# --- Commands ---------------------------------------------------------------------------------------------------------


@frozen
class Command:
    """A command that is run for each message, with the message in its environment; exit status 0 says that it was taken."""

    command: Sequence[str] = field(repr=False)

    async def deliver(self, message: Message) -> str | None:
        """Run the command."""
        ended = await process.run(self.command, {**os.environ, **environment(message)}, DELIVER_S, MOST_OUTPUT_BYTES)
        if ended.status == 0:
            return None
        # If the command cannot be run, the system's error names the program, without its arguments.
        said = ended.output.splitlines()[-1:] if ended.output else []
        how = ended.detail if ended.status is None else f"ended with {ended.detail}"
        words = ": ".join([f"the command {how}", *said])
        return plain(without(self.command[1:], words))[:SHOWN_CHARS]


def environment(message: Message) -> Mapping[str, str]:
    """Return a message as variables for a command."""
    return {
        "WAGMAN_ID": message.id,
        "WAGMAN_TITLE": message.title,
        "WAGMAN_BODY": message.text(),
        "WAGMAN_SEVERITY": message.severity,
        "WAGMAN_COUNT": str(message.count),
        "WAGMAN_AGAIN": "1" if message.tries > 1 else "",
    }


# --- Apprise ----------------------------------------------------------------------------------------------------------


def trouble(url: str) -> str | None:
    """Return why Apprise cannot use this address; None if it seems to be able to."""
    try:
        return None if _service(url) else UNKNOWN_URL
    except ImportError:
        return NOT_INSTALLED


@define(eq=False)
class Apprise:
    """A service that Apprise knows, by its address."""

    url: str = field(repr=False)
    limiter: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(MOST_HANGING), init=False, repr=False)

    async def deliver(self, message: Message) -> str | None:
        """Have Apprise send the message, in a thread. A thread that hangs is abandoned, and counts against `MOST_HANGING`."""
        return await within(DELIVER_S, f"no answer within {DELIVER_S:g} s", self.limiter, self._send, message)

    def _send(self, message: Message) -> str | None:
        said = _Said()
        try:
            service = _service(self.url)
            with said:
                kind = _KINDS[message.severity]
                # Apprise converts text to what the service wants: HTML, for mail.
                is_taken = service.notify(title=message.title, body=message.text(), notify_type=kind, body_format="text")
        except Exception as error:  # noqa: BLE001 - it may be of any of a hundred services
            return plain(without(_PIECES.split(self.url), f"{type(error).__name__}: {error}"))[:SHOWN_CHARS]
        return None if is_taken else without(_PIECES.split(self.url), said.words)[:SHOWN_CHARS]


class _Said(logging.Handler):
    """Collects what Apprise logs in this thread while it sends: only its log says why it failed."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.thread = threading.get_ident()
        self.lines = list[str]()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line of the log."""
        if record.thread == self.thread and len(self.lines) < MOST_HANGING:
            self.lines.append(record.getMessage())

    def __enter__(self) -> None:
        logging.getLogger("apprise").addHandler(self)

    def __exit__(self, *exc: object) -> None:
        logging.getLogger("apprise").removeHandler(self)

    @property
    def words(self) -> str:
        """All lines, joined into one."""
        return plain(" / ".join(self.lines)) or "it was not taken, and nothing was said of why"


def _service(url: str) -> Any:
    """Return the service at that address; it is false if Apprise does not know the address."""
    apprise = import_module("apprise")
    log = logging.getLogger("apprise")
    log.propagate = False  # its log may have an address in it, so it goes nowhere by itself
    if not log.handlers:
        log.addHandler(logging.NullHandler())
    # Without a time-out of its own Apprise sends in this thread, where its log is collected; the bound is ours.
    asset = apprise.AppriseAsset(app_id="wagman", app_desc="wagman", async_mode=False, service_timeout=0)
    service = apprise.Apprise(asset=asset)
    service.add(url)
    return service


def without(secrets: Sequence[str], text: str) -> str:
    """Return `text` with these words blotted out."""
    pieces = {each for word in secrets for each in (word, unquote(word)) if len(each) >= LEAST_SECRET_CHARS}
    for piece in sorted(pieces, key=len, reverse=True):
        text = text.replace(piece, "***")
    return text
