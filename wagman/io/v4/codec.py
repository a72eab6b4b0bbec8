"""The sensorgram dialect of v4 boards: bytes to lines of sensorgrams, sensorgrams to request lines. Sans-IO.

A line is base64 of one or more sensorgrams, ended by LF. A sensorgram, big-endian:

    length of values (2), timestamp (4), id (2), instance (1), sub_id (1), source id (2), source instance (1),
    values, each a type byte and data; then a CRC-8 of everything before it

Replies name no request; `requests` decides which reply belongs to which. The decoder yields what is good in each
line. A CRC-8 alone lets one damaged sensorgram in 256 through; but the board fills timestamp, instance and
sources with constants and sends one value at a time, and only what looks like that is believed. After a damaged
sensorgram the decoder searches for the good ones behind it: a lost character moves all that follows by six bits, and a reply
that was cut short on a UART runs straight into the next one.
"""

import re
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any, Final, TypeAlias

from attrs import frozen

from wagman.model.errors import CallerError

# --- Values -----------------------------------------------------------------------------------------------------------


class Type(IntEnum):
    """The scalar types; adding `ARRAY` makes an array type."""

    BYTE = 0x01
    CHAR = 0x02
    INT8 = 0x03
    UINT8 = 0x04
    INT16 = 0x05
    UINT16 = 0x06
    INT24 = 0x07
    UINT24 = 0x08
    INT32 = 0x09
    UINT32 = 0x0A
    FLOAT16 = 0x0B
    FLOAT32 = 0x0C
    FLOAT64 = 0x0D


ARRAY: Final = 0x80
BYTES: Final = ARRAY + Type.BYTE

Items: TypeAlias = bytes | str | tuple[int, ...] | tuple[float, ...]


@frozen
class Value:
    """A typed value: a scalar is one item, an array any number of them."""

    type: int
    items: Items  # bytes for BYTE, str (latin-1) for CHAR, else a tuple of numbers


@frozen
class _Kind:
    size: int  # bytes of an item
    pack: Callable[[Any], bytes]
    unpack: Callable[[bytes], Items]


def _integers(size: int, *, signed: bool) -> _Kind:
    def pack(numbers: Sequence[int]) -> bytes:
        return b"".join(number.to_bytes(size, "big", signed=signed) for number in numbers)

    def unpack(data: bytes) -> tuple[int, ...]:
        return tuple(int.from_bytes(data[at : at + size], "big", signed=signed) for at in range(0, len(data), size))

    return _Kind(size, pack, unpack)


def _floats(size: int, code: str) -> _Kind:
    def pack(numbers: Sequence[float]) -> bytes:
        return struct.pack(f">{len(numbers)}{code}", *numbers)

    def unpack(data: bytes) -> tuple[float, ...]:
        return struct.unpack(f">{len(data) // size}{code}", data)

    return _Kind(size, pack, unpack)


_KINDS: Mapping[int, _Kind] = {
    Type.BYTE: _Kind(1, bytes, bytes),
    Type.CHAR: _Kind(1, lambda text: str(text).encode("latin-1"), lambda data: data.decode("latin-1")),
    Type.INT8: _integers(1, signed=True),
    Type.UINT8: _integers(1, signed=False),
    Type.INT16: _integers(2, signed=True),
    Type.UINT16: _integers(2, signed=False),
    Type.INT24: _integers(3, signed=True),
    Type.UINT24: _integers(3, signed=False),
    Type.INT32: _integers(4, signed=True),
    Type.UINT32: _integers(4, signed=False),
    Type.FLOAT16: _floats(2, "e"),
    Type.FLOAT32: _floats(4, "f"),
    Type.FLOAT64: _floats(8, "d"),
}
_UNSIGNED = (Type.UINT8, Type.UINT16, Type.UINT24, Type.UINT32)


def unsigned(number: int) -> Value:
    """A number in the shortest unsigned type that holds it, which is how the board sends numbers and what it accepts.

    Raises:
        CallerError: no unsigned type holds it.
    """
    for kind in _UNSIGNED:
        if 0 <= number < 1 << 8 * _KINDS[kind].size:
            return Value(kind, (number,))
    raise CallerError(f"{number} is no unsigned number of at most 32 bits")


def _pack_value(value: Value) -> bytes:
    kind = _KINDS[value.type & ~ARRAY]
    data = kind.pack(value.items)
    count = len(data) // kind.size
    if value.type & ARRAY:
        return struct.pack(">BH", value.type, count) + data
    if count != 1:
        raise ValueError(f"a scalar of {count} items")
    return bytes([value.type]) + data


