"""A board that PowerMan switches: a unit of one of its 61 kinds, or several, behind its daemon `powermand`.

- `status` asks the unit each time, and says `unknown` if the unit did not tell. For a unit that hangs `powermand` waits as long
  as the time-out of its kind says, and then reports it.
- `exprange` is a toggle, and each connection has its own.
- A target may be a range (`gn[1-5]`), a list (`gn,cs`) or an alias for several nodes: only what `nodes` lists is ever sent.
- `reconnects` of `device` counts the connections to the unit. Each time-out makes a new one, and each telnet session that was
  idle for long: it is no evidence that the unit restarted. `status` shows what a restart did to the outlets.
- `cycle` is an off, a pause of the unit's own, and an on, which `powermand` sends itself in most cases. If the outlet powers the
  way to the unit, the on never arrives. Therefore `cycle` is no `pulse`, and never used.
"""

import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import cast

import trio
from attrs import define, field, frozen

from wagman.config.boards import PlainBoard
from wagman.config.hosts import place
from wagman.config.kinds import DURATION, PORT_NAME, Kind
from wagman.config.places import split
from wagman.config.setting import setting
from wagman.model.backend import BLANK_BOOTS, Abilities, Identity, Look
from wagman.model.errors import BoardProtocolError, BoardRefusedError, BoardTimeoutError, LinkGoneError
from wagman.model.facts import Supply
from wagman.model.words import plain

DEFAULT_PORT = 10101
"""The port on which `powermand` listens (its own default)."""

ANSWER_S = 35.0
"""How long a question may take, with the connection for it (chosen: most units have 5 to 30 s; a task is stuck after 45 s)."""

MOST_BYTES = 1 << 20
"""The longest answer, in bytes: `powermand` itself keeps no more for a client."""

SHOWN_CHARS = 200
"""How many characters of an answer an error repeats (chosen)."""

PROMPT = b"\r\npowerman> "

STATE, NODE, PROBLEM = 303, 307, 308
"""Kinds of lines: how a node is; that there is a node; what went wrong with a unit."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@/+-]*", re.ASCII)  # no character that means several nodes, or ends the line
_LINE = re.compile(r"([0-9]{3}) (.*)", re.ASCII)
_STATE = re.compile(r"(.+): (on|off|unknown)", re.ASCII)


def _read_name(value: object) -> str:
    name: str = PORT_NAME.read(value)
    if not _NAME.fullmatch(name):
        raise ValueError(NODE_NAME.wants)
    return name


ADDRESS = place(f'a host, with its port where that is not {DEFAULT_PORT}: "pdu", "10.0.0.9:1234", "[::1]:1234"')
NODE_NAME = Kind("the name of one node in powerman.conf, of letters, digits and _ . : @ / + -", _read_name)


@frozen(kw_only=True)
class PowermanBoard(PlainBoard):
    """A `powermand`, and the units behind it."""

    kind = "powerman"
    may_meter = False
    about = "A unit that PowerMan can switch, through its daemon `powermand`."
    port_kind = NODE_NAME

    host: str = field(
        default=f"127.0.0.1:{DEFAULT_PORT}",
        metadata=setting(ADDRESS, f"The host on which `powermand` listens, with its port if that is not {DEFAULT_PORT}."),
    )
    settle_s: float = field(
        default=5.0,
        metadata=setting(
            DURATION,
            "How long after a command the board may still show the old state. The service does not believe what it shows "
            "during that time. Redfish takes up to 15s.",
        ),
    )

    @property
    def place(self) -> tuple[str, int]:
        """The daemon's host and port."""
        return split(self.host, DEFAULT_PORT)

    def backend(self) -> "Powerman":
        """The back end: a client of that daemon."""
        abilities = Abilities(readback="told", settle_s=self.settle_s, on_restore=self.on_restore)
        return Powerman(self.host, abilities)


@frozen
class Answer:
    """The daemon's answer to one request."""

    code: int
    text: str
    lines: tuple[tuple[int, str], ...] = ()  # the lines before the last

    @property
    def is_error(self) -> bool:
        """Whether the request was not carried out, or not completely."""
        return self.code >= 200  # noqa: PLR2004 - 1xx: done (specified)

    @property
    def why(self) -> str:
        """What went wrong, for people."""
        return plain("; ".join((self.text, *self.told(PROBLEM))))[:SHOWN_CHARS]

    def told(self, kind: int) -> list[str]:
        """The lines of one kind."""
        return [text for code, text in self.lines if code == kind]


