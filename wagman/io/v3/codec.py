"""The text dialect of v3 boards: bytes to events, words to request lines. Sans-IO.

A request is a line `@SID COMMAND ARGUMENT...` LF. Its reply is a frame:

    <<<- sid=SID COMMAND CR LF
    zero or more payload lines, each CR LF
    ->>> CR LF

Lines `log: TOPIC TEXT` come whenever the board has something to report, between frames and inside them; they never
split another line. There is no checksum, so the decoder believes a frame only as a whole: header, printable lines,
footer. Anything else abandons the frame that it stands in and is handed on as `Junk`. The next header or log line is
recognised wherever it begins, even in the middle of a damaged line.

The board answers wrong requests with an empty frame, just like success, or worse, with a command to the wrong
port (it reads `x` as port 0, the node controller). Therefore `encode` refuses them.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import TypeAlias, TypeVar

from attrs import define, field, frozen

from wagman.model.errors import BoardRefusedError, CallerError

T = TypeVar("T")

# --- What the board says ----------------------------------------------------------------------------------------------

MAX_LINE = 256
"""The longest line from the board, in bytes (chosen); its longest, a boot log, has about 110 (firmware)."""

MAX_FRAME_LINES = 64
"""The most lines of a reply, log lines included (chosen); the longest captured reply has 5."""

_MARKERS = (b"<<<- sid=", b"log: ")
_OVERLAP = max(map(len, _MARKERS)) - 1  # the length of a marker's beginning that may still be arriving
_HEADER = re.compile(rb"<<<- sid=(\S*) (\S+)")
_LOG = re.compile(rb"log: (\S+)(.*)")
_FOOTER = b"->>>"
_PRINTABLE = re.compile(rb"[\x20-\x7e]*")


@frozen
class Log:
    """A log line, told as soon as it is complete."""

    topic: str  # the first word: a port (`gn`) or a part of the minute report (`env`)
    text: str  # the rest, without blanks around it
    inside_sid: str | None = None  # the frame in which it stood: the log line is an effect of that request


@frozen
class Reply:
    """A complete reply frame."""

    sid: str
    name: str  # the command, as it was sent
    lines: tuple[str, ...] = ()


@frozen
class Junk:
    """Bytes that belong to no frame and no log line, or to a frame that never became whole; line ends are left out."""

    data: bytes


Event: TypeAlias = Log | Reply | Junk


@define
class _Frame:
    """A reply whose footer has not come yet."""

    sid: str
    name: str
    raw: list[bytes]
    lines: list[str] = field(factory=list)

    def reply(self) -> Reply:
        return Reply(self.sid, self.name, tuple(self.lines))


class Decoder:
    """Eats bytes in pieces of any size and yields events; never raises, and holds `MAX_LINE` * `MAX_FRAME_LINES` bytes at most.

    A decoder belongs to one connection: after a hang-up the next connection begins with a new one.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._frame: _Frame | None = None

    def feed(self, data: bytes) -> list[Event]:
        """Take what the port delivered; return the events that it completes, in the order of the bytes."""
        self._buffer += data
        return list(self._drain())

    def _drain(self) -> Iterator[Event]:
        while True:
            end = self._buffer.find(b"\n", 0, MAX_LINE)
            if end >= 0:
                yield from self._end_of_line(self._take(end + 1).rstrip(b"\r\n"))
            elif len(self._buffer) >= MAX_LINE:
                yield from self._overlong()
            else:
                return

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _overlong(self) -> Iterator[Event]:
        start = _last_marker(self._buffer[:MAX_LINE])
        yield from self._spoil(self._take(start if start > 0 else MAX_LINE - _OVERLAP))

    def _end_of_line(self, line: bytes) -> Iterator[Event]:
        start = max(_last_marker(line), 0)
        if start:
            yield from self._spoil(line[:start])
        if line[start:]:
            yield from self._line(line[start:])

    def _line(self, line: bytes) -> Iterator[Event]:
        if not _PRINTABLE.fullmatch(line):
            yield from self._spoil(line)
        elif header := _HEADER.fullmatch(line):
            yield from self._abandon()
            self._frame = _Frame(header[1].decode(), header[2].decode(), [line])
        elif log := _LOG.fullmatch(line):
            yield from self._log(log[1].decode(), log[2].decode().strip(), line)
        elif self._frame is None:
            yield Junk(line)
        elif line == _FOOTER:
            yield self._frame.reply()
            self._frame = None
        else:
            self._frame.lines.append(line.decode())
            yield from self._keep(self._frame, line)

    def _log(self, topic: str, text: str, line: bytes) -> Iterator[Event]:
        yield Log(topic, text, self._frame.sid if self._frame else None)
        if self._frame:
            yield from self._keep(self._frame, line)

    def _keep(self, frame: _Frame, line: bytes) -> Iterator[Event]:
        frame.raw.append(line)
        if len(frame.raw) > MAX_FRAME_LINES:
            yield from self._abandon()

    def _spoil(self, data: bytes) -> Iterator[Event]:
        yield from self._abandon()
        yield Junk(data)

    def _abandon(self) -> Iterator[Event]:
        if self._frame:
            yield Junk(b"\n".join(self._frame.raw))
            self._frame = None


def _last_marker(line: bytes | bytearray) -> int:
    return max(line.rfind(marker) for marker in _MARKERS)


def frame_of(sid: str, name: str) -> Callable[[Event], Reply | None]:
    """A matcher that picks the reply to one request."""

    def match(event: Event) -> Reply | None:
        return event if isinstance(event, Reply) and (event.sid, event.name) == (sid, name) else None

    return match


