"""The board's end of the serial link: printed bytes with the times at which they leave, and received bytes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf
from typing import TypeAlias

from attrs import define, evolve, field, frozen

from wagman.fake.clock import BoardClock
from wagman.fake.faults import Faults

INPUT_BYTES = 4096
"""How many bytes may wait for a busy board before the host's writes block (chosen; the order of a tty's buffer)."""


PRINT_STALL_S = 0.25
"""How long a print waits for a host that keeps the port open and does not read (firmware: the USB core's time-out)."""


MARK = b"<<<-"
"""The beginning of a frame of a v3 board."""


@frozen
class Data:
    """Bytes leave the board."""

    at_s: float
    data: bytes
    tells: tuple[int, ...] = ()  # the ports whose last heartbeat it tells, in undamaged words


@frozen
class Piece:
    """A text that was printed at once, and what is left of it after the faults."""

    said: bytes
    data: bytes
    tells: tuple[int, ...]
    is_checked: bool = False  # a line with a checksum of its own, which the host believes or not by itself

    @property
    def read(self) -> bytes:
        """What the host reads: a frame begins with the last mark on its line, and what stands before it is none of it."""
        return self.data[max(self.data.rfind(MARK), 0) :]

    @property
    def is_sound(self) -> bool:
        """Whether the host reads the same words: doubled or lost blanks and line ends do no harm."""
        return self.said == self.data or self.said.split() == self.read.split()


def told(pieces: Sequence[Piece]) -> Iterator[int]:
    """Yield the ports whose heartbeat the host learns.

    Of a line with a checksum, if it is undamaged, and so is the end of the line before it; of a frame, if no word of it is
    missing, and its own words and those of the port are undamaged.
    """
    for before, each in zip((None, *pieces), pieces, strict=False):
        if each.is_checked and each.is_sound and (before is None or before.data.endswith(b"\n")):
            yield from each.tells
    yield from _told_by_frame([each for each in pieces if not each.is_checked])


def _told_by_frame(pieces: Sequence[Piece]) -> Iterator[int]:
    if not any(each.tells for each in pieces):
        return
    said, read = (b"".join(getattr(each, name) for each in pieces).split() for name in ("said", "read"))
    if len(said) == len(read) and all(each.is_sound for each in pieces if not each.tells):
        for each in pieces:
            yield from each.tells if each.is_sound else ()


@frozen
class Tty:
    """The tty appears, or disappears with everything in it."""

    at_s: float
    up: bool


Output: TypeAlias = Data | Tty


@define(eq=False, repr=False)
class Usb:
    """The USB serial port as the firmware sees it."""

    clock: BoardClock
    faults: Faults
    up: bool = False
    arrived: bytearray = field(factory=bytearray)  # the firmware takes from the front
    _sent: bytearray = field(factory=bytearray)  # the bytes that the host sent of what has arrived and was not wholly taken
    _garbled: bool = False  # it arrived damaged
    _outputs: list[Output] = field(factory=list)
    _line: list[Piece] = field(factory=list)  # printed at `_line_at_s` and not yet an output, before the faults
    _line_at_s: float = 0.0
    room: float = inf  # how much the host's tty still takes; a tty that nobody holds open takes everything, and loses it
    _stalled_s: float = 0.0  # the time that prints have waited in vain, and the firmware has yet to wait

    def print(self, text: str, *tells: int, is_checked: bool = False) -> None:
        """Send `text` (Latin-1) unchanged, which tells of these ports. Texts that are printed at one instant leave as one piece.

        A host that does not read stalls the firmware, which prints its words one by one; what cannot be sent is lost.
        """
        if self.room <= 0:
            self._stalled_s += PRINT_STALL_S * max(1, len(text.split())) if text else 0.0
            return
        self.room -= 0 if self.faults.silent else len(text)
        if self._line and self._line_at_s != self.clock.now_s:
            self._flush()
        self._line_at_s = self.clock.now_s
        said = text.encode("latin-1")
        self._line.append(Piece(said, said, tells, is_checked))

    def println(self, text: str = "", *tells: int) -> None:
        """Send a line."""
        self.print(f"{text}\r\n", *tells)

    def take_stalled_s(self) -> float:
        """Return how long prints have waited in vain since the last call."""
        stalled_s, self._stalled_s = self._stalled_s, 0.0
        return stalled_s

    def set_up(self, *, up: bool) -> None:
        """Attach to the host, or detach from it; bytes on their way are lost."""
        if up == self.up:
            return
        self._flush()
        self.room = inf  # nobody holds the tty open any more
        self.up = up
        self.arrived.clear()
        self.taken(b"")
        self._outputs.append(Tty(self.clock.now_s, up))

    def receive(self, data: bytes) -> int:
        """Take bytes from the host; return how many were taken. The rest has to wait (flow control)."""
        taken = data[: max(0, INPUT_BYTES - len(self.arrived))] if self.up else b""
        arriving = self.faults.incoming(taken)
        self.arrived += arriving
        self._sent += taken
        self._garbled |= arriving != taken
        return len(taken)

    def taken(self, held: "bytes | bytearray") -> None:
        """Take in that the firmware has taken what has arrived; `held` is an incomplete line that it keeps."""
        if not self.arrived and not held:
            self._sent.clear()
            self._garbled = False

    def genuine(self, request: str, requests_in: Callable[[bytes], Iterable[str]]) -> str | None:
        """Return the request if the host sent it; None if the cable has turned another one into it."""
        return request if not self._garbled or request in requests_in(bytes(self._sent)) else None

    def take_outputs(self) -> list[Output]:
        """Return everything that left the board since the last call, in order."""
        self._flush()
        outputs, self._outputs = self._outputs, []
        return outputs

    def _flush(self) -> None:
        if not self._line:
            return
        pieces = [evolve(each, data=self.faults.outgoing(each.said)) for each in self._line]
        self._line.clear()
        data = b"".join(each.data for each in pieces)
        if data and self.up:
            self._outputs.append(Data(self._line_at_s, data, tuple(told(pieces))))
