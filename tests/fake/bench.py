"""A board on the bench: no trio, no tty; the test moves its clock and reads what it says."""

from attrs import define, field

from wagman.fake.board import Board
from wagman.fake.guests import GuestSpec
from wagman.fake.hardware import PORT_NAMES
from wagman.fake.usb import Data, Output, Tty

SILENT = GuestSpec(beat_s=0)
SET_UP_S = 12.0
"""By then a board that was formatted in this boot has started the node controller and answers."""


@define
class Bench:
    """A board, the time, and all that it has said."""

    board: Board
    now_s: float = 0.0
    outputs: list[Output] = field(factory=list)

    def run(self, seconds: float) -> str:
        """Let time pass; returns what the board says meanwhile."""
        return self.run_until(self.now_s + seconds)

    def run_until(self, until_s: float) -> str:
        outputs = self.board.advance(until_s)
        self.now_s = until_s
        self.outputs += outputs
        return text_of(outputs)

    def send(self, *lines: str) -> None:
        self.send_bytes("".join(f"{line}\n" for line in lines).encode("latin-1"))

    def send_bytes(self, data: bytes) -> None:
        assert self.board.feed(data, self.now_s) == len(data)

    def ask(self, line: str, wait_s: float = 2.0) -> str:
        """The payload of the reply to one request; fails when there is none."""
        self.send(f"@ask {line}")
        said = self.run(wait_s)
        head = f"<<<- sid=ask {line.split(maxsplit=1)[0]}\r\n"
        assert said.count(head) == 1, said
        return said.partition(head)[2].partition("->>>\r\n")[0].replace("\r\n", "\n").rstrip("\n")

    def lines(self) -> list[tuple[float, str]]:
        """All complete lines so far, each with the time of its last byte."""
        found: list[tuple[float, str]] = []
        held = ""
        for output in self.outputs:
            if isinstance(output, Data):
                *complete, held = (held + output.data.decode("latin-1")).split("\n")
                found += [(output.at_s, line.removesuffix("\r")) for line in complete]
        return found

    def times_of(self, line: str) -> list[float]:
        """When the board said this line."""
        return [at_s for at_s, said in self.lines() if said == line]

    def ttys(self) -> list[tuple[float, bool]]:
        return [(output.at_s, output.up) for output in self.outputs if isinstance(output, Tty)]

    def relay(self, port: int) -> bool:
        return self.board.hardware.relays[port].on

    def changes(self, port: int) -> list[tuple[bool, str]]:
        return [(change.on, change.by) for change in self.board.hardware.relay_log if change.port == port]

    def ages_s(self) -> list[float]:
        return [int(age) / 1000 for age in self.ask("hb").split("\n") if age.isdecimal()]


def text_of(outputs: list[Output]) -> str:
    return b"".join(output.data for output in outputs if isinstance(output, Data)).decode("latin-1")


def bench(run_s: float = SET_UP_S, *, others: GuestSpec = SILENT, **guests: GuestSpec) -> Bench:
    """A board that has been running for so long since its firmware took over; guests that are not named are silent."""
    made = Bench(Board(guests={name: guests.get(name, others) for name in PORT_NAMES}))
    made.run(run_s)
    return made