def reply_to(sid: str, name: str, parse: Callable[[tuple[str, ...]], T]) -> Callable[[Event], T | None]:
    """A matcher that picks the reply to one request, and returns what `parse` makes of its payload lines.

    The matcher raises `BoardRefusedError` if the board calls the request invalid, and what `parse` raises.
    """
    pick = frame_of(sid, name)

    def match(event: Event) -> T | None:
        reply = pick(event)
        if reply is None:
            return None
        if reply.lines and reply.lines[0].startswith("invalid "):
            raise BoardRefusedError(f"the board answered '{reply.lines[0]}' to '{name}'")
        return parse(reply.lines)

    return match


# --- What we say ------------------------------------------------------------------------------------------------------

MAX_REQUEST = 78
"""The longest request, in characters without LF; the board drops the rest, and the request that follows (firmware)."""

MAX_WORDS = 8
"""The most words of a request, the sid included; the board drops the rest silently (firmware)."""

RESYNC = b" " * (MAX_REQUEST + 2) + b"\n"
"""A blank line that makes the board forget half a request in its input buffer.

A bare LF would execute the half (`stop 1 3` of `stop 1 30`), and without either the half would swallow the next request
(`stop 1` and `@2 hb` is `stop 1@2 hb`, which cuts port 1 at once). The board drops its buffer at the 80th byte, and
then skips to the end of the line if that is already there; what is left of the blanks is a blank line.
"""

_SID = re.compile(r"[0-9A-Za-z._-]{1,16}")
_WORD = re.compile(r"[\x21-\x7e]+")
_MAX_INT = 32_767  # the firmware's int has 16 bits


def sids(prefix: str = "w") -> Iterator[str]:
    """An endless row of request names: short, deterministic, and the same again after 65,536."""
    return (f"{prefix}{number & 0xFFFF:x}" for number in count())  # `cycle` would keep all of them in memory


def encode(sid: str, words: Sequence[str]) -> bytes:
    """The request line for a command and its arguments.

    Raises:
        CallerError: the board would misread the request, or silently do nothing.
    """
    if not _SID.fullmatch(sid):
        raise CallerError(f"{sid!r} is no request name: use 1 to 16 letters, digits, '.', '_' or '-'")
    if not words:
        raise CallerError("an empty board command")
    for word in words:
        _check_word(word)
    line = " ".join((f"@{sid}", *words))
    if len(line) > MAX_REQUEST or len(words) >= MAX_WORDS:
        raise CallerError(f"board command too long: at most {MAX_REQUEST} characters and {MAX_WORDS} words, '@{sid}' included")
    _check_arguments(words[0], " ".join(words[1:]))
    return line.encode() + b"\n"


def _check_word(word: str) -> None:
    if not _WORD.fullmatch(word) or word.startswith("@"):
        raise CallerError(f"{word!r} cannot be sent to the board: use words of printable ASCII that do not begin with '@'")


def _check_arguments(command: str, arguments: str) -> None:
    usage = _USAGE.get(command)  # reads ignore their arguments, and the board itself rejects an unknown command
    if usage and not re.fullmatch(usage.pattern, arguments):
        raise CallerError(f"the board would misread '{command} {arguments}': it takes '{usage.text}'")
    if any(int(number) > _MAX_INT for number in re.findall(r"\d+", arguments)):
        raise CallerError(f"the board cannot count as far as '{command} {arguments}' asks: its numbers end at {_MAX_INT}")


@frozen
class _Usage:
    text: str
    pattern: str


_USAGE: Mapping[str, _Usage] = {
    "start": _Usage("start PORT", "[0-4]"),
    "ping": _Usage("ping PORT", "[0-4]"),
    "stop": _Usage("stop PORT [SECONDS]", "[0-4]( [0-9]+)?"),
    "enable": _Usage("enable PORT...", "[0-4]( [0-4])*"),
    "disable": _Usage("disable PORT...", "[0-4]( [0-4])*"),
    "bs": _Usage("bs PORT [emmc|sd]", "[0-4]( [^ ]+)?"),  # the board itself rejects a wrong medium
    "watch": _Usage("watch PORT hb t|f", "[0-4] hb [tf]"),  # any other word switches something else, or nothing
    "log": _Usage("log on|off", "on|off"),
    "reset": _Usage("reset [SECONDS]", "([0-9]+)?"),
    "date": _Usage(
        "date [YEAR MONTH DAY HOUR MINUTE SECOND]",
        "|20[0-9]{2} (0?[1-9]|1[0-2]) (0?[1-9]|[12][0-9]|3[01]) ([01]?[0-9]|2[0-3])( [0-5]?[0-9]){2}",
    ),
}
"""The commands whose arguments the board misreads, or drops silently: it ignores port 5, and reads ports `x` and 0x1 as 0."""

# --- What may be said when --------------------------------------------------------------------------------------------

# fmt: off
_REPEATABLE = frozenset((
    "bf", "blf", "boots", "bs", "cu", "date", "disable", "env", "fc", "hb", "id",
    "log", "ping", "rtc", "th", "up", "ver", "watch",
))
_FIGHTING = frozenset(("start", "stop", "enable", "disable", "reset", "eereset", "bs", "blf", "watch", "ping"))
# fmt: on


def is_repeatable(words: Sequence[str]) -> bool:
    """Whether a command that was not answered may be sent again, because twice does what once does.

    `start`, `stop` and `enable` may not (they move the board's timers and states), nor may setting the date.
    """
    return words[0] in _REPEATABLE and not (words[0] == "date" and len(words) > 1)


def fights_service(words: Sequence[str]) -> bool:
    """Whether an operator's raw command would undo what the service does, or stop the board's log (`log off`)."""
    return words[0] in _FIGHTING or tuple(words[:2]) == ("log", "off")