def parse(data: bytes) -> Answer:
    """The answer in all that came for one request, with the prompt at its end.

    Raises:
        BoardProtocolError: it is no answer.
    """
    found = [_LINE.fullmatch(line) for line in data.removesuffix(PROMPT).decode(errors="replace").split("\r\n")]
    lines = [(int(line[1]), line[2]) for line in found if line]
    *others, last = [code // 100 for code, _ in lines] or [0]
    # 3xx: more lines follow; 1xx: done; 2xx: not done.
    if not data.endswith(PROMPT) or None in found or set(others) - {3} or last not in {1, 2}:
        raise BoardProtocolError(f"this is no answer of powermand: {_shown(data)}")
    return Answer(*lines[-1], tuple(lines[:-1]))


def states(answer: Answer, asked: Sequence[str]) -> Mapping[str, Supply]:
    """The state of each node in `asked`.

    Raises:
        BoardProtocolError: the answer is not about each of them, once; a name may be an alias for several.
    """
    found = [_STATE.fullmatch(line) for line in answer.told(STATE)]
    told = [(state[1], cast("Supply", state[2])) for state in found if state]
    if sorted(name for name, _ in told) != sorted(asked):
        raise BoardProtocolError(f"asked about {_listed(asked)}, powermand told of {_listed([name for name, _ in told])}")
    return dict(told)


def _shown(data: bytes | bytearray) -> str:
    return plain(data[:SHOWN_CHARS].decode(errors="replace"))


def _reason(error: Exception) -> str:
    """What went wrong, at the first of a name's addresses."""
    cause = error.__cause__
    first: BaseException = cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else error
    while first.__cause__ is not None:
        first = first.__cause__
    # Python's own words hold the address once more, as a tuple; the numbers of names that are not known are below 0.
    number = first.errno if isinstance(first, OSError) else None
    return plain(os.strerror(number) if number is not None and number > 0 else first)


def _listed(names: Sequence[str]) -> str:
    return plain(", ".join(names))[:SHOWN_CHARS] or "nothing"


@define(eq=False)
class Session:
    """One connection to `powermand`."""

    stream: trio.abc.Stream
    version: str = ""
    nodes: frozenset[str] = frozenset()

    async def begin(self) -> None:
        """Have nodes listed one by one, and learn which there are.

        Raises:
            BoardProtocolError: it is no `powermand`.
        """
        hello = await self._received()
        if not hello.startswith(b"001 "):
            raise BoardProtocolError(f"this is no powermand: {_shown(hello)}")
        self.version = _shown(hello.removesuffix(PROMPT)[4:])
        if not (await self.ask("exprange")).text.endswith(" ON"):
            raise BoardProtocolError("powermand does not list nodes one by one")
        self.nodes = frozenset(filter(_NAME.fullmatch, (await self.ask("nodes")).told(NODE)))

    async def ask(self, request: str) -> Answer:
        """Send one request and return its answer."""
        await self.stream.send_all(f"{request}\r\n".encode())
        return parse(await self._received())

    async def states(self, asked: Sequence[str]) -> Mapping[str, Supply]:
        """Have the units asked for the state of these nodes.

        Raises:
            BoardRefusedError: none of them could be read.
        """
        answer = await self.ask(f"status {','.join(asked)}")
        if answer.is_error and all(line.endswith(": unknown") for line in answer.told(STATE)):
            raise BoardRefusedError(answer.why)
        return states(answer, asked)

    async def _received(self) -> bytes:
        data = bytearray()
        while not data.endswith(PROMPT):
            if len(data) > MOST_BYTES:
                raise BoardProtocolError(f"powermand does not come to an end: {_shown(data)}")
            if not (more := await self.stream.receive_some()):
                raise LinkGoneError("powermand hung up")
            data += more
        return bytes(data)


Opener = Callable[[str, int], Awaitable[trio.abc.Stream]]


@define(eq=False)
class Powerman:
    """A client of `powermand`, over one connection, which is made anew when it is lost.

    The connection is kept open because `powermand` looks up the name of whoever connects, and answers nobody meanwhile.
    """

    address: str
    abilities: Abilities
    _open: Opener = trio.open_tcp_stream
    _session: Session | None = field(default=None, init=False)

    async def greet(self) -> Identity:
        """Check that the daemon is there. It tells neither its identity nor since when its units run."""
        async with self._talk() as session:
            await session.ask("nodes")
        return Identity(None, BLANK_BOOTS, session.version)

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        """The state of each port now. A port that `powermand` does not have is unknown, and the others are asked.

        Raises:
            BoardError: the daemon cannot be reached, has none of the ports, or could read none.
        """
        async with self._talk() as session:
            asked = [port for port in dict.fromkeys(ports) if port in session.nodes]
            if ports and not asked:
                raise BoardRefusedError(f"powermand has none of these nodes: {_listed(ports)}")
            shown = await session.states(asked) if asked else {}
        return {port: Look(shown.get(port, "unknown")) for port in ports}

    async def switch(self, port: str, *, on: bool) -> None:
        """Have a node switched.

        Raises:
            BoardError: the request failed; the unit may carry it out all the same.
        """
        async with self._talk() as session:
            if port not in session.nodes:
                raise BoardRefusedError(f"powermand has no node {_listed([port])}")
            answer = await session.ask(f"{'on' if on else 'off'} {port}")
            if answer.is_error:
                raise BoardRefusedError(answer.why)

    async def aclose(self) -> None:
        """Close the connection. The next question makes a new one."""
        session, self._session = self._session, None
        if session is not None:
            await trio.aclose_forcefully(session.stream)

    @asynccontextmanager
    async def _talk(self) -> AsyncIterator[Session]:
        """The connection, for one question.

        An interrupted question closes it: a late answer would be taken for that to the next request.
        """
        session, self._session = self._session, None
        try:
            with trio.fail_after(ANSWER_S):
                if session is None:
                    session = Session(await self._open(*split(self.address, DEFAULT_PORT)))
                    await session.begin()
                yield session
            self._session, session = session, None
        except BoardRefusedError:  # a refusal is an answer, after which the connection is fine
            self._session, session = session, None
            raise
        except trio.TooSlowError:
            raise BoardTimeoutError(f"powermand at {self.address} did not answer within {ANSWER_S:g} s") from None
        except (OSError, UnicodeError, trio.BrokenResourceError) as error:
            raise LinkGoneError(f"powermand at {self.address} cannot be reached: {_reason(error)}") from error
        finally:
            if session is not None:
                await trio.aclose_forcefully(session.stream)
