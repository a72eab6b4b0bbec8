"""The board's end of the serial link: what it prints, with the time at which it leaves, and what has arrived."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf
from typing import TypeAlias

from attrs import define, field, frozen

from wagman.fake.clock import BoardClock
from wagman.fake.faults import Faults

INPUT_BYTES = 4096
"""What waits for a busy board at most before the host's writes block (chosen; the order of a tty's buffer)."""


PRINT_STALL_S = 0.25
"""How long a print waits for a host that keeps the port open and does not read (firmware: the USB core's time-out)."""


@frozen
class Data:
    """Bytes leave the board."""

    at_s: float
    data: bytes
    tells: tuple[int, ...] = ()  # ports of which it says, in sound words, when they were last heard


@frozen
class Piece:
    """What was printed at once, and what became of it on its way."""

    said: bytes
    data: bytes
    tells: tuple[int, ...]

    @property
    def is_sound(self) -> bool:
        """The host reads the same words: a blank or a line end that came twice, or not at all, harms none."""
        return self.said == self.data or self.said.split() == self.data.split()


def told(pieces: Sequence[Piece]) -> Iterator[int]:
    """The ports of which the host learns: no word is missing, and those around the answer and of the port are sound."""
    if not any(each.tells for each in pieces):
        return
    said, data = (b"".join(getattr(each, name) for each in pieces).split() for name in ("said", "data"))
    if len(said) == len(data) and all(each.is_sound for each in pieces if not each.tells):
        for each in pieces:
            yield from each.tells if each.is_sound else ()


@frozen
class Tty:
    """The tty appears or disappears, with everything in it."""

    at_s: float
    up: bool


Output: TypeAlias = Data | Tty


@define(eq=False, repr=False)
class Usb:
    """The USB serial port as the firmware sees it."""

    clock: BoardClock
    faults: Faults
    up: bool = False
    arrived: bytearray = field(factory=bytearray)  # taken from the front by the firmware
    _sent: bytearray = field(factory=bytearray)  # what has arrived, and was not wholly taken yet, as the host sent it
    _garbled: bool = False  # it arrived otherwise
    _outputs: list[Output] = field(factory=list)
    _line: list[tuple[bytes, tuple[int, ...]]] = field(
        factory=list
    )  # printed at `_line_at_s`, not yet an output; what each tells of
    _line_at_s: float = 0.0
    room: float = inf  # what the host's tty still takes; a tty that nobody holds open takes all, and loses it
    _stalled_s: float = 0.0  # waited in vain by prints, and not yet by the firmware

    def print(self, text: str, *tells: int) -> None:
        """Send `text` (Latin-1) as it is; what is printed at one instant leaves as one piece.

        A host that does not read stalls the firmware, which prints its words one by one; what it cannot send is lost.
        """
        if self.room <= 0:
            self._stalled_s += PRINT_STALL_S * max(1, len(text.split())) if text else 0.0
            return
        self.room -= 0 if self.faults.silent else len(text)
        if self._line and self._line_at_s != self.clock.now_s:
            self._flush()
        self._line_at_s = self.clock.now_s
        self._line.append((text.encode("latin-1"), tells))

    def println(self, text: str = "", *tells: int) -> None:
        """Send a line."""
        self.print(f"{text}\r\n", *tells)

    def take_stalled_s(self) -> float:
        """How long prints have waited in vain since this was last asked."""
        stalled_s, self._stalled_s = self._stalled_s, 0.0
        return stalled_s

    def set_up(self, *, up: bool) -> None:
        """Attach to the host, or be gone from it; what was under way is lost."""
        if up == self.up:
            return
        self._flush()
        self.room = inf  # whoever held the tty open holds nothing any more
        self.up = up
        self.arrived.clear()
        self.taken(b"")
        self._outputs.append(Tty(self.clock.now_s, up))

    def receive(self, data: bytes) -> int:
        """Take what the host sends; returns how many bytes were taken, the rest has to wait (flow control)."""
        taken = data[: max(0, INPUT_BYTES - len(self.arrived))] if self.up else b""
        arriving = self.faults.incoming(taken)
        self.arrived += arriving
        self._sent += taken
        self._garbled |= arriving != taken
        return len(taken)

    def taken(self, held: "bytes | bytearray") -> None:
        """The firmware has taken what has arrived; it holds a line that is not complete yet, or none."""
        if not self.arrived and not held:
            self._sent.clear()
            self._garbled = False

    def genuine(self, request: str, requests_in: Callable[[bytes], Iterable[str]]) -> str | None:
        """The request, if it is one of those that the host sent; None where the cable has made it of another."""
        return request if not self._garbled or request in requests_in(bytes(self._sent)) else None

    def take_outputs(self) -> list[Output]:
        """All that left the board since the last call, in order."""
        self._flush()
        outputs, self._outputs = self._outputs, []
        return outputs

    def _flush(self) -> None:
        if not self._line:
            return
        pieces = [Piece(said, self.faults.outgoing(said), tells) for said, tells in self._line]
        self._line.clear()
        data = b"".join(each.data for each in pieces)
        if data and self.up:
            self._outputs.append(Data(self._line_at_s, data, tuple(told(pieces))))