def _size_of(value: Value) -> int:
    return (3 if value.type & ARRAY else 1) + len(value.items) * _KINDS[value.type & ~ARRAY].size


def _unpack_values(body: bytes) -> tuple[Value, ...]:
    """The values that fill `body` exactly.

    Raises:
        ValueError: anything else.
    """
    values = []
    while body:
        value, size = _unpack_value(body)
        values.append(value)
        body = body[size:]
    return tuple(values)


def _unpack_value(body: bytes) -> tuple[Value, int]:
    kind = _KINDS.get(body[0] & ~ARRAY)
    if kind is None:
        raise ValueError(f"unknown type {body[0]}")
    start, count = (3, int.from_bytes(body[1:3], "big")) if body[0] & ARRAY else (1, 1)
    end = start + count * kind.size
    if len(body) < end:
        raise ValueError("a value that is cut short")
    return Value(body[0], kind.unpack(body[start:end])), end


# --- Sensorgrams ------------------------------------------------------------------------------------------------------

_HEADER = struct.Struct(">HIHBBHB")


@frozen
class Sensorgram:
    """A message; what the fields mean depends on its id (`requests`)."""

    id: int
    sub_id: int
    values: tuple[Value, ...] = ()
    timestamp: int = 0
    instance: int = 0
    source_id: int = 0
    source_instance: int = 0

    @property
    def number(self) -> int | None:
        """The value, if there is one, and it is an unsigned number; else None."""
        if len(self.values) == 1 and self.values[0].type in _UNSIGNED and isinstance(self.values[0].items[0], int):
            return self.values[0].items[0]
        return None

    def pack(self) -> bytes:
        """The sensorgram as it goes over the wire, before base64.

        Raises:
            CallerError: a value does not fit its type, or a field its width.
        """
        try:
            body = b"".join(map(_pack_value, self.values))
            fields = (self.timestamp, self.id, self.instance, self.sub_id, self.source_id, self.source_instance)
            data = _HEADER.pack(len(body), *fields) + body
        except (ValueError, TypeError, LookupError, OverflowError, AttributeError, struct.error) as error:
            raise CallerError(f"{self} cannot be sent: {error}") from error
        return data + bytes([crc8(data)])

    @classmethod
    def unpack(cls, data: bytes) -> "Sensorgram":
        """The sensorgram at the beginning of `data`.

        Raises:
            ValueError: there is none.
        """
        if len(data) <= _HEADER.size:
            raise ValueError("a header that is cut short")
        length, timestamp, number, instance, sub_id, source_id, source_instance = _HEADER.unpack_from(data)
        end = _HEADER.size + length
        if len(data) <= end or crc8(data[: end + 1]):
            raise ValueError("cut short, or a wrong CRC")
        values = _unpack_values(data[_HEADER.size : end])
        return cls(number, sub_id, values, timestamp, instance, source_id, source_instance)

    @property
    def size(self) -> int:
        """Bytes on the wire, before base64."""
        return _HEADER.size + sum(map(_size_of, self.values)) + 1


def _crc8_of_byte(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0x8C if byte & 1 else 0)
    return byte


_CRC8 = tuple(map(_crc8_of_byte, range(256)))


def crc8(data: bytes) -> int:
    """CRC-8 as Dallas and Maxim define it; the CRC of data with its CRC appended is 0."""
    crc = 0
    for byte in data:
        crc = _CRC8[crc ^ byte]
    return crc


# --- What the board says ----------------------------------------------------------------------------------------------

MAX_LINE = 1024
"""The longest line from the board, in characters (chosen); its longest, the minute report, has 544."""

_LONGEST = 64
"""The longest single sensorgram from the board, in characters (chosen); its longest, the id, has 36."""

_LIKE_THE_BOARDS = re.compile(rb"(?=\0[\x02-\x40]\0{4}..\0.\0[\0\1]\0)", re.DOTALL)
"""Where a sensorgram of the board may begin: one short value; timestamp, instance, source instance 0; source id 0 or 1."""

_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]")


@frozen
class Line:
    """The good sensorgrams of one line: one in the reply to a request sensorgram, many in the minute report."""

    sensorgrams: tuple[Sensorgram, ...]


@frozen
class EmptyLine:
    """The board's only way to refuse: the reply to an unknown or forbidden request sensorgram."""


@frozen
class Junk:
    """A line that holds something other than good sensorgrams; the good ones in it were told before it."""

    data: bytes


Event: TypeAlias = Line | EmptyLine | Junk


