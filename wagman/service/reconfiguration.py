"""The operator's configuration while the service runs: some changes count at once, the others are said to wait for a restart."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import trio
from attrs import define, field

from wagman.config.changes import change
from wagman.config.schema import Config
from wagman.model.errors import ConfigError
from wagman.model.facts import Draft
from wagman.service.coming_up import review
from wagman.service.parts import Parts, late_s, wiring
from wagman.service.problems import Refusal
from wagman.store.decisions import sentences
from wagman.systemd.lastgood import Source
from wagman.tasks.contain import contained
from wagman.tasks.supervisor import Reconfigured

KEEP_S = 30.0
"""How long copying the configuration may take (chosen)."""


@define(eq=False, repr=False)
class OperatorsFile:
    """The operator's configuration file; a copy is kept of each version that was right.

    Args:
        nursery: runs the copying, since the disk may hang; None: copy at once (simulation).
    """

    parts: Parts
    source: Source
    nursery: trio.Nursery | None = None
    _copying: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1), init=False)

    def settle(self, refused: Sequence[str]) -> None:
        """Keep a copy of the file the service came up with, or record why it runs on such a copy (`refused`)."""
        if refused:
            self._refused(refused, "the last good copy of it")
        else:
            self._keep(self.parts.config)

    def reload(self) -> None:
        """Take over the operator's file, if it is right."""
        try:
            config = self.source.load()
        except ConfigError as error:
            self._refused(error.problems, "the configuration from before")
        else:
            self.parts.conditions.refusal = None
            reconfigure(self.parts, config)
            self._keep(config)

    def _keep(self, config: Config) -> None:
        """Have a copy made in a task of its own, since the disk of the state may hang; at once without a nursery (simulation)."""
        if self.nursery is None:
            self._warn(self.source.keep(config))
        else:
            self.nursery.start_soon(contained, "config", partial(self._copy, config), self.parts.crashed)

    async def _copy(self, config: Config) -> None:
        warnings: Sequence[str] = (f"no copy of the configuration could be kept: the disk has not answered for {KEEP_S:g} s",)
        with trio.move_on_after(KEEP_S * self.parts.seams.speed):
            warnings = await trio.to_thread.run_sync(self.source.keep, config, limiter=self._copying, abandon_on_cancel=True)
        self._warn(warnings)

    def _refused(self, problems: Sequence[str], instead: str) -> None:
        self.parts.conditions.refusal = Refusal(instead, tuple(problems))
        self._record("service.config_refused", {"problems": list(problems), "instead": instead})

    def _warn(self, warnings: Sequence[str]) -> None:
        if warnings:
            self._record("service.config_not_kept", {"warnings": list(warnings)})

    def _record(self, type_: str, fields: Mapping[str, Any]) -> None:
        self.parts.journal.record([(Draft(type_, None, fields), None)])


def reconfigure(parts: Parts, new: Config) -> None:
    """Take over what can change while the service runs, and record what waits for a restart."""
    changed = change(parts.config, new)
    if changed.live:
        parts.config = changed.config
        spread(parts, changed.config)
    parts.conditions.needs_restart = changed.waiting
    parts.hitches.reconfigured()
    tables = list(sentences(parts.recollection.decided.entries, new))
    fields = {"changed": list(changed.live), "needs_restart": list(changed.waiting), "tables": tables}
    parts.journal.record([(Draft("service.reloaded", None, fields), None)])


def spread(parts: Parts, config: Config) -> None:
    """Tell all parts of the configuration. A guest's number counts from the next time that it is used."""
    for guest in config.guests:
        parts.guests[guest.name].config = guest
        parts.guests[guest.name].alarms.late_s = late_s(guest, config.board_of(guest))
    review(parts)
    parts.pace.stagger_s = config.wagman.stagger_s
    for board in parts.boards.values():
        board.reconfigure(wiring(config, board.name))
    parts.supervisor.inbox.tell(Reconfigured(config))
    parts.gauges.reconfigure(config.environment.gauges)
