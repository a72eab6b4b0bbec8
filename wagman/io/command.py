"""A board that is a program: a fence agent, or anything else that switches an outlet and reports its state by exit status."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import trio
from attrs import define, field, frozen

from wagman.config import durations
from wagman.config.boards import PlainBoard
from wagman.config.findings import Finding
from wagman.config.kinds import COMMAND, DURATION, PROGRAM, Kind, one_of
from wagman.config.setting import setting
from wagman.model import process
from wagman.model.backend import BLANK_BOOTS, Abilities, Identity, Look, Readback
from wagman.model.errors import BoardError, BoardProtocolError, BoardRefusedError, BoardTimeoutError
from wagman.model.facts import Supply
from wagman.model.process import Ended
from wagman.model.words import plain

if TYPE_CHECKING:
    from wagman.config.schema import Config, DeviceConfig

ON, OFF = 0, 2
"""The exit statuses of `status` (specified: the fence agents' contract). Any other says nothing."""

STATES: Mapping[int | None, Supply] = {ON: "on", OFF: "off"}

MOST_TIMEOUT_S = 30
"""The longest time that a command may be given (chosen: a task of the service without progress for 45 s counts as stuck)."""

LOOK_S = 35.0
"""How long the commands of one look may take together (chosen, for the same reason)."""

MOST_BYTES = 64 * 1024
"""The most bytes of a command's output that are read (chosen: a thousand outlets)."""

SHOWN_CHARS = 200
"""How many characters of a command's output an error repeats (chosen)."""

_SAYS_OFF = re.compile(
    r"(?:^|[^\w\s./-]|\b(?:is|are|now|still|currently|power|state|status|relay|outlet|plug|port|\d+)\b)"  # what a state follows
    r"\s*[\"']?off(?![\w/-]|\.\w)",
    re.IGNORECASE,
)
"""The word as a state: not a part of a file's name (`can't open file 'turn-off.py'`), and not what is done (`turn off`)."""

_COMPLAINS = re.compile(
    r"\b(?:error|usage|fail\w*|abort\w*|cannot|unable|denied|refused|rejected|not|whether|unknown|invalid|unexpected)\b"
    r"|\btime[ds]?[ -]?out\b|n't\b|\bon\b[^\w\n]*(?:or\b\W*)?\boff\b",
    re.IGNORECASE,
)
"""Of a program that could not do it, or does not like how it was called, and says what it takes: `usage: plug on|off`."""
_WORDS: Mapping[str, Supply] = {"on": "on", "off": "off"}
_LISTED = re.compile(r"([^,]+),.*,\s*(\w+)\s*")  # the plug, its name (which may have commas), its state


def _timeout(value: object) -> float:
    seconds = durations.parse(value)
    if seconds > MOST_TIMEOUT_S:
        raise ValueError(TIMEOUT.wants)
    return seconds


TIMEOUT = Kind(f'a duration of at most {MOST_TIMEOUT_S} s, such as "20s"', _timeout, DURATION.show)


@frozen(kw_only=True)
class ExecBoard(PlainBoard):
    """A board whose outlets commands switch and read."""

    kind = "exec"
    about = "Any program: one of the fence agents, or a script."

    on: tuple[str, ...] = field(
        metadata=setting(
            PROGRAM,
            "The command that switches an outlet on. `%p` stands for the outlet's name, in any argument; no shell is run.",
        ),
    )
    off: tuple[str, ...] = field(metadata=setting(PROGRAM, "The command that switches an outlet off."))
    status: tuple[str, ...] = field(
        default=(),
        metadata=setting(
            COMMAND,
            "The command that tells the state of an outlet: exit status 0 means on, 2 means off, any other means unknown. "
            "If the command prints anything before it ends with 2, the last line must contain the word `off`, and be no "
            "error and no usage text.",
        ),
    )
    list_status: tuple[str, ...] = field(
        default=(),
        metadata=setting(
            COMMAND,
            "The command that prints a line `plug,name,ON` or `plug,name,OFF` for each outlet. The service runs it once "
            "for all outlets, in place of `status`.",
        ),
    )
    timeout_s: float = field(
        default=20.0,
        metadata=setting(
            TIMEOUT, f"How long a command may take; then the service ends it and what it started. At most {MOST_TIMEOUT_S}s."
        ),
    )
    may_meter = False

    readback: Literal["told", "none"] = field(
        default="told",
        metadata=setting(
            one_of("told", "none"),
            "Whether the service believes what `status` says. If there is neither `status` nor `list_status`, this is `none`.",
        ),
    )
    poll_s: float = field(
        default=60.0,
        metadata=setting(
            DURATION, "How long the service waits before it asks the board for its state again. Each time it starts programs."
        ),
    )

    @property
    def stated_readback(self) -> Readback | None:
        """What `readback` says; `none` if no command tells."""
        return self.readback if self.status or self.list_status else "none"

    def findings(self, config: "Config", devices: "Sequence[DeviceConfig]") -> Iterator[Finding]:
        """Findings about commands that are the same for each port."""
        yield from super().findings(config, devices)
        for key in ("on", "off", "status") if len({device.port for device in devices}) > 1 else ():
            command: tuple[str, ...] = getattr(self, key)
            # `status` is not run where there is `list_status`.
            if command and not any("%p" in word for word in command) and not (key == "status" and self.list_status):
                yield Finding(
                    (key,), "%p is needed in it, for the port: without it, this is about one outlet, whichever guest is meant"
                )

    def backend(self) -> "Commands":
        """The back end that runs the commands."""
        return Commands(self)


@define(eq=False)
class Commands:
    """Runs the commands of a board, one at a time: most units bear one session."""

    board: ExecBoard
    _late: Sequence[str] = field(default=(), init=False)  # ports that the last look had no time for: the next one asks them first

    @property
    def address(self) -> str:
        """The program without its arguments, which may hold passwords."""
        return self.board.on[0]

    @property
    def abilities(self) -> Abilities:
        """The board tells how an outlet is, or can read nothing."""
        is_told = self.board.readback == "told" and (self.board.status or self.board.list_status)
        return Abilities("told" if is_told else "none", self.board.settle_s, on_restore=self.board.on_restore)

    async def greet(self) -> Identity:
        """An identity that says nothing: what is behind a program is unknown."""
        return Identity(None, BLANK_BOOTS, None)

    async def look(self, ports: Sequence[str]) -> Mapping[str, Look]:
        """The state of each port, as the commands tell it.

        Raises:
            BoardError: a command failed, and no port could be read.
        """
        if self.abilities.readback == "none":
            return {port: Look() for port in ports}
        shown = await (self._listed(ports) if self.board.list_status else self._asked(ports))
        return {port: Look(shown.get(port, "unknown")) for port in ports}

    async def switch(self, port: str, *, on: bool) -> None:
        """Run the command for it.

        Raises:
            BoardError: the command failed; it may have switched all the same.
        """
        which, command = ("on", self.board.on) if on else ("off", self.board.off)
        ended = await self._run(command, port)
        if ended.status != 0:
            raise _error(f"{which} of {port}", ended)

    async def _asked(self, ports: Sequence[str]) -> Mapping[str, Supply]:
        shown: dict[str, Supply] = {}
        error: BoardError | None = None
        with trio.move_on_after(LOOK_S):
            for port in sorted(ports, key=lambda port: port not in self._late):
                ended = await self._run(self.board.status, port)
                shown[port] = state(ended)
                error = _error(f"status of {port}", ended) if shown[port] == "unknown" else error
        self._late = [port for port in ports if port not in shown]
        if error is not None and set(shown.values()) == {"unknown"}:
            raise error
        return shown

    async def _listed(self, ports: Sequence[str]) -> Mapping[str, Supply]:
        ended = await self._run(self.board.list_status)
        if ended.status != 0:
            raise _error("list_status", ended)
        if ended.is_cut:  # a line without its beginning would be about another outlet
            raise BoardProtocolError(f"list_status: it wrote more than {MOST_BYTES // 1024} KiB")
        shown = listed(ended.output)
        if ports and all(shown.get(port, "unknown") == "unknown" for port in ports):
            of = plain(", ".join(ports))[:SHOWN_CHARS]
            told = f"it tells of none of {of}" if shown.keys().isdisjoint(ports) else f"it tells neither on nor off of {of}"
            raise BoardProtocolError(f"list_status: {told}{_said(ended)}")
        return shown

    async def _run(self, command: Sequence[str], port: str = "") -> Ended:
        return await process.run([word.replace("%p", port) for word in command], None, self.board.timeout_s, MOST_BYTES)


def state(ended: Ended) -> Supply:
    """The state of an outlet, from how its `status` ended."""
    last = ended.output.rpartition("\n")[2]
    if ended.status == OFF and last and (_COMPLAINS.search(last) or not _SAYS_OFF.search(last)):
        # Shells, python and perl also end with 2 if the script is not there, and argparse if it rejects the arguments. They say
        # why, whereas an agent writes "Status: OFF", and most scripts nothing.
        return "unknown"
    return STATES.get(ended.status, "unknown")


def listed(output: str) -> Mapping[str, Supply]:
    """The state of each outlet of a listing; `unknown` if an outlet is listed in two states."""
    shown: dict[str, Supply] = {}
    for line in filter(None, map(_LISTED.fullmatch, output.splitlines())):
        plug, said = line[1].strip(), _WORDS.get(line[2].lower(), "unknown")
        shown[plug] = said if shown.get(plug, said) == said else "unknown"
    return shown


def _error(what: str, ended: Ended) -> BoardError:
    kind = BoardTimeoutError if ended.is_late else BoardRefusedError
    return kind(plain(f"{what}: {ended.detail}") + _said(ended))


def _said(ended: Ended) -> str:
    """The end of the command's output, if there was any."""
    said = plain(" / ".join(line.strip() for line in ended.output.splitlines() if line.strip()))
    return f": {said[-SHOWN_CHARS:]}" if said else ""
