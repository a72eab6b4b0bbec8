"""The part of `--help` below the options: what the command does in detail, examples, and its exit codes."""

from textwrap import fill, indent
from typing import NamedTuple

from wagman.cli.outcome import DONE, FAILED, REFUSED, TIMED_OUT, UNREACHABLE, USAGE
from wagman.cli.text import WIDTH

_EXIT_CODES = {
    DONE: "done",
    FAILED: "the command was tried, and failed",
    USAGE: "the command line makes no sense, or there is no such guest",
    UNREACHABLE: "the service cannot be reached, or does not answer",
    REFUSED: "the service refused it: disabled, hibernating, not permitted",
    TIMED_OUT: "timed out while waiting",
}

_QUERY = (DONE, FAILED, USAGE, UNREACHABLE, REFUSED)
_ACTION = (*_QUERY, TIMED_OUT)

_UP = (
    "The command ends when the guest is started: its heartbeat was heard, or, if it has none, its power was seen on. The first "
    "start that fails ends the command, but the service goes on trying. ^C stops the waiting, not the action."
)
_DOWN = (
    "The command ends when the guest is stopped, and the board has shown that its power is off. "
    "^C stops the waiting, not the action."
)


_ALL = (
    "all also stops the guest that you may have come in by, for example a modem: on a terminal the command asks first, over ssh "
    "without a terminal it needs --yes."
)


class About(NamedTuple):
    """The help text of a command; `codes` are its exit codes if those are the usual ones, else the text explains them."""

    text: str
    examples: tuple[str, ...]
    codes: tuple[int, ...] = ()


