"""A number that a command reads, again and again: the charge of a battery, the volts of a panel.

The command writes one number and nothing else. Anything else makes the number unknown, with a reason: no other output is ever
taken for a number.
"""

import math
import re
from collections.abc import Callable

import trio
from attrs import define, field

from wagman.config.gauges import GaugeConfig
from wagman.config.kinds import show
from wagman.model import process
from wagman.model.errors import GaugeError
from wagman.model.facts import Sample
from wagman.model.words import plain

MOST_OUTPUT = 400
"""How many bytes of the command's output are read (chosen: any number is shorter, and a message is cut anyway)."""

REASON_CHARS = 120
"""How many characters of the command's complaint a reason repeats (chosen)."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


@define(eq=False)
class Gauge:
    """The task that reads one number. It outlives a crash of the task.

    Args:
        tell: takes each reading, also one that failed.
    """

    name: str
    config: GaugeConfig
    tell: Callable[[Sample], None]
    value: float | None = field(default=None, init=False)  # the latest number that was read, however long ago
    read_at_s: float | None = field(default=None, init=False)  # when it was asked for
    trouble: str | None = field(default=None, init=False)  # why the latest attempt failed
    progress_s: float = field(factory=trio.current_time, init=False)  # for the watchdog: when its present wait ends

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            asked_at_s = trio.current_time()
            self.progress_s = asked_at_s + self.config.timeout_s + 2 * process.KILL_GRACE_S + process.DRAIN_S
            await self._read(asked_at_s)
            self.progress_s = max(asked_at_s + self.config.every_s, trio.current_time())
            await trio.sleep_until(self.progress_s)

    async def _read(self, asked_at_s: float) -> None:
        ended = await process.run(self.config.command, None, self.config.timeout_s, MOST_OUTPUT, apart=True)
        try:
            self.value, self.trouble = number_of(ended), None
            self.read_at_s = asked_at_s
        except GaugeError as error:
            self.trouble = f"{self.config.command[0]}: {error}"
        # The number held at some time after the question; nobody knows how much later.
        self.tell(Sample(self.name, None if self.trouble else self.value, asked_at_s))


def number_of(ended: process.Ended) -> float:
    """The number that a command has written.

    Raises:
        GaugeError: the command failed, or wrote something other than one number.
    """
    if ended.status != 0:
        said = (ended.complaint or ended.output).splitlines()[-1:]
        raise GaugeError(": ".join([ended.detail, *(plain(each)[:REASON_CHARS] for each in said)]))
    value = math.inf if ended.is_cut or not _NUMBER.fullmatch(ended.output) else float(ended.output)
    if math.isinf(value):
        wrote = plain(ended.output.partition("\n")[0])
        raise GaugeError(f"it wrote {show(wrote)}, which is not one number" if wrote else "it wrote nothing")
    return value
