"""What the sensorgrams of a v4 board mean: its requests with their odd numbering, their replies, the minute report. Pure.

Ports are numbered 0 to 4 here and everywhere else in this program. The board numbers them from 1, from 0, or, where 1 is
the whole board, from 2, and differently again in the minute report.

Replies name no request: only an id, and the sub_id of the request. Late replies of one request could therefore pass for
those of the next. Each request line is closed with a `fence`: a read of the heartbeat of a port that does not exist,
which has no effect and whose otherwise unused sub_id returns the line's own number. Replies come in order, so those
just before the fence belong to its line.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence

from attrs import frozen

from wagman.io import htu21d
from wagman.io.v4.codec import BYTES, EmptyLine, Event, Line, Sensorgram, unsigned
from wagman.model.errors import BoardProtocolError, BoardRefusedError, CallerError

DISABLED, STOPPED, STARTED, STOPPING = 0, 1, 3, 4
"""The answers to `STATE`; 0 also stands for ports that do not exist."""

MEDIA = ("sd", "emmc")
"""What `GET_MEDIA` answers and `SET_MEDIA` takes, by number."""

_PORTS = 5
_TIMESTAMP = 1  # the board ignores it; its own client library sends 1

LONGEST_GRACE_S = 0xFFFF_FFFF // 1000
"""The longest grace of a stop, in seconds: 49.7 days. The board counts milliseconds in 32 bits, and wraps beyond (firmware)."""


@frozen
class Request:
    """One kind of request."""

    name: str
    request_id: int
    reply_id: int
    first_sub: int | None = None  # the sub_id of port 0; None: the request is about no port
    ports: int = _PORTS  # how many ports the request knows
    whole_board: bool = False  # without a port the request is about the whole board
    max_value: int | None = None  # the largest argument; None: the request takes none
    gives_bytes: bool = False

    def ask(self, port: int | None = None, value: int | None = None) -> Sensorgram:
        """The request sensorgram.

        Raises:
            CallerError: the board has no such port, or the argument is missing, wrong or too many.
        """
        if (value is None) != (self.max_value is None) or not 0 <= (value or 0) <= (self.max_value or 0):
            raise CallerError(self.usage)
        return Sensorgram(self.request_id, self._sub_id(port), (unsigned(value or 0),), timestamp=_TIMESTAMP)

    def _sub_id(self, port: int | None) -> int:
        if port is None and (self.first_sub is None or self.whole_board):
            return 1
        if port is None or self.first_sub is None or not 0 <= port < self.ports:
            raise CallerError(self.usage)
        return self.first_sub + port

    def ask_all(self) -> list[Sensorgram]:
        """The request sensorgrams for everything that the request can be about: the board, each port, or both."""
        whole = [self.ask()] if self.whole_board or self.first_sub is None else []
        return whole if self.first_sub is None else [*whole, *map(self.ask, range(self.ports))]

    @property
    def usage(self) -> str:
        """The arguments of the request, in words."""
        port = [] if self.first_sub is None else [f"a port (0 to {self.ports - 1})"]
        number = [] if self.max_value is None else [f"a number (0 to {self.max_value})"]
        return f"{self.name.lower()} takes {' and '.join(port + number) or 'nothing'}"

    def is_answered_by(self, asked: Sensorgram, reply: Sensorgram) -> bool:
        """Whether `reply` has the form of an answer to `asked`."""
        is_bytes = bool(reply.values) and reply.values[0].type == BYTES
        return (reply.id, reply.sub_id, is_bytes) == (self.reply_id, asked.sub_id, self.gives_bytes)


ID = Request("ID", 0xC000, 0xFF1A, gives_bytes=True)
CU = Request("CU", 0xC001, 0xFF06, first_sub=2, whole_board=True)
HB = Request("HB", 0xC002, 0xFF09, first_sub=1)
TH = Request("TH", 0xC003, 0xFF10, first_sub=0)
UPTIME = Request("UPTIME", 0xC004, 0xFF14)
BOOTS = Request("BOOTS", 0xC005, 0xFF1A)
FC = Request("FC", 0xC006, 0xFF05, first_sub=0)
START = Request("START", 0xC007, 0xFF0B, first_sub=1)
STOP = Request("STOP", 0xC008, 0xFF0A, first_sub=1, max_value=LONGEST_GRACE_S)
RESET = Request("RESET", 0xC009, 0xC009)
EERESET = Request("EERESET", 0xC00A, 0xC00A)
STATE = Request("STATE", 0xC00B, 0xFF1F, first_sub=1)
ENABLE = Request("ENABLE", 0xC00C, 0xFF20, first_sub=1)
GET_MEDIA = Request("GET_MEDIA", 0xC00D, 0xFF21, first_sub=1, ports=2)
SET_MEDIA = Request("SET_MEDIA", 0xC00E, 0xFF22, first_sub=1, ports=2, max_value=1)
PING = Request("PING", 0xFF1E, 0xFF1E, first_sub=1)

REQUESTS: Mapping[int, Request] = {
    request.request_id: request
    for request in (*(ID, CU, HB, TH, UPTIME, BOOTS, FC, START, STOP, RESET, EERESET, STATE, ENABLE, GET_MEDIA, SET_MEDIA, PING),)
}
"""Every request that the board handles, by its id."""

_MOST_NUMBERS = 2  # the port, and an argument


def request_in(words: Sequence[str]) -> tuple[Request, list[int]]:
    """The request and the numbers in an operator's words, NAME [PORT [NUMBER]].

    Raises:
        CallerError: there is no such request.
    """
    name, *numbers = words
    request = next((each for each in REQUESTS.values() if each.name == name.upper()), None)
    if request is None or not all(map(str.isdecimal, numbers)) or len(numbers) > _MOST_NUMBERS:
        known = ", ".join(each.name.lower() for each in REQUESTS.values())
        raise CallerError(f"{' '.join(words)!r} is no request of a v4 board: write NAME [PORT [NUMBER]], with one of {known}")
    return request, [int(number) for number in numbers]


# --- Replies ----------------------------------------------------------------------------------------------------------

FENCES = 240
"""How many different fences there are."""

_FIRST_FENCE = 0x100 - FENCES


def fence(number: int) -> Sensorgram:
    """The sensorgram that closes the request line `number`, modulo `FENCES`."""
    return Sensorgram(HB.request_id, _FIRST_FENCE + number % FENCES, (unsigned(0),), timestamp=_TIMESTAMP)


def replies_to(asked: Sequence[Sensorgram], closing: Sensorgram) -> Callable[[Event], tuple[Sensorgram, ...] | None]:
    """A matcher for the replies to the line of `asked` and `closing`: one for each request, returned at the fence.

    The matcher raises `BoardRefusedError` if the board answered one of them by an empty line, and `BoardProtocolError` if
    the lines just before the fence are not the replies.
    """
    seen: deque[Event] = deque(maxlen=len(asked))

    def match(event: Event) -> tuple[Sensorgram, ...] | None:
        if isinstance(event, Line) and len(event.sensorgrams) > 1:
            return None  # the minute report may come at any time
        if isinstance(event, Line) and HB.is_answered_by(closing, event.sensorgrams[0]):
            return _answers(asked, seen)
        seen.append(event)
        return None

    return match


def whole_replies_to(asked: Sequence[Sensorgram], closing: Sensorgram) -> Callable[[Event], tuple[Sensorgram | None, ...] | None]:
    """A matcher for reads: the replies that arrived whole, returned at the fence; None for each that was damaged or refused.

    The requests in `asked` must have replies that differ in form. A reply that comes after the fence of another line is ignored.
    """
    seen: dict[int, Sensorgram] = {}

    def match(event: Event) -> tuple[Sensorgram | None, ...] | None:
        if not isinstance(event, Line) or len(event.sensorgrams) > 1:
            return None
        (reply,) = event.sensorgrams
        if HB.is_answered_by(closing, reply):
            return tuple(map(seen.get, range(len(asked))))
        if reply.id == HB.reply_id and reply.sub_id >= _FIRST_FENCE:
            seen.clear()  # what came before the fence of another line was late
        seen.update({index: reply for index, each in enumerate(asked) if REQUESTS[each.id].is_answered_by(each, reply)})
        return None

    return match


def _answers(asked: Sequence[Sensorgram], seen: Sequence[Event]) -> tuple[Sensorgram, ...]:
    if len(seen) != len(asked):
        raise BoardProtocolError(f"{len(seen)} replies to {len(asked)} requests")
    return tuple(_answer(request, event) for request, event in zip(asked, seen, strict=True))


def _answer(asked: Sensorgram, event: Event) -> Sensorgram:
    request = REQUESTS[asked.id]
    match event:
        case EmptyLine():
            raise BoardRefusedError(f"the board does not do {request.name} (sub_id {asked.sub_id}) for this port of its own")
        case Line(sensorgrams=(reply,)) if request.is_answered_by(asked, reply):
            return reply
        case _:
            raise BoardProtocolError(f"{event} does not answer {request.name}")


# --- The minute report ------------------------------------------------------------------------------------------------

_VOLTAGE_ID = 0xFF08
_ENCLOSURE_ID = 0x0002
_SYSTEM = 1


@frozen
class Report:
    """The minute report; None: a reading is missing. Currents, voltages, thermistors are raw counts."""

    board_id: str
    system_current_raw: int | None
    currents_raw: tuple[int | None, ...]  # of ports 0 to 4, as in all that follow
    failures: tuple[int | None, ...]  # port 0 always missing
    voltages_raw: tuple[int | None, ...]
    thermistors_raw: tuple[int | None, ...]  # port 0 always missing
    temperature_c: float | None
    humidity_pct: float | None


def parse_report(sensorgrams: Sequence[Sensorgram]) -> Report | None:
    """The minute report, or None if a line is something else.

    Raises:
        BoardProtocolError: an enclosure reading that is no 16-bit count.
    """
    board_id = sensorgrams[0].values[0].items
    if len(sensorgrams) == 1 or sensorgrams[0].id != ID.reply_id or not isinstance(board_id, bytes):
        return None
    told = {(item.id, item.sub_id): item.number for item in sensorgrams}

    def by_port(number: int, first_sub: int) -> tuple[int | None, ...]:
        return tuple(told.get((number, first_sub + port)) for port in range(_PORTS))

    temperature, humidity = told.get((_ENCLOSURE_ID, 1)), told.get((_ENCLOSURE_ID, 2))
    return Report(
        board_id=board_id.hex(),
        system_current_raw=told.get((CU.reply_id, _SYSTEM)),
        currents_raw=by_port(CU.reply_id, 2),
        failures=by_port(FC.reply_id, 0),
        voltages_raw=by_port(_VOLTAGE_ID, 1),
        thermistors_raw=by_port(TH.reply_id, 0),
        temperature_c=None if temperature is None else htu21d.temperature_c(temperature),
        humidity_pct=None if humidity is None else htu21d.humidity_pct(humidity),
    )


def id_of(reply: Sensorgram) -> str | None:
    """The id of a board; None if its chip does not answer."""
    text = text_of(reply)
    return None if len(set(text)) == 1 else text


def text_of(reply: Sensorgram) -> str:
    """A value as text: a number, or bytes in hexadecimal digits."""
    items = reply.values[0].items
    return items.hex() if isinstance(items, bytes) else str(reply.number)
