"""What goes wrong on a node: how each incident is staged on a machine, what has to be told of it, and how it is mended.

The fake board runs 25 times as fast as time, and so does the service there.
"""

from attrs import frozen

CONFIG = "/etc/wagman/wagman.toml"
BOARD = "wagman fake-board --send /run/board/control"


@frozen
class Incident:
    """One thing that goes wrong, and is mended again.

    `stage` and `mend` are shell scripts for root on that machine; `reason` and `do` are regular expressions for what has to
    be told of it wherever the service is looked at.
    """

    name: str
    stage: str
    reason: str
    do: str
    mend: str
    critical: bool = False

    @property
    def exit_code(self) -> int:
        """Of `wagman check`, by what plugins of monitoring systems agreed upon."""
        return 2 if self.critical else 1


def changed(old: str, new: str, then: str) -> str:
    """Have the configuration say something else."""
    return f"sed -i 's#{old}#{new}#' {CONFIG}; {then}"


def appended(lines: str, then: str) -> str:
    return f"printf '%b' '{lines}' >> {CONFIG}; {then}"


RELOAD = "systemctl reload wagman"
RESTART = "systemctl restart wagman"
RIGHT_AGAIN = f"cp /root/right.toml {CONFIG}; {RELOAD}"

INCIDENTS = (
    Incident(
        "the cable is out",
        f"{BOARD} unplug",
        "cannot be reached: .*No such file",
        "is the cable in",
        f"{BOARD} replug",
        critical=True,
    ),
    Incident(
        "the port may not be opened",
        f"chown root: /run/board; chmod 700 /run/board; {RESTART}",
        "cannot be reached: .*Permission denied",
        "let the service's user open it",
        "chown wagman: /run/board; chmod 755 /run/board",
        critical=True,
    ),
    Incident(
        "the board is silent",
        f"{BOARD} fault silent on",
        "does not answer on /run/board/tty",
        "look at board.dialect and the cable",
        f"{BOARD} fault silent off",
        critical=True,
    ),
    Incident(
        "the enclosure is too hot",
        f"{BOARD} temp 80",
        "hibernating: no guest runs .*temperature_c high",
        "look at fan, filter, shade",
        f"{BOARD} temp 20",
    ),
    Incident(
        "the sensor of the enclosure is dead",
        f"{BOARD} fault sensor env dead",
        "sensor temperature_c does not tell",
        "check the sensor",
        f"{BOARD} fault sensor env ok",
    ),
    Incident(
        "a relay is stuck",
        f"{BOARD} fault relay gn stuck; wagman stop gn --no-wait",
        "the relay of gn stays on",
        "replace the board",
        f"{BOARD} fault relay gn ok; {BOARD} fault power gn off; wagman start gn --no-wait",
        critical=True,
    ),
    Incident(
        "a guest does not come up",
        appended("start_timeout = 5\\nbackoff_min = 1\\nallowed_attempts = 9\\n", RELOAD)
        + f"; {BOARD} guest cs boot=9000; wagman restart cs --no-wait",
        "cs does not come up",
        "wagman why cs",
        f"{BOARD} guest cs boot=5; cp /root/right.toml {CONFIG}; {RELOAD}; wagman start cs --no-wait",
    ),
    Incident(
        "the configuration is refused at a reload",
        changed("stop_silence", "stop_silense", f"! {RELOAD}"),
        "configuration was refused, and the service runs on .*stop_silense",
        "wagman check-config lists all",
        RIGHT_AGAIN,
    ),
    Incident(
        "the configuration is refused at a start",
        changed("port = 2", "port = 7", RESTART),
        "configuration was refused, and the service runs on the last good copy.*device.cs.port",
        "wagman check-config lists all",
        RIGHT_AGAIN,
    ),
    Incident(
        "a restart is pending",
        changed("port = 2", "port = 3", RELOAD),
        "has to be restarted for device.cs.port to count",
        "systemctl restart wagman",
        RIGHT_AGAIN,
    ),
    Incident(
        "a shutdown command cannot be run",
        changed('shutdown = \\["wagman", "fake-board"', 'shutdown = ["no-such-program", "fake-board"', RELOAD),
        "cannot be asked to halt.*no-such-program",
        "try it as the service.s user",
        RIGHT_AGAIN,
    ),
    Incident(
        "the disk is full",
        "dd if=/dev/zero of=/var/lib/wagman/filler bs=64k 2>/dev/null || true; wagman stop gn --no-wait",
        "the log cannot be written",
        "make room",
        "rm /var/lib/wagman/filler; wagman start gn --no-wait",
    ),
)