class Decoder:
    """Eats bytes in pieces of any size and yields events; never raises, and holds `MAX_LINE` bytes at most.

    A decoder belongs to one connection: after a hang-up the next connection begins with a new one.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._mid_line = False  # the buffer begins inside an overlong line

    def feed(self, data: bytes) -> list[Event]:
        """Take what the port delivered; return the events that it completes, in the order of the bytes."""
        self._buffer += data
        return list(self._drain())

    def _drain(self) -> Iterator[Event]:
        while True:
            end = self._buffer.find(b"\n", 0, MAX_LINE)
            if end >= 0:
                yield from self._end_of_line(bytes(self._buffer[:end]).rstrip(b"\r"))
                del self._buffer[: end + 1]
            elif len(self._buffer) >= MAX_LINE:
                yield from self._overlong(bytes(self._buffer[:MAX_LINE]))
            else:
                return

    def _end_of_line(self, line: bytes) -> Iterator[Event]:
        if line:
            yield from _events_of(line, _Scan(line))
        elif not self._mid_line:
            yield EmptyLine()
        self._mid_line = False

    def _overlong(self, line: bytes) -> Iterator[Event]:
        scan = _Scan(line)
        end = max(scan.end, MAX_LINE - _LONGEST)  # a good sensorgram may have begun
        yield from _events_of(line[:end], scan)
        del self._buffer[:end]
        self._mid_line = True


def _events_of(line: bytes, scan: "_Scan") -> Iterator[Event]:
    if scan.found:
        yield Line(tuple(scan.found))
    if not scan.is_whole:
        yield Junk(line)


class _Scan:
    """What is good in a line."""

    def __init__(self, line: bytes) -> None:
        self.found: list[Sensorgram] = []
        self.is_whole = True  # the line holds nothing else
        self.end = 0  # how many characters reach up to the end of the last good sensorgram
        text = _NO_BASE64.sub(b"A", line)  # keeps the rest in its place; a CRC notices up to 8 wrong bits in a row
        for piece in re.finditer(rb"[^=]+", text):  # padding may stand in the middle, between separately encoded pieces
            self._scan_piece(piece[0], piece.start())
        self.is_whole = self.is_whole and text == line and bool(self.found)

    def _scan_piece(self, text: bytes, offset: int) -> None:
        at = 0
        for bit, data in _candidates(text):
            if bit < at:
                continue
            try:
                found = Sensorgram.unpack(data)
            except ValueError:
                continue
            if len(found.values) != 1:
                continue
            self.found.append(found)
            self.is_whole = self.is_whole and bit == at
            at = bit + 8 * found.size
            self.end = offset + at // 6
        self.is_whole = self.is_whole and len(text) * 6 - at < 8  # noqa: PLR2004


def _candidates(text: bytes) -> list[tuple[int, bytes]]:
    """Where in `text` a sensorgram of the board may begin, in bits, and the bytes from there on."""
    return sorted(candidate for shift in range(4) for candidate in _candidates_at(text, shift))


def _candidates_at(text: bytes, shift: int) -> Iterator[tuple[int, bytes]]:
    """The same for one of the four ways in which bytes can lie across characters of six bits."""
    size = (len(text) + shift) * 6 // 8
    data = b64decode((b"A" * shift + text + b"AAA")[: (len(text) + shift + 3) // 4 * 4])[:size]
    for match in _LIKE_THE_BOARDS.finditer(data):
        bit = 8 * match.start() - 6 * shift
        if bit >= 0:
            yield bit, data[match.start() :]


# --- What we say ------------------------------------------------------------------------------------------------------

MAX_REQUEST = 128
"""The longest request line, in characters without LF; the board drops a longer one whole (firmware)."""

RESYNC = b"\n"
"""Ends half a request in the board's input buffer; otherwise an empty line, which the board does not answer."""


def encode(sensorgrams: Sequence[Sensorgram]) -> bytes:
    """The request line for one or more sensorgrams; each is answered by a line of its own.

    Raises:
        CallerError: there is none, one of them cannot be packed, or the line is too long for the board.
    """
    line = b64encode(b"".join(sensorgram.pack() for sensorgram in sensorgrams))
    if not 0 < len(line) <= MAX_REQUEST:
        raise CallerError(f"a request line of {len(line)} characters: the board takes 1 to {MAX_REQUEST}")
    return line + b"\n"


def encode_all(sensorgrams: Sequence[Sensorgram]) -> bytes:
    """Request lines for any number of sensorgrams, as few as possible; over USB the board answers all of them in one pass.

    Raises:
        CallerError: one of them cannot be packed.
    """
    room, lines = 0, list[list[Sensorgram]]()
    for sensorgram in sensorgrams:
        if sensorgram.size > room:
            room = MAX_REQUEST * 6 // 8
            lines.append([])
        room -= sensorgram.size
        lines[-1].append(sensorgram)
    return b"".join(map(encode, lines))
