"""What goes wrong on a node: how each incident is staged on a machine, what has to be told of it, and how it is mended.

The fake board runs 25 times as fast as time, and so does the service there.
"""

from attrs import frozen

from tests.systemd.machine import ASIDE

CONFIG = "/etc/wagman/wagman.toml"
BOARD = "wagman fake-board --send /run/board/control"


@frozen
class Incident:
    """One thing that goes wrong, and is mended again.

    `stage` and `mend` are shell scripts for root on that machine; `reason` and `do` are regular expressions for what has to
    be told of it wherever the service is looked at; `known` is one for the event by which the service could know, and
    `patience_s` what it waits by design before it calls a person (no figure: at once).
    """

    name: str
    entry: str  # of the page for the night
    known: str
    stage: str
    reason: str
    do: str
    mend: str
    critical: bool = False
    patience_s: float = 0.0

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
IMPATIENT = changed(
    "^.defaults.$", "&\\nstart_timeout = 20\\nbackoff_min = 1\\nallowed_attempts = 1\\nrecover_attempts = 1", RELOAD
)
FLOOR = "$(echo /opt/wagman/lib/python3*/site-packages/wagman/store/event.py)"  # no clock that is set is older than this file
READER = f"""
systemctl stop wagman; rm -f /run/reads-too
systemd-run --quiet --unit=reader /opt/wagman/bin/python {ASIDE}/reads_too.py {{how}}
until test -e /run/reads-too; do sleep 0.05; done
"""
"""Has a program open the board's port before the service does."""
STATE = "/var/lib/wagman"

SPOILS = f"systemd-run --quiet --unit=spoils /opt/wagman/bin/python {ASIDE}/spoils.py"
IS_WELL = "until wagman check; do sleep 0.05; done"

RIGHT_AGAIN = f"cp {ASIDE}/right.toml {CONFIG}; {RELOAD}"

