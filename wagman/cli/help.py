"""The part of `--help` below the options: what the command does in detail, examples, and its exit codes."""

from textwrap import fill
from typing import NamedTuple

from wagman.cli.outcome import DONE, FAILED, REFUSED, TIMED_OUT, UNREACHABLE, USAGE
from wagman.cli.text import WIDTH

_EXIT_CODES = {
    DONE: "done",
    FAILED: "it was tried and failed",
    USAGE: "the command line makes no sense, or there is no such guest",
    UNREACHABLE: "the service cannot be reached, or does not answer",
    REFUSED: "refused: disabled, hibernating, not permitted",
    TIMED_OUT: "timed out while waiting",
}

_QUERY = (DONE, FAILED, USAGE, UNREACHABLE, REFUSED)
_ACTION = (*_QUERY, TIMED_OUT)

_UP = (
    "Done when the guest is started: its heartbeat was heard, or, if it has none, its power was seen on. "
    "The first start that fails ends the wait, and the service goes on trying all the same. "
    "^C stops the waiting, not the action."
)
_DOWN = "Done when the guest is stopped and the board has shown that its power is off. ^C stops the waiting, not the action."


_ALL = (
    "all takes down what you may have come in by, a modem perhaps: on a terminal that is asked about, and over ssh without one "
    "it takes --yes."
)


class About(NamedTuple):
    """The help text of a command; `codes` are its exit codes if those are the usual ones, else the text explains them."""

    text: str
    examples: tuple[str, ...]
    codes: tuple[int, ...] = ()


