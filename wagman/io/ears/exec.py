"""`{ exec = ["check-gn"] }`: a command on this computer checks the guest, and ends with 0 if it is well."""

from attrs import define, field, frozen

from wagman.config.ears import EarConfig
from wagman.config.kinds import DURATION, PROGRAM
from wagman.config.setting import setting
from wagman.model import process
from wagman.model.backend import Probe
from wagman.model.errors import EarError

MOST_OUTPUT = 200
"""How many bytes of the command's output are kept, for a message (chosen)."""

UNFOUND = (126, 127)
"""The exit statuses that shells, env and ssh give for a program that cannot be run, or is not there (POSIX)."""


@frozen(kw_only=True)
class ExecEar(EarConfig):
    """An ear that is a command."""

    kind = "exec"
    about = "The service runs a command on this computer, without a shell; exit status 0 is a heartbeat."
    shows = "program"

    exec: tuple[str, ...] = field(metadata=setting(PROGRAM, "The command and its arguments."))
    timeout_s: float = field(
        default=10.0,
        metadata=setting(DURATION, "How long the command may take; then the service ends it, and that counts as no answer."),
    )

    @property
    def question_s(self) -> float:
        """The longest time of a question: a command that does not end by itself takes longer than `timeout_s` to be ended."""
        return self.timeout_s + 2 * process.KILL_GRACE_S + process.DRAIN_S

    def probe(self) -> Probe:
        """The probe that runs the command."""
        return ExecProbe(self.exec, self.timeout_s)


@define(eq=False)
class ExecProbe:
    """Runs a command."""

    command: tuple[str, ...]
    timeout_s: float

    async def ask(self) -> bool:
        """See `Probe`.

        Raises:
            EarError: the command could not be run, or a signal ended it: that says nothing of the guest.
        """
        ended = await process.run(self.command, None, self.timeout_s, MOST_OUTPUT)
        if not ended.is_late and (ended.status is None or ended.status < 0 or ended.status in UNFOUND):
            said = f": {ended.output.splitlines()[-1]}" if ended.output else ""
            raise EarError(f"{self.command[0]}: {ended.detail}{said}")
        return ended.status == 0
