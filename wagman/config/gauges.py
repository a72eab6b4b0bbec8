"""`[environment.NAME]` with a `command`: a number that somebody else can read, such as the charge of a battery."""

from attrs import field, frozen

from wagman.config.kinds import COMMAND, DURATION
from wagman.config.setting import setting


@frozen
class GaugeConfig:
    """How the number is read; it is judged by the `Bounds` of the same table."""

    command: tuple[str, ...] = field(
        metadata=setting(
            COMMAND,
            "The command that writes the number, and nothing else, to its standard output. It is run here, without a shell. Any "
            "exit status but 0, and anything that is not one number, says that the number is unknown.",
        )
    )
    every_s: float = field(
        default=30.0, metadata=setting(DURATION, "How often it is run: at most so rarely that it can fail once within `stale`.")
    )
    timeout_s: float = field(
        default=10.0, metadata=setting(DURATION, "How long the command may take; then it is ended, and the number is unknown.")
    )
