"""How the v4 firmware reads and writes lines: base64 as its decoder takes it, sensorgrams up to the first bad one."""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator

from attrs import define, field

from wagman.io.v4.codec import Sensorgram, Value, unsigned

MAX_LINE = 128
"""The most characters of a line; a longer one is dropped whole (firmware)."""

SOURCE_ID = 1

GROUP = 4
"""How many characters are decoded together; the last group may be shorter."""

_GOOD = re.compile(rb"[A-Za-z0-9+/]+")


@define
class LineBuffer:
    """The firmware's line buffer."""

    held: bytearray = field(init=False, factory=bytearray)

    def take(self, arrived: bytearray) -> bytes | None:
        """Take the next line out of `arrived`; None if there is no complete one, b"" for one that is too long."""
        end = arrived.find(b"\n") + 1
        self.held += arrived[: end or len(arrived)]
        del arrived[: end or len(arrived)]
        if not end:
            del self.held[MAX_LINE + 1 :]  # enough to know that it is too long
            return None
        line = bytes(self.held[:-1])
        self.held.clear()
        return line if len(line) <= MAX_LINE else b""


def decoded(line: bytes) -> bytes:
    """Return the bytes of a line as the decoder reads them: by fours, up to one with an unknown character or padding inside."""
    data = b""
    for at in range(0, len(line), GROUP):
        group = line[at : at + GROUP].rstrip(b"=")
        if not _GOOD.fullmatch(group):
            break
        data += b64decode(group.ljust(GROUP, b"A"))[: max(1, len(group) * 3 // GROUP)]
    return data


def sensorgrams(line: bytes) -> Iterator[Sensorgram]:
    """Yield the sensorgrams of a line up to the first bad one."""
    data = decoded(line)
    while data:
        try:
            sensorgram = Sensorgram.unpack(data)
        except ValueError:
            return
        yield sensorgram
        data = data[sensorgram.size :]


def meaning(asked: Sensorgram) -> str:
    """Return the request and its port, in the board's own numbers."""
    return f"{asked.id:04x} {asked.sub_id}"


def meanings(data: bytes) -> Iterator[str]:
    """Yield the meanings of all lines in these bytes."""
    return (meaning(asked) for line in data.split(b"\n") for asked in sensorgrams(line))


def reply(number: int, sub_id: int, value: int | Value, source_id: int = SOURCE_ID) -> Sensorgram:
    """Return a sensorgram as the firmware makes it."""
    values = (value if isinstance(value, Value) else unsigned(value),)
    return Sensorgram(number, sub_id, values, source_id=source_id)


@define
class Base64Stream:
    """A line whose characters leave as soon as they are complete."""

    _held: bytes = b""

    def add(self, sensorgram: Sensorgram) -> str:
        """Return the characters that are complete with this sensorgram."""
        data = self._held + sensorgram.pack()
        whole = len(data) // 3 * 3
        self._held = data[whole:]
        return b64encode(data[:whole]).decode()

    def close(self) -> str:
        """Return the remaining characters, and the line end."""
        return b64encode(self._held).decode() + "\n"
