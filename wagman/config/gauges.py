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
            "The command that writes the number, and nothing else, to its standard output. The service runs it on this "
            "computer, without a shell. If the exit status is not 0, or the output is not one number, the number is "
            "unknown.",
        )
    )
    every_s: float = field(
        default=30.0,
        metadata=setting(
            DURATION, "How often the service runs the command: often enough that one failure within `stale` does no harm."
        ),
    )
    timeout_s: float = field(
        default=10.0,
        metadata=setting(DURATION, "How long the command may take; then the service ends it, and the number is unknown."),
    )
