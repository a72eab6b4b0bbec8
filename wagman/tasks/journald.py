"""The journal of systemd by its own protocol: one datagram an event, with fields that `journalctl WAGMAN_DEVICE=gn` finds.

See systemd.journal-fields(7) and https://systemd.io/JOURNAL_NATIVE_PROTOCOL. An event always fits into a datagram: its fields
take 8 kB at most.
"""

import json
import socket
from collections.abc import Mapping
from contextlib import suppress

from attrs import frozen

from wagman.model.catalogue import Severity, sentence_of, severity_of
from wagman.model.words import plain, user_name
from wagman.store import Event

SOCKET = "/run/systemd/journal/socket"
"""Where the journal listens."""

PRIORITIES: Mapping[Severity, int] = {"critical": 2, "warning": 4, "info": 6}
"""The priority of each severity, as syslog numbers them."""


def priority_of(event: Event) -> int:
    """The priority of an event for the journal, as syslog numbers them."""
    return PRIORITIES[severity_of(event.type, event.fields)]


def fields_of(event: Event) -> Mapping[str, str]:
    """The fields of an event for the journal: the sentence, keys to search by, and the whole event."""
    known = event.as_json()
    fields = {
        "MESSAGE": plain(sentence_of(known, user_name)),
        "PRIORITY": str(priority_of(event)),
        "SYSLOG_IDENTIFIER": "wagman",
        "WAGMAN_TYPE": event.type,
        "WAGMAN_EVENT": json.dumps(known, default=str),
    }
    more = {"WAGMAN_DEVICE": event.device, "WAGMAN_ID": event.id, "WAGMAN_CAUSE": event.cause}
    return fields | {key: str(value) for key, value in more.items() if value is not None}


def encoded(fields: Mapping[str, str]) -> bytes:
    """The fields in the form of the protocol. A value with a line end has its length in front, so that it forges no field."""
    return b"".join(_encoded(key.encode("ascii"), value.encode("utf-8", "backslashreplace")) for key, value in fields.items())


def _encoded(key: bytes, value: bytes) -> bytes:
    if b"\n" in value:
        return b"%b\n%b%b\n" % (key, len(value).to_bytes(8, "little"), value)
    return b"%b=%b\n" % (key, value)


@frozen
class Journald:
    """The way to the journal that listens at `path`."""

    path: str = SOCKET

    def __call__(self, event: Event) -> bool:
        """Send the event, and wait until the journal takes it; returns False if there is no journal at present."""
        with suppress(OSError), self._door() as door:
            # Each datagram is addressed: if the journal has made its socket anew, a connection would lead nowhere.
            door.sendto(encoded(fields_of(event)), self.path)
            return True
        return False

    def is_open(self) -> bool:
        """Whether there is a journal that this process can reach."""
        with suppress(OSError), self._door() as door:
            door.connect(self.path)
            return True
        return False

    def _door(self) -> socket.socket:
        return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