COMMANDS = {
    "status": About(
        "The first lines are the problems: what calls for a person, if anything does. BEAT is the time since the last "
        "heartbeat. A question mark marks what was so when the board answered last. NOTES shows what is not as it "
        "should be: unconfirmed (the board has yet to show that the power is as ordered), disabled, locked out (after "
        "brownouts), relay stuck, failed starts in a row, the time of the next start, and timers that are held. A "
        "timer is no alert. If it is held, its time is up, but nobody could prove that the guest is silent, so the "
        "service does nothing yet.",
        ("wagman status", "wagman status gn cs --json"),
        _QUERY,
    ),
    "check": About(
        "Prints one line for a monitoring system: OK, WARNING, CRITICAL or UNKNOWN (the service cannot be reached, or "
        "the board does not answer), with the worst problem and what to do. With a GUEST, only the problems of that "
        "guest count. Exit codes: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.",
        ("wagman check", "wagman check --perfdata", "wagman check gn"),
    ),
    "start": About(
        _UP,
        ("wagman start gn", "wagman start all --timeout 600", "wagman start gn --force   # hibernating or not"),
        _ACTION,
    ),
    "stop": About(
        "The service asks the guest to halt, and cuts its power once the guest is silent. With --for the service "
        "starts the guest again by itself when that time is over; any later command about the guest, except enable, "
        "cancels that. The time is counted by this computer's own clock, which stands still while this computer is "
        f"off. {_ALL} {_DOWN}",
        ("wagman stop gn", "wagman stop gn --for 10min", "wagman stop all --no-wait --yes"),
        _ACTION,
    ),
    "restart": About(
        "The service asks the guest to halt, switches its power off once the guest is silent, and starts it again. "
        f"{_UP} wagman restart nc returns as soon as it is accepted: the computer that you are typing on is about to "
        "go down.",
        ("wagman restart gn",),
        _ACTION,
    ),
    "kill": About(
        "The guest is not asked to halt, so its file systems may be damaged. On a terminal the command asks first; "
        f"elsewhere it needs --yes. {_DOWN}",
        ("wagman kill gn --yes",),
        _ACTION,
    ),
    "enable": About("This command starts nothing: wagman start does.", ("wagman enable gn && wagman start gn",), _QUERY),
    "disable": About(
        f"The service stops the guest as wagman stop does, and refuses every start until wagman enable. {_ALL} {_DOWN}",
        ("wagman disable gn",),
        _ACTION,
    ),
    "maintenance": About(
        "While somebody works on the guest, the service leaves it alone: it neither switches the guest's power nor "
        "sends it messages, and the guest's problems call nobody. The service still records what it sees, and refuses "
        "every other command about the guest. Afterwards it looks at the guest anew: it takes over a guest that runs, "
        "and starts one that should run. If you give the command again, the time begins anew. The time is counted by "
        "this computer's own clock, which stands still while this computer is off.",
        ("wagman maintenance gn --for 2h", "wagman maintenance all --for 90min", "wagman maintenance gn --end"),
        _QUERY,
    ),
    "test": About(
        "The service asks the guest to halt by its shutdown command, cuts its power once the guest is silent, and "
        "starts it again. If the shutdown command fails, or the guest does not fall silent in time, the drill is "
        "called off: the guest goes on running, and its power is not cut. On a terminal the command asks first; "
        "elsewhere it needs --yes. A drill that could do harm, or that could prove nothing, is refused: if the guest "
        "is not up, is not heard, has no shutdown command or was started just now, or if there is a problem already. "
        "Whatever happens to this command, the service starts the guest again by itself.",
        ("wagman test gn", "wagman test gn --yes --json"),
        _QUERY,
    ),
    "hibernate": About(
        "The service asks all guests to halt, one by one, the one that was started last first. They stay down until "
        "wagman wake, also over restarts of the service. Guests that you keep go on running, and the service looks "
        "after them; only heat takes them down, too. On a terminal the command asks first; over ssh without a "
        "terminal it needs --yes.",
        ('wagman hibernate --reason "storm, back on Monday" --keep modem',),
        _QUERY,
    ),
    "wake": About(
        "The service starts the guests that should run, one after the other, unless it is too hot for that.",
        ("wagman wake",),
        _QUERY,
    ),
    "ping": About(
        "For a guest that cannot reach its heartbeat pin: the service takes this command as a heartbeat of the guest.",
        ("wagman ping gn",),
        _QUERY,
    ),
    "events": About(
        "With -f the command goes on, without a gap or a repeat, and waits for a service that is away. With -f, "
        "--since and -n it ends after N events.",
        ("wagman events --plain -n 20 --device gn", "wagman events --since 90min --type device", "wagman events -f --json"),
        _QUERY,
    ),
    "why": About(
        "First comes what keeps the guest from starting, or what comes next, then the causes, newest first.",
        ("wagman why gn", "wagman why 1   # by its port", "wagman why gn --json"),
        _QUERY,
    ),
    "report": About(
        "UPTIME is a percentage of the time of which anything is known. UNKNOWN is the time in which the service did "
        "not run, the board did not answer, or no event told of the guest yet. KEPT is the time in which the guest "
        "was down on purpose, by an operator or the environment, or in maintenance; that is no outage. MTBF is how "
        "long the guest was up between two outages, MTTR how long an outage lasted, both on average. The log has a "
        "limited size: the report knows nothing of what is older.",
        ("wagman report", "wagman report gn --since 7d --json", "wagman report --html /srv/www/guests.html"),
        _QUERY,
    ),
    "top": About(
        "Needs a terminal, and the package rich. The bottom line shows the keys, and ? shows all of them; keys that "
        "act on a guest ask first. The table scrolls with j and k, the events with b and space.",
        ("wagman top",),
    ),
    "board": About(
        "Sends a raw command to the board and prints its answer. Commands that would work against the service are "
        "refused (start, stop, enable, disable, reset, eereset, bs, blf, watch, ping and log off; on a v4 board "
        "start, stop, enable, reset, eereset, set_media and ping): for guests, use the commands of wagman instead. "
        "--force sends them all the same. Of several boards, --board names the one that is meant.",
        ("wagman board hb", "wagman board --board two hb", "wagman board eereset --force"),
        _QUERY,
    ),
    "run": About(
        "SIGTERM and SIGINT end the service. So does the end of the terminal that it was started on, unless it was "
        "started with nohup. SIGHUP makes the service read its configuration again. None of these touches a guest. "
        "Exit codes: 0 an orderly end, 1 a task keeps crashing, 2 the configuration has errors, 4 the socket, the "
        "state directory or the port is taken.",
        ("wagman run --config node.toml",),
    ),
    "demo": About(
        "Needs no board, no root and no configuration, and leaves nothing behind. The scenario mast has a fake Shelly "
        "rail, and real processes as guests: one hangs, their network fails, a relay is welded. The other scenarios "
        "have a fake Wagman; in tour a guest dies and is recovered from its other medium, and the box gets too hot. "
        "The command ends with 1 if something that it shows does not come true.",
        (
            "wagman demo",
            "wagman demo --scenario unplug   # a Wagman's cable is out",
            "wagman demo --scenario reset",
        ),
    ),
    "fake-board": About(
        "Runs until you tell it to quit. Its control socket takes one command per line, such as unplug, replug, "
        "reset, hang gn, revive gn, halt gn, temp 75 and status, and answers in JSON.",
        (
            "wagman fake-board --link tty --control control --guest gn:boot=30,beat=8",
            "wagman fake-board --send control hang gn",
        ),
    ),
    "simulate": About(
        "If a promise is broken, the command ends with 1, and prints the shortest story found that breaks it. With "
        "--seeds it prints a line for each seed; for a seed that breaks a promise, the line has the command that runs "
        "it alone.",
        (
            "wagman simulate --days 30 --seed 1",
            "wagman simulate --days 2 --seeds 1..100 --jobs 4",
            "wagman simulate --script story.txt --timeline story.svg",
        ),
    ),
    "init": About(
        "Writes a file that is as short as possible, with a comment for each table, and checks it. Without --board "
        "and --guest it asks questions, on a terminal. A guest is given by its name and any keys of its table, with "
        "commas between them; a board by its kind and its keys. If a guest is heard over a network, somebody else has "
        "to show that the network works: the plug itself, or --witness. Exit codes: 0 written, 2 the options make no "
        "sense, 4 there is such a file already.",
        (
            "wagman init",
            "wagman init --board shelly=10.0.0.97 --guest gn,port=0,http=http://gn/ \\\n    --shutdown 'ssh gn poweroff'",
            "wagman init --board wagman=/dev/ttyACM0 --guest gn,port=1 \\\n    --shutdown 'ssh gn poweroff'",
        ),
    ),
    "probe": About(
        "Asks every board, source and witness of the configuration that can be asked, once, and prints who answered, "
        "how long that took, and why the others did not. It switches nothing, whether the service runs or not. If the "
        "service holds the serial port of a board, the command shows what the service sees of that board, and so it "
        "does of guests that speak by themselves. Exit codes: 0 all answered, 1 somebody did not, 2 the configuration "
        "has errors.",
        ("wagman probe", "wagman probe gn --config node.toml", "wagman probe --json"),
    ),
    "doctor": About(
        "Looks for what would not work in an emergency: in the configuration, ports, groups, commands, files, hosts, "
        "the saved state, the service, its unit and the clock. If root runs it, it looks with the rights of the "
        "service's user, in the sandbox of the service's unit, and says so. It switches nothing, and opens no serial "
        "port. --bundle never overwrites a file. Exit codes: 0 all is well, 1 there is something to mend, 2 something "
        "is wrong, 3 it cannot be told from here, or the bundle cannot be written.",
        ("wagman doctor", "wagman doctor --bundle report.tar.gz", "wagman doctor --config node.toml --json"),
    ),
    "fleet": About(
        "bridge runs on a node, beside the service; the others run where somebody looks after many nodes. All of them "
        "read fleet.toml. An outage loses nothing: the node's own log is the queue, and a collector asks for what is "
        "missing. wagman fleet bridge --help and so on say more. Exit codes: 0 done, or an orderly end; 1 status: "
        "something calls for a person, do: a node did not accept the order, else: a file cannot be used; 2 the "
        "configuration has errors; 3 the broker cannot be reached, or takes no orders; 4 the service does not permit it.",
        (
            "wagman fleet bridge --check",
            "wagman fleet collect --sqlite fleet.db",
            "wagman fleet status 'v0*'",
            "wagman fleet events v042 --plain",
            "wagman fleet metrics --sqlite fleet.db --listen 9751",
            "wagman fleet do restart gn v042",
        ),
    ),
    "metrics": About(
        "Prints the figures once, in the text format of Prometheus. With --textfile or --listen the command runs "
        "until it is told to end, as the unit wagman-metrics.service does, and waits for a service that is away; "
        "wagman_up is then 0, and the only figure. At its end it removes the file. Everybody on this computer may "
        "read the port. Exit codes: 0 printed, or an orderly end, 1 the file cannot be written, or the port cannot be "
        "opened, 3 the service cannot be reached, 4 the service does not permit it.",
        (
            "wagman metrics",
            "wagman metrics --textfile wagman.prom",
            "wagman metrics --listen 9750",
        ),
    ),
    "notify": About(
        "Runs until it is told to end, as the unit wagman-notify.service does. It remembers what it has sent: a "
        "restart loses no message, and a message that is sent a second time says so. Exit codes: 0 an orderly end, or "
        "all messages were sent, 1 with --test: a message could not be sent; else: the memory of what was sent cannot "
        "be kept, or another wagman notify runs already, 2 the configuration has errors, 4 the service does not "
        "permit it.",
        ("wagman notify --check", "wagman notify --test", "wagman notify --test mail"),
    ),
    "check-config": About(
        "Shows every error with its line. A group that the file names must exist on this computer, as for the "
        "service. If root runs it, it also finds what the service's user may not read: that is an error only in the "
        "file that the service uses. With --ask it also says in what the boards that answer differ from the file: "
        "which board it is, what its ports do when its own power comes back, ports that it does not have, a meter "
        "that it does not have. Exit codes: 0 the file has no error, 1 with --ask: a board differs, or does not "
        "answer, 2 the file has errors.",
        ("wagman check-config", "wagman check-config node.toml", "wagman check-config --ask"),
    ),
    "install-service": About(
        "Needs root, except for --dry-run. It starts nothing: systemctl does. --metrics and --notify also put in "
        "place the units that write the figures for Prometheus and tell people of problems (see wagman metrics, "
        "wagman notify); a later run renews them, too. --collect is for the computer where all nodes of a fleet come "
        "together: if the service is not installed there, nothing of it is put in place. --remove undoes what was "
        "done, and no more: an account that existed before stays. If the board will power-cycle this computer once "
        "the service is gone, the command asks first; without a terminal it needs --yes.",
        ("wagman install-service --dry-run", "wagman install-service --notify --cockpit", "wagman install-service --remove"),
    ),
    "completion": About(
        "Completes commands, options, and the names of the guests of the running service.",
        (
            "wagman completion bash > /etc/bash_completion.d/wagman",
            "wagman completion zsh > /usr/local/share/zsh/site-functions/_wagman",
            "wagman completion fish > ~/.config/fish/completions/wagman.fish",
        ),
    ),
}


def about(command: str) -> str:
    """Return the help text of a command, to stand below its options."""
    known = COMMANDS[command]
    examples = ["", "examples:", *(indent(each, "  ") for each in known.examples)]
    codes = ["", "exit codes:", *(f"  {code}  {means}" for code, means in endings(command))] if known.codes else []
    return "\n".join([fill(known.text, WIDTH - 2), *examples, *codes])


def endings(command: str) -> list[tuple[int, str]]:
    """The meaning of each exit code of a command that has the usual ones."""
    return [(code, _EXIT_CODES[code]) for code in COMMANDS[command].codes]
