"""How the v3 firmware reads: lines out of bytes, words out of lines, numbers out of words - traps included."""

import re
from collections.abc import Iterator

from attrs import define, field

BUFFER_BYTES = 80
"""The byte that fills this buffer makes it overflow, even if it is the LF (firmware)."""

MAX_WORDS = 8
"""The most words of a line, with the sid; the rest is dropped (firmware)."""

_WORD = re.compile(rb"[!-~]+")
_NUMBER = re.compile(r"[+-]?\d+")


@define
class LineBuffer:
    """The firmware's line buffer."""

    held: bytearray = field(init=False, factory=bytearray)

    def take(self, arrived: bytearray, allowance: int) -> tuple[bytes | None, int]:
        """Take the next line out of `arrived`, and return it with the rest of the allowance in bytes.

        The line is None if what has arrived, or is allowed, does not complete one. The rests of overlong lines are skipped.
        """
        while arrived and allowance > 0:
            room = BUFFER_BYTES - len(self.held)
            end = arrived.find(b"\n", 0, min(room - 1, allowance)) + 1
            size = end or min(room, allowance, len(arrived))
            self.held += arrived[:size]
            del arrived[:size]
            allowance -= size
            if end:
                line = bytes(self.held)
                self.held.clear()
                return line, allowance
            if len(self.held) == BUFFER_BYTES:
                allowance -= self._overflow(arrived, allowance)
        return None, allowance

    def _overflow(self, arrived: bytearray, allowance: int) -> int:
        """Drop the buffer, and what has arrived up to an LF; return how many bytes were skipped."""
        self.held.clear()
        end = arrived.find(b"\n", 0, allowance) + 1
        skipped = end or min(len(arrived), allowance)
        del arrived[:skipped]
        return skipped


def words(line: bytes) -> list[str]:
    """Return the words of a line: runs of printable ASCII; any other byte separates, NUL ends the line."""
    return [word.decode("ascii") for word in _WORD.findall(line.partition(b"\0")[0])[:MAX_WORDS]]


def meaning(line: list[str]) -> str:
    """Return the command of a line and its port, without the sid and further words."""
    name, *arguments = [*line[line[0].startswith("@") :], ""]
    return f"{name} {port_number(arguments[0])}" if arguments and arguments[0] else name


def meanings(data: bytes) -> Iterator[str]:
    """Yield the meanings of all lines in these bytes."""
    return (meaning(line) for line in map(words, data.split(b"\n")) if line)


def number(word: str) -> int:
    """Return the leading digits as a signed 16-bit number; 0 without any."""
    match = _NUMBER.match(word)
    value = int(match[0]) if match else 0
    return (value + 0x8000) % 0x1_0000 - 0x8000


def port_number(word: str) -> int:
    """Return the port that a word means to the firmware: a number cut to 8 bits, which may be no port."""
    return number(word) & 0xFF