INCIDENTS = (
    Incident(
        "the cable is out",
        "The board cannot be reached",
        "link.down",
        f"{BOARD} unplug",
        "cannot be reached: .*No such file",
        "is the cable in",
        f"{BOARD} replug",
        critical=True,
        patience_s=4,
    ),
    Incident(
        "the port may not be opened",
        "The board cannot be reached",
        "link.down",
        f"chown root: /run/board; chmod 700 /run/board; {RESTART}",
        "cannot be reached: .*Permission denied",
        "let the service's user open it",
        "chown wagman: /run/board; chmod 755 /run/board",
        critical=True,
        patience_s=4,
    ),
    Incident(
        "the board is silent",
        "The board does not answer",
        "board.silent",
        f"{BOARD} fault silent on",
        "does not answer on /run/board/tty",
        "look at board.dialect and the cable",
        f"{BOARD} fault silent off",
        critical=True,
    ),
    Incident(
        "another program reads the port",
        "The connection to the board is lost again and again",
        "link.down",
        READER.format(how="") + "systemctl start wagman",
        "another program reads this port, too",
        "fuser -v /run/board/tty",
        "systemctl stop reader",
        critical=True,
        patience_s=60,  # three losses
    ),
    Incident(
        "the board does not hear the controller",
        "The board does not hear this computer",
        "board.silent",
        f"{BOARD} fault silent on",
        "does not hear this computer, and power-cycles it one hour after|also: unfed",
        "mend what keeps the service from reaching the board|look at board.dialect",
        f"{BOARD} fault silent off",
        critical=True,
        patience_s=900,
    ),
    Incident(
        "the enclosure is too hot",
        "Hibernating: no guest runs",
        "wagman.will_hibernate|wagman.hibernating",
        f"{BOARD} temp 80",
        "hibernating: no guest runs .*temperature_c high",
        "check the fan, the filter and the shade",
        f"{BOARD} temp 20",
    ),
    Incident(
        "the sensor of the enclosure is dead",
        "The sensor temperature_c gives no reading",
        "environment.unknown",
        f"{BOARD} fault sensor env dead",
        "sensor temperature_c gives no reading",
        "check the sensor",
        f"{BOARD} fault sensor env ok",
    ),
    Incident(
        "a relay is stuck",
        "The relay of gn stays on",
        "device.relay_stuck",
        f"{BOARD} fault relay gn stuck; wagman stop gn --no-wait",
        "the relay of gn stays on",
        "replace the board",
        f"{BOARD} fault relay gn ok; {BOARD} fault power gn off; wagman start gn --no-wait",
        critical=True,
    ),
    Incident(
        "neither its meter nor the board shows that a guest is off",
        "gn is stopped, and nothing shows that its power is off",
        "device.stopped .*the board does not keep it off",
        f"{BOARD} fault sensor cu dead gn; {SPOILS} worn; wagman stop gn --no-wait",
        "gn is stopped, and nothing shows that its power is off",
        "do not touch its wiring; wagman why gn",
        f"systemctl stop spoils; {BOARD} fault sensor cu ok gn; {IS_WELL}; wagman start gn",
        patience_s=300,
    ),
    Incident(
        "a guest does not come up",
        "gn does not come up",
        "device.start_failed",
        appended("start_timeout = 5\\nbackoff_min = 1\\nallowed_attempts = 9\\n", RELOAD)
        + f"; {BOARD} guest cs boot=9000; wagman restart cs --no-wait",
        "cs does not come up",
        "wagman why cs",
        f"{BOARD} guest cs boot=5; cp {ASIDE}/right.toml {CONFIG}; {RELOAD}; wagman start cs --no-wait",
        patience_s=60,  # the second one
    ),
    Incident(
        "a guest runs from its recovery medium",
        "gn runs from its recovery medium",
        'device.started .*"media": "sd"',
        f"{IMPATIENT}; {BOARD} guest gn good=sd; wagman restart gn --no-wait",
        "gn runs from its recovery medium .sd.: no start from emmc proved stable",
        "mend its emmc, then wagman restart gn",
        f"{BOARD} guest gn good=emmc,sd; {RIGHT_AGAIN}; wagman restart gn",
    ),
    Incident(
        "a guest comes up from neither medium",
        "gn does not come up",
        "device.unrecoverable",
        f"{IMPATIENT}; {BOARD} guest gn boot=9000; wagman restart gn --no-wait",
        "gn does not come up, from either medium",
        "send somebody; wagman why gn",
        f"{BOARD} guest gn boot=5; {RIGHT_AGAIN}; wagman start gn",
        critical=True,
    ),
    Incident(
        "a guest pulls the board down",
        "gn is locked out",
        "device.brownout",
        f"wagman stop gn; {SPOILS} short; wagman start gn --no-wait",
        "gn is locked out: the board restarted each time",
        "mend its power supply, then wagman start gn",
        "systemctl stop spoils; wagman start gn",
        critical=True,
    ),
    Incident(
        "the configuration is refused at a reload",
        "The configuration was refused",
        "service.config_refused",
        changed("stop_silence", "stop_silense", f"! {RELOAD}"),
        "configuration was refused, and the service runs on .*stop_silense",
        "wagman check-config lists all",
        RIGHT_AGAIN,
    ),
    Incident(
        "the configuration is refused at a start",
        "The configuration was refused",
        "service.config_refused",
        changed("port = 2", "port = 7", RESTART),
        "configuration was refused, and the service runs on the last good copy.*device.cs.port",
        "wagman check-config lists all",
        RIGHT_AGAIN,
    ),
    Incident(
        "a restart is pending",
        "The service has to be restarted",
        "service.reloaded",
        changed("port = 2", "port = 3", RELOAD),
        "has to be restarted for device.cs.port to count",
        "systemctl restart wagman",
        RIGHT_AGAIN,
    ),
    Incident(
        "a port has lost its table",
        "Port 3 has no table in the configuration",
        "port.left",
        f"sed -i '/^.device.cs/,$d' {CONFIG}; {RESTART}",
        "port 2 has no table in the configuration .cs had.",
        "give it a table again",
        f"cp {ASIDE}/right.toml {CONFIG}; {RESTART}",
    ),
    Incident(
        "a shutdown command cannot be run",
        "gn cannot be asked to halt",
        "service.reloaded",
        changed('shutdown = \\["wagman", "fake-board"', 'shutdown = ["no-such-program", "fake-board"', RELOAD),
        "cannot be asked to halt.*no-such-program",
        "try it as the service.s user",
        RIGHT_AGAIN,
    ),
    Incident(
        "a shutdown command keeps failing",
        "gn cannot be asked to halt",
        'device.message .*"ok": false',
        changed('shutdown = \\["wagman", "fake-board"', 'shutdown = ["sh", "-c", "echo no route; exit 1", "x"', RELOAD)
        + "; wagman stop gn --no-wait",
        "gn cannot be asked to halt.*exit status 1: no route",
        "try it as the service.s user",
        f"{RIGHT_AGAIN}; wagman start gn",
        critical=True,
        patience_s=60,  # three of them
    ),
    Incident(
        "a task of the service hangs",
        "The task link of the service hangs",
        "service.task_stuck",
        "rm -f /run/wagman/hang; touch /run/wagman/hang",
        "the task device.(gn|cs) of the service hangs",
        "report this",
        RESTART,
        critical=True,
    ),
    Incident(
        "the clock was never set",
        "The clock of this computer has not been set",
        "service.started",
        f"touch --date=2100-01-01 {FLOOR}; {RESTART}",
        "the clock of this computer has not been set",
        "timedatectl",
        f"touch {FLOOR}; {RESTART}",
    ),
    Incident(
        "the saved state is somebody else's",
        "Earlier decisions cannot be read",
        "store.unreadable",
        f"systemctl stop wagman; chown root: {STATE}/wagman.db*; systemctl start wagman",
        f"earlier decisions cannot be read, .*{STATE}/wagman.db belongs to root",
        f"sudo chown wagman {STATE}/wagman.db",
        f"chown wagman: {STATE}/wagman.db*",
        critical=True,
    ),
    Incident(
        "somebody has emptied the saved state",
        "There is no saved state",
        "service.started",
        "wagman stop gn cs; "
        + changed(
            "adopt_window = .*", 'adopt_window = "30min"', f"systemctl stop wagman; rm -rf {STATE}/*; systemctl start wagman"
        ),
        "there is no saved state: gn, cs will be started",
        "else wagman disable GUEST at once for each that is to stay off",
        f"cp {ASIDE}/right.toml {CONFIG}; {RESTART}; wagman start gn cs",
    ),
    Incident(
        "decisions cannot be kept beside the log",
        "Decisions are not kept beside the log",
        "decisions.unavailable",
        f"rm -f {STATE}/decisions.json*; touch {STATE}/decisions.json.spare; chmod 600 {STATE}/decisions.json.spare",
        f"decisions are not kept beside the log: .*{STATE}/decisions.json.spare belongs to root",
        f"sudo chown wagman {STATE}/decisions.json.spare",
        f"chown wagman: {STATE}/decisions.json.spare",
    ),
    Incident(
        "the disk is full",
        "The log cannot be written",
        "store.unavailable",
        f"dd if=/dev/zero of={STATE}/filler bs=64k 2>/dev/null || true; wagman stop gn --no-wait",
        "the log cannot be written",
        "make room",
        f"rm {STATE}/filler; wagman start gn --no-wait",
    ),
    Incident(
        "somebody has deleted the directory of the state while the service runs",
        "The log cannot be written",
        "store.unavailable",
        f"umount --lazy {STATE}; rm -rf {STATE}",
        "the log cannot be written: .*its directory is gone",
        "systemctl restart wagman, which makes /var/lib/wagman anew",
        f"{RESTART}; wagman start gn cs",
        patience_s=30,  # that it cannot be made anew is found by the next look
    ),
)

TOLD_OTHERWISE = {
    "Commands cannot reach the service": "check and status are commands; a test of its own has the two other voices",
    "The board cannot be used": "the machine has no network; tests/service/test_plugs_for_real.py stages it",
    "gn is in maintenance": "it is a notice, which calls for nobody; a test of its own has it hold over a restart",
    "The relay of gn stays off": "a Wagman says that it starts a port; tests/simulation/test_regressions.py stages it on a plug",
    "Nothing shows the power of gn": "a Wagman has all its ports; tests/io/test_plain.py stages it",
    "gn is heard though its outlet is off": "a Wagman hears none; tests/simulation/test_regressions.py stages it on a plug",
    "gn was never heard": "the machine has no network; tests/service/test_plugs_for_real.py stages it",
    "The service cannot listen to gn": "the machine has no network; tests/service/test_plugs_for_real.py stages it",
    "No witness of the network lan answers": "the machine has no network; tests/service/test_plugs_for_real.py stages it",
}
"""Entries of the page that are not staged like the others, and why."""
