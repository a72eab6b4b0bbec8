"""Where the outside world enters: one seam for each thing that is not determined by the program alone.

The service is given the real ones; a simulation gives its own, and runs the same program.
"""

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from attrs import field, frozen

from wagman.io.transport import Opener
from wagman.messages import Messenger, run_command
from wagman.moments import Stamp
from wagman.store import Blocking, threaded

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Names the run of the controller's kernel (Linux)."""


def wall_clock() -> datetime:
    """The time of day, which may jump and may not be set at all."""
    return datetime.now(UTC)


def kernel_stamp(speed: float = 1) -> Stamp:
    """The present moment on the clock of the controller's kernel, which goes on while the service is away.

    A service whose clock runs `speed` times as fast counts that clock's seconds.
    """
    boot = BOOT_ID.read_text(encoding="ascii").strip() if BOOT_ID.exists() else ""
    return Stamp(boot, speed * time.clock_gettime(time.CLOCK_BOOTTIME))


def new_id() -> str:
    """A name that nothing else has."""
    return uuid.uuid4().hex


@frozen
class Seams:
    """The outside world: the serial port, commands, clocks, threads, names."""

    opener: Opener
    messenger: Messenger = run_command
    wall: Callable[[], datetime] = wall_clock
    stamp: Callable[[], Stamp] = kernel_stamp
    blocking: Blocking = field(factory=threaded)
    new_id: Callable[[], str] = new_id
