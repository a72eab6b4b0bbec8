"""The table `[service]`: what the service itself keeps, opens and tells."""

from typing import Literal

from attrs import field, frozen

from wagman.config.kinds import DURATION_OR_NEVER, SOCKET_PATH, TEXT, one_of, whole
from wagman.config.setting import setting

LEAST_EVENTS = 100
"""The least `max_events` (chosen: fewer would not even hold the story of one bad start)."""

LEAST_BYTES = 1_048_576
"""The least `max_bytes` (chosen: 1 MiB, which a database needs to work)."""


@frozen
class ServiceConfig:
    """`[service]`: the daemon's own places and bounds."""

    socket: str = field(
        default="/run/wagman/wagman.sock",
        metadata=setting(SOCKET_PATH, "The path of the control socket, which the commands use."),
    )
    state_dir: str = field(
        default="/var/lib/wagman",
        metadata=setting(TEXT, "The directory for the log and for everything else that has to outlast a restart."),
    )
    control_group: str = field(default="wagman", metadata=setting(TEXT, "The group whose members may do everything."))
    control_group_configured: bool = False  # a default group that does not exist is a warning, a configured one an error
    operate_group: str | None = field(
        default=None,
        metadata=setting(
            TEXT,
            "The group whose members may look, start, stop, restart, enable and disable, and nothing else.",
        ),
    )
    read_group: str | None = field(
        default=None,
        metadata=setting(
            TEXT, "The group whose members may look, and change nothing. Without `read_group`, nobody else may look."
        ),
    )
    max_events: int = field(
        default=100_000, metadata=setting(whole(LEAST_EVENTS), "The most events that the log keeps; the oldest go first.")
    )
    max_bytes: int = field(
        default=67_108_864,
        metadata=setting(whole(LEAST_BYTES), "The most bytes that the log takes on disk; the oldest events go first."),
    )
    log: Literal["auto", "json", "text"] = field(
        default="auto",
        metadata=setting(
            one_of("auto", "json", "text"),
            "How the service writes each event to standard output. `auto`: an entry with fields if that is the journal, a "
            "sentence if it is a terminal, JSON anywhere else.",
        ),
    )
    unreadable_release_s: float = field(
        default=3600.0,
        metadata=setting(
            DURATION_OR_NEVER,
            "If the service finds a saved state and cannot read it, guests that are off stay off for this time. Then "
            "guests start, except those that an operator is known to have stopped or disabled. 0: guests stay off until "
            "the state can be read, or until somebody starts them.",
        ),
    )
