"""The requests of the control socket, and their answers."""

from collections.abc import Mapping, Sequence

import trio
from attrs import evolve, frozen

from wagman import __version__
from wagman.api.service import Asker, UnknownBoardError, UnknownDeviceError
from wagman.fsm.guest.inputs import Operator
from wagman.io.board.task import Board
from wagman.model import shapes
from wagman.model.asked import NOT_KEPT
from wagman.model.errors import BoardTimeoutError, CallerError
from wagman.model.facts import DEFAULT_BOARD, Beat, Draft, HibernationOrder, Verb, Verdict
from wagman.service.controller import REFUSES
from wagman.service.overview import Overview
from wagman.service.parts import Parts
from wagman.service.plugs import label
from wagman.service.watch import Watch
from wagman.service.worded import worded
from wagman.store import Journal, Receipt
from wagman.tasks.guest import Guest
from wagman.tasks.letters import Letter, Reply, answered
from wagman.tasks.supervisor import Supervisor

COMMIT_S = 2.0
"""How long a caller waits for the id of the event that its request became (chosen)."""

BOARD_TIMEOUT_S = 20.0
"""How long an operator's raw board command may take, including the wait for its turn (chosen)."""

UNSEEN = (
    "its board cannot be seen, so it would be asked to halt, and nobody could switch it on again: wait for the board, or use "
    "--force to restart it all the same"
)
"""The answer to a restart that might leave a guest down that runs."""