COMMANDS = {
    "status": About(
        "On top is what calls for a person, if anything does. BEAT is the age of the last heartbeat; a question mark is at what "
        "was so when the board was seen last. "
        "NOTES has what is not as it should be: unconfirmed (the board has yet to show "
        "that the power is as wanted), disabled, locked out (after brownouts), relay stuck, failed starts in a row, the time of "
        "the next start, and timers (not alerts) that are held: the time is up, but nobody could prove that the guest is silent, "
        "so nothing is done yet.",
        ("wagman status", "wagman status gn cs --json"),
        _QUERY,
    ),
    "check": About(
        "One line for a monitoring system: OK, WARNING, CRITICAL or UNKNOWN (the service cannot be reached, the board is not "
        "seen), with the worst problem and what to do. With a GUEST, what is wrong with that one only. "
        "Exit codes: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.",
        ("wagman check", "wagman check --perfdata", "wagman check gn"),
    ),
    "start": About(
        _UP,
        ("wagman start gn", "wagman start all --timeout 600", "wagman start gn --force   # hibernating or not"),
        _ACTION,
    ),
    "stop": About(
        "It is asked to halt, and its power is cut once it is silent. With --for it is to run again so long after it was asked "
        "for, by itself, in its turn; any later command about it but enable takes that back. "
        "The controller's own clock counts, and not "
        f"while the controller itself is off. {_ALL} {_DOWN}",
        ("wagman stop gn", "wagman stop gn --for 10min", "wagman stop all --no-wait --yes"),
        _ACTION,
    ),
    "restart": About(
        f"It is asked to halt, its power is cut once it is silent, and comes again. {_UP} "
        "wagman restart nc returns as soon as it is accepted: the computer that you are typing on is about to go down.",
        ("wagman restart gn",),
        _ACTION,
    ),
    "kill": About(
        f"Without a shutdown: file systems may be damaged. On a terminal it asks first, elsewhere it takes --yes. {_DOWN}",
        ("wagman kill gn --yes",),
        _ACTION,
    ),
    "enable": About("This starts nothing: wagman start does.", ("wagman enable gn && wagman start gn",), _QUERY),
    "disable": About(
        f"It is stopped as by wagman stop, and every start is refused until wagman enable. {_ALL} {_DOWN}",
        ("wagman disable gn",),
        _ACTION,
    ),
    "maintenance": About(
        "While somebody works on it, nothing is done about it: its power stays as it is, it is asked for nothing, and what is "
        "wrong with it calls for nobody. What is seen is told. Every other command about it is refused until then. Afterwards it "
        "is looked at anew: taken over where it runs, else started if it is to run. Ordered again, its time begins anew. "
        "The controller's own clock counts, and not while the controller itself is off.",
        ("wagman maintenance gn --for 2h", "wagman maintenance all --for 90min", "wagman maintenance gn --end"),
        _QUERY,
    ),
    "test": About(
        "The guest is asked to halt by its shutdown command, loses its power once it is silent, and is started again. If the "
        "command fails, or the guest does not fall silent in time, the drill is called off: it goes on running, and nothing is "
        "cut. On a terminal it asks first, elsewhere it takes --yes. A drill that would harm, or prove nothing, is refused: of a "
        "guest that is not up, is not heard, has no shutdown command or was started just now, or where something is wrong "
        "already. Whatever becomes of this command, the guest is started again by itself.",
        ("wagman test gn", "wagman test gn --yes --json"),
        _QUERY,
    ),
    "hibernate": About(
        "All guests are asked to halt one by one, the last started first, and are down until wagman wake, also over restarts. "
        "Those to be kept go on running, and are looked after; heat takes them down, too. On a terminal it asks first, and over "
        "ssh without one it takes --yes.",
        ('wagman hibernate --reason "storm, back on Monday" --keep modem',),
        _QUERY,
    ),
    "wake": About(
        "The guests that are to run are started in their turn, unless it is too hot for that.", ("wagman wake",), _QUERY
    ),
    "ping": About("For guests that cannot reach their heartbeat pin: it counts as a heartbeat.", ("wagman ping gn",), _QUERY),
    "events": About(
        "-f goes on without a gap or a repeat, and waits for a service that is away. With -f, --since and -n it ends then.",
        ("wagman events --plain -n 20 --device gn", "wagman events --since 90min --type device", "wagman events -f --json"),
        _QUERY,
    ),
    "why": About(
        "First what keeps it from starting, or what comes next, then the causes, newest first.",
        ("wagman why gn", "wagman why 1   # by its port", "wagman why gn --json"),
        _QUERY,
    ),
    "report": About(
        "UPTIME is in percent of the time of which anything is known: UNKNOWN is when the service did not run, the board was not "
        "seen, or nothing was told yet. KEPT is when it was down on purpose, as an operator or the environment wanted it, or in "
        "maintenance, which is no outage. MTBF is how long it was up between outages, MTTR how long it was down, both on "
        "average. The log holds what there is room for: what is older is not reported on.",
        ("wagman report", "wagman report gn --since 7d --json", "wagman report --html /srv/www/guests.html"),
        _QUERY,
    ),
    "top": About(
        "Needs a terminal, and the package rich. The bottom line has the keys, and ? shows all; those that act on a guest "
        "ask first. The table scrolls with j and k, the events with b and space.",
        ("wagman top",),
    ),
    "board": About(
        "Sends a raw command to the board and prints its answer. "
        "What would fight the service is refused (start, stop, enable, disable, reset, eereset, "
        "bs, blf, watch, ping and log off; of a v4 board start, stop, enable, reset, eereset, set_media and ping): the service "
        "has commands of its own for what acts on a guest. --force sends it all the same.",
        ("wagman board hb", "wagman board eereset --force"),
        _QUERY,
    ),
    "run": About(
        "SIGTERM and SIGINT end it, and so does the end of the terminal that it was begun on, but for nohup; SIGHUP has it read "
        "its configuration again. No guest is touched by any of that. "
        "Exit codes: 0 an orderly end, 1 a task keeps crashing, 2 the configuration, 4 the socket or the port is taken.",
        ("wagman run --config node.toml",),
    ),
    "demo": About(
        "Needs no board, no root and no configuration, and leaves nothing behind. "
        "mast has a fake Shelly rail and real processes as guests: one hangs, their network fails, a relay is welded. "
        "The others have a fake Wagman: tour is a guest that dies and is recovered from its other medium, and a hot spell. "
        "It ends with 1 where something that it shows does not come true.",
        (
            "wagman demo",
            "wagman demo --scenario unplug   # a Wagman's cable is out",
            "wagman demo --scenario reset",
        ),
    ),
    "fake-board": About(
        "Runs until it is told to quit. Its control socket takes one command per line, such as unplug, replug, reset, hang gn, "
        "revive gn, halt gn, temp 75 and status, and answers in JSON.",
        (
            "wagman fake-board --link tty --control control --guest gn:boot=30,beat=8",
            "wagman fake-board --send control hang gn",
        ),
    ),
    "simulate": About(
        "It ends with 1, and with the shortest story found, where a promise is broken. With --seeds each seed has a line, and "
        "that of one that breaks a promise has the command that runs it alone.",
        (
            "wagman simulate --days 30 --seed 1",
            "wagman simulate --days 2 --seeds 1..100 --jobs 4",
            "wagman simulate --script story.txt --timeline story.svg",
        ),
    ),
    "init": About(
        "Writes a file that is as short as it can be, with a comment for each table, and checks it. Without --board and --guest "
        "it asks, on a terminal. A guest is a name and any keys of its table, with commas between them; a board is its kind and "
        "its keys. Where a guest is heard over a network, somebody else has to show that the network works: the plug itself, or "
        "--witness. "
        "Exit codes: 0 written, 2 the flags make no sense, 4 there is such a file already.",
        (
            "wagman init",
            "wagman init --board shelly=10.0.0.97 --guest gn,port=0,http=http://gn/",
            "wagman init --board wagman=/dev/ttyACM0 --guest gn,port=1",
        ),
    ),
    "probe": About(
        "Asks everybody in the configuration who can be asked, once, and prints who answered, how long that took, and why the "
        "others did not. Nothing is switched, whether the service runs or not. A board on a serial port that the service holds "
        "is shown as the service sees it, and so are guests that speak by themselves. "
        "Exit codes: 0 all answered, 1 somebody did not, 2 the configuration is wrong.",
        ("wagman probe", "wagman probe gn --config node.toml", "wagman probe --json"),
    ),
    "doctor": About(
        "Before the emergency, and in it: the configuration, ports, groups, commands, files, hosts, the saved state, the "
        "service, its unit and the clock. As root it looks as the service's user under the sandbox of its unit, and says so. "
        "Nothing is switched, and no serial port is opened. --bundle never takes the place of a file that is there. "
        "Exit codes: 0 all is well, 1 something is to be mended, 2 something is wrong, 3 it cannot be told from here, or the "
        "bundle cannot be written.",
        ("wagman doctor", "wagman doctor --bundle report.tar.gz", "wagman doctor --config node.toml --json"),
    ),
    "fleet": About(
        "bridge runs on a node, beside the service; the others run wherever somebody looks after many nodes. All of them go by "
        "fleet.toml. Nothing is lost by an outage: the node's own log is the queue, and a collector asks for what is missing. "
        "wagman fleet bridge --help and so on tell the rest. "
        "Exit codes: 0 done, or an orderly end, 1 status: something calls for a person, do: a node did not accept; else: a file "
        "cannot be used, 2 the configuration is wrong, 3 the broker cannot be reached, 4 the service does not permit it.",
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
        "Prints them once, in the text format of Prometheus. With --textfile or --listen it runs until it is told to end, as the "
        "unit wagman-metrics.service does, and waits for a service that is away: wagman_up is 0 then, and alone. The file is "
        "taken away at the end. On the port everybody on this computer may read them. "
        "Exit codes: 0 printed, or an orderly end, 1 the file cannot be written, or the port not be had, 3 the service cannot be "
        "reached, 4 it does not permit it.",
        (
            "wagman metrics",
            "wagman metrics --textfile /run/wagman-metrics/wagman.prom",
            "wagman metrics --listen 9750",
        ),
    ),
    "notify": About(
        "Runs until it is told to end, as the unit wagman-notify.service. What was told is kept: a restart loses nothing, and "
        "what is sent a second time says so. "
        "Exit codes: 0 an orderly end, or all were told, 1 with --test: somebody could not be told; else: what was told cannot "
        "be kept, or another one tells already, 2 the configuration is wrong, 4 the service does not permit it.",
        ("wagman notify --check", "wagman notify --test", "wagman notify --test mail"),
    ),
    "check-config": About(
        "Every error is shown with its line. A group that the file names must exist on this machine, as for the service. "
        "Asked by root, it also finds what the service's user may not read: an error of the file that the service goes by. "
        "With --ask it also says how the boards that are there differ from it: which one answers, what its ports do when its own "
        "power comes back, ports that it does not have, a meter that it does not have. "
        "Exit codes: 0 it is right, 1 with --ask: a board differs, or does not answer, 2 it is wrong.",
        ("wagman check-config", "wagman check-config node.toml", "wagman check-config --ask"),
    ),
    "install-service": About(
        "Needs root, but for --dry-run. It starts nothing: systemctl does. --metrics and --notify also put the units in place "
        "that write the figures for Prometheus and tell people (see wagman metrics, wagman notify); once there, they are renewed "
        "with the rest. --collect is for the computer where all nodes of a fleet come together: where the service is not in "
        "place, it puts nothing of it there. --remove undoes what was done, and no more: an account that was there before stays. "
        "Where the board will power-cycle this computer for want of the service, it asks first, and without a terminal it takes "
        "--yes.",
        ("wagman install-service --dry-run", "wagman install-service --notify --cockpit", "wagman install-service --remove"),
    ),
    "completion": About(
        "Commands, options, and the names of the guests of the running service.",
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
    examples = ["", "examples:", *(f"  {each}" for each in known.examples)]
    codes = ["", "exit codes:", *(f"  {code}  {means}" for code, means in endings(command))] if known.codes else []
    return "\n".join([fill(known.text, WIDTH - 2), *examples, *codes])


def endings(command: str) -> list[tuple[int, str]]:
    """The meaning of each exit code of a command that has the usual ones."""
    return [(code, _EXIT_CODES[code]) for code in COMMANDS[command].codes]