@frozen(eq=False)
class Requests:
    """The service as the control socket sees it; implements `wagman.api.service.Service`."""

    parts: Parts
    overview: Overview
    watch: Watch

    @property
    def journal(self) -> Journal:
        """The rolling log."""
        return self.parts.journal

    def hello(self) -> Mapping[str, str]:
        """The version and the boot id of the service that answers."""
        return {"service": "wagman", "version": __version__, "boot_id": self.parts.boot_id}

    def device_name(self, device: str) -> str:
        """Return the name of the guest that `device` means: its name, its board and port, or a port that only one board has.

        Raises:
            UnknownDeviceError: there is none, or more than one.
        """
        devices = self.parts.config.devices
        found = [each.name for each in devices if device in (each.name, label(each.plug))]
        found = found or [each.name for each in devices if device == str(each.port)]
        if len(found) != 1:
            raise UnknownDeviceError(device)
        return found[0]

    def status(self, devices: Sequence[str] | None = None, *, words: bool = False) -> shapes.Status:
        """Return the present status of everything, with the problems; `words` adds the words of the commands."""
        status = self.overview.status(devices, self.watch.shown())
        return worded(status) if words else status

    def stuck(self) -> tuple[str, ...]:
        """Return the tasks that have made no progress lately."""
        return self.parts.progress.stuck()

    async def command(self, verb: Verb, device: str, *, force: bool, asker: Asker, for_s: float | None = None) -> shapes.Decision:
        """Pass a command to a guest, and return what the guest decided about it. The outcome is not waited for."""
        for_a_while = {} if for_s is None else {"for_s": for_s}
        asked = Draft(f"command.{verb}", device, {**asker.fields, "force": force, **for_a_while})
        receipt = self.parts.journal.record([(asked, None)])
        if device not in self.parts.guests:
            verdict = await self.parts.controller.restart() if verb == "restart" else REFUSES
            return await self._answer(receipt, verdict, device)
        guest = self.parts.guests[device]
        is_asked_to_halt = verb == "restart" and guest.state.name == "started"
        if is_asked_to_halt and not force and self.parts.boards[guest.config.board].blind:
            return await self._answer(receipt, Verdict(accepted=False, state=guest.state.name, reason=UNSEEN), device)
        decision = self.parts.recollection.decided.decision(verb, asker, self.parts.clocks.wall())
        verdict = await guest.ask(Operator(verb, force, for_s), receipt.refs[0], decision)
        if verdict.accepted:
            verdict = await self._lasting(verdict, guest)
        return await self._answer(receipt, verdict, device)

    async def hibernate(self, reason: str, keep: Sequence[str], *, asker: Asker) -> shapes.Decision:
        """Take all guests but those in `keep` down until somebody wakes them."""
        hibernation = HibernationOrder(reason, asker.who, asker.uid, self.parts.clocks.wall(), frozenset(keep))
        asked = {**asker.fields, "reason": reason, "keep": sorted(keep)}
        return await self._command_all(Draft("command.hibernate", None, asked), hibernation)

    async def wake(self, *, asker: Asker) -> shapes.Decision:
        """End a hibernation that an operator has ordered."""
        return await self._command_all(Draft("command.wake", None, asker.fields), None)

    async def _command_all(self, asked: Draft, hibernation: HibernationOrder | None) -> shapes.Decision:
        supervisor, recollection = self.parts.supervisor, self.parts.recollection
        receipt = self.parts.journal.record([(asked, None)])
        letter = Letter(recollection.decided.command(hibernation), receipt.refs[0], Reply())
        verdict = await answered(supervisor.inbox, letter, lambda: supervisor.state.name)
        if verdict.accepted:
            recollection.file.keeper.note()
            verdict = await self._lasting(verdict, supervisor)
        return await self._answer(receipt, verdict, None)

    async def _lasting(self, verdict: Verdict, machine: Guest | Supervisor) -> Verdict:
        """Wait until an accepted request is saved in the log or beside it. If it cannot be, say so in the verdict."""
        commit_s = COMMIT_S * self.parts.seams.speed  # a disk is no faster on a clock that is
        if await machine.settled(commit_s) or await self.parts.recollection.file.keeper.settled(commit_s):
            return verdict
        return evolve(verdict, reason=f"{verdict.reason}; {NOT_KEPT}")

    async def _answer(self, asked: Receipt, verdict: Verdict, device: str | None) -> shapes.Decision:
        """Record a refusal as an event, and answer with the id of the request's event once that is durable."""
        if not verdict.accepted:
            self.parts.journal.record([(Draft("command.refused", device, {"reason": verdict.reason}), asked.refs[0])])
        await asked.settled(COMMIT_S * self.parts.seams.speed)
        return {
            "accepted": verdict.accepted,
            "state": verdict.state,
            "reason": verdict.reason,
            "event_id": asked.refs[0].id,
        }

    async def heartbeat(self, device: str, *, uid: int) -> shapes.Decision:  # noqa: ARG002 - single beats are not events
        """Take a beat of a guest over the control socket."""
        await trio.lowlevel.checkpoint()
        guest = self.parts.guests.get(device)
        if guest is None:
            return {"accepted": False, "state": "started", "reason": "the service itself feeds its heartbeat", "event_id": None}
        accepted = guest.inbox.ask(Beat(trio.current_time(), "control"))
        reason = "heard" if accepted else "too many requests are waiting: try again"
        return {"accepted": accepted, "state": guest.state.name, "reason": reason, "event_id": None}

    def _commanded(self, name: str | None) -> Board:
        """The board of that name, else the first that takes raw commands; if none does, the first, whose answer says so."""
        boards = self.parts.boards
        if name is None:
            return next((board for board in boards.values() if board.wiring.board.takes_commands), next(iter(boards.values())))
        if name not in boards:
            raise UnknownBoardError(name, boards)
        return boards[name]

    async def board(self, command: str, *, force: bool, uid: int, board: str | None = None) -> Sequence[str]:
        """Send an operator's raw command to a board; a forced command is recorded as an event.

        Raises:
            UnknownBoardError: no board has this name.
            CallerError: the command is empty.
            BoardTimeoutError: the board did not answer within `BOARD_TIMEOUT_S`.
        """
        commanded = self._commanded(board)
        if force:
            which = {} if commanded.name == DEFAULT_BOARD else {"name": commanded.name}
            self.parts.journal.record([(Draft("command.board", None, {"uid": uid, "command": command, **which}), None)])
        words = command.split()
        if not words:
            raise CallerError("an empty board command")
        with trio.move_on_after(BOARD_TIMEOUT_S):
            return await commanded.raw(words, force=force)
        raise BoardTimeoutError(f"the board did not answer within {BOARD_TIMEOUT_S:g} s")
