"""`wagman start|stop|restart|kill|enable|disable|maintenance`: ask, then wait for the goal, and say what happened.

All guests share one connection. The subscription to events comes first, so that no effect of the command is missed. The status
is asked for after events that may make the goal unreachable, and never just because time has passed.
"""

import json
import math
import os
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace

from wagman.cli.boards import board_of, in_words
from wagman.cli.connection import add_socket_argument
from wagman.cli.goals import DOWN, Moment, Outcome, Pursuit, exit_code, sentence
from wagman.cli.names import expanded
from wagman.cli.outcome import DONE, REFUSED, USAGE, CommandError, complain
from wagman.cli.progress import Progress
from wagman.client.blocking import Client, Follower
from wagman.client.conversation import ANSWER_S
from wagman.client.errors import AnswerError, ClientError, LostError
from wagman.client.following import is_refusal
from wagman.model.asked import MAX_FOR_S, MAX_NAME_CHARS, is_name
from wagman.model.order import in_order
from wagman.model.shapes import Decision, Event, Status
from wagman.model.words import duration, plain

REDRAW_S = 0.5
"""How often the line with the waiting time is drawn anew (chosen)."""

QUIET_S = 15.0
"""A service that has sent nothing for so long is asked whether it is there (chosen)."""

AROUND = ("wagman.", "link.", "board.silent")
"""The events that may keep every guest from its goal."""

RECONNECT_S = 120.0
"""How long to wait for a service that is away (chosen: a watchdog time-out and a restart)."""

ORDER_S = 40.0
"""How long the service may take to decide.

Before it restarts the controller, it asks the board and waits until that has begun.
"""

RETRY_S = 0.5
"""The time between two tries to reach the service again (chosen)."""

UNDOES = {"stop": "start", "disable": "enable and wagman start"}
"""The commands that keep guests down until an operator says otherwise, and the command that does so."""

_LEAST_ANSWER_S = 0.05


def add_arguments(parser: ArgumentParser, command: str) -> None:
    """Add the arguments of the command."""
    parser.add_argument("devices", nargs="+", metavar="GUEST", help="name, port number or all")
    parser.add_argument("--no-wait", dest="wait", action="store_false", help="do not wait for the outcome")
    parser.add_argument(
        "--timeout", type=_seconds, default=math.inf, metavar="S", help="wait at most S seconds (default: for ever)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--on-behalf",
        type=_name,
        metavar="NAME",
        help="the person for whom a program gives this command; the log records the name",
    )
    if command == "stop":
        parser.add_argument(
            "--for",
            dest="for_s",
            type=lasting,
            metavar="TIME",
            help="let the service start the guest again by itself, after 10min, 2h, ...",
        )
    if command == "maintenance":
        how_long = parser.add_mutually_exclusive_group(required=True)
        how_long.add_argument("--for", dest="for_s", type=lasting, metavar="TIME", help="how long, from now: 90min, 2h, 1d, ...")
        how_long.add_argument("--end", action="store_true", help="end the maintenance now")
    if command == "start":
        parser.add_argument("--force", action="store_true", help="start the guest although the environment forbids it")
    if command == "restart":
        parser.add_argument(
            "--force",
            action="store_true",
            help="restart the guest although the environment forbids it, or its board cannot be seen",
        )
    if command in ("stop", "kill", "disable"):
        parser.add_argument("--force", action="store_true", help="stop the guest although boards are reached through it")
    if command in ("kill", *UNDOES):
        parser.add_argument("--yes", action="store_true", help="do not ask me whether I am sure")
    parser.set_defaults(force=False, yes=False, for_s=None)
    add_socket_argument(parser)


def lasting(text: str) -> float:
    """Return a duration in seconds, from text such as `10min`; raises ArgumentTypeError."""
    from wagman.config import durations  # noqa: PLC0415 - few commands need it

    try:
        for_s = durations.typed(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no duration: write 10min, 2h, 1d12h, or a number of seconds") from None
    if for_s > MAX_FOR_S:
        raise ArgumentTypeError(f"{text!r} is too long: {duration(MAX_FOR_S)} is the longest")
    return for_s


def _name(text: str) -> str:
    if not is_name(text):
        raise ArgumentTypeError(f"{text!r} is no name: write 1 to {MAX_NAME_CHARS} printable characters")
    return text


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value


def run(args: Namespace) -> int:
    """Ask the service, and wait for the goal."""
    task = Task(args)
    try:
        task.run()
    except KeyboardInterrupt:
        complain(task.left_behind)
        raise
    if args.json:
        print(json.dumps([outcome._asdict() for outcome in task.outcomes]))
    return exit_code(task.outcomes)


class Task:
    """One command to one or more guests."""

    def __init__(self, args: Namespace) -> None:
        self.args = args
        self.outcomes: list[Outcome] = []
        self.progress = Progress()
        self._has_asked = False
        self._pursuits: list[Pursuit] = []
        self._follower = Follower(args.socket, complain)
        self._now = Moment("", 0.0, 0.0)
        self._unseen = list[str]()  # the boards that cannot be seen and have guests that are waited for
        self._told_unseen = list[str]()
        self._due_s = math.inf
        self._has_to_look = True
        self._heard_s = -math.inf
        self._away_since_s: float | None = None
        self._own: list[str] = []  # the computer that the service runs on, if it is among them

    @property
    def left_behind(self) -> str:
        """What becomes of the command if this program ends now, in words."""
        if not self._has_asked:
            return "interrupted: nothing was done"
        goes_on = "goes on" if self._pursuits else "may go on"  # the answer was not there yet
        return f"not waiting any longer: what was asked for {goes_on} by itself"

    def run(self) -> None:
        """Ask, and wait until each guest has an outcome."""
        try:
            self._ask()
            while self._sort_out():
                self._wait()
        finally:
            self.progress.clear()
            self._follower.drop()

    # --- Asking -------------------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        client = self._follower.client
        status = client.call("status")
        names = expanded(self.args.devices, status)
        self._own = [row["name"] for row in status["devices"] if row.get("self")]
        self._confirm(names)
        self._due_s = time.monotonic() + self.args.timeout
        self._tick(client.call("status", devices=[]))
        for name in self._in_order(names, status):
            self._ask_one(client, name)

    def _in_order(self, names: list[str], status: Status) -> list[str]:
        """Sort the guests, each behind those that it is started after; for commands that take guests down, in reverse."""
        after = {row["name"]: row.get("after", ()) for row in status["devices"]}
        return in_order(names[::-1], after)[::-1] if self.args.command in DOWN else in_order(names, after)

    def _confirm(self, names: list[str]) -> None:
        """Ask before what cannot be undone from afar. Where nobody can be asked, `--yes` has to say it.

        Raises:
            CommandError: the answer is not yes, or nobody can be asked and `--yes` is missing.
        """
        question = self._question(names)
        if not question or self.args.yes:
            return
        if sys.stdin.isatty():
            print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
            if sys.stdin.readline().strip().lower() not in ("y", "yes"):
                raise CommandError("nothing was done: answer y" + self._gentler, REFUSED)
        elif self.args.command == "kill" or "SSH_CONNECTION" in os.environ:
            again = " ".join(["wagman", self.args.command, *self.args.devices, "--yes"])
            raise CommandError(f"nothing was done, because there is no terminal to ask on: {question} If so: {again}", USAGE)

    def _question(self, names: list[str]) -> str:
        """Return the question with the warning; an empty text where no question is needed."""
        listed = ", ".join(names)
        if self.args.command == "kill":
            return f"Cut the power of {listed} now, without a shutdown?"
        if self.args.command in UNDOES and "all" in self.args.devices and self.args.for_s is None:
            return (
                f"{self.args.command.capitalize()} {listed}? Nothing starts them again but wagman {UNDOES[self.args.command]}: "
                "who came in over one of them, a modem perhaps, is locked out."
            )
        return ""

    @property
    def _gentler(self) -> str:
        return ", or use wagman stop" if self.args.command == "kill" else ", or name those that are meant"

    def _ask_one(self, client: Client, name: str) -> None:
        try:
            reply = self._answer(client, name)
        except AnswerError as error:
            if is_refusal(error):  # the other guests would be refused, too
                raise
            self._report(Outcome(name, "failed", reason=str(error)))
            return
        if not reply["accepted"]:
            self._report(Outcome(name, "refused", reply["state"], reason=reply["reason"]))
        elif not self.args.wait or name in self._own:  # nobody is there to see the controller's own restart end
            self._report(Outcome(name, "accepted", reply["state"], reason=reply["reason"]))
        else:
            self._pursuits.append(Pursuit(self.args.command, name, reply, self._now, self._remark))

    @property
    def _remark(self) -> str:
        """What the outcome is to add once the goal is reached."""
        for_s = self.args.for_s
        return "" if for_s is None else f"to run again {duration(for_s)} after it was asked to stop"

    def _answer(self, client: Client, name: str) -> Decision:
        how = ({"force": True} if self.args.force else {}) | ({} if self.args.for_s is None else {"for_s": self.args.for_s})
        behalf = {} if self.args.on_behalf is None else {"on_behalf": self.args.on_behalf}
        self._has_asked = True
        try:
            reply: Decision = client.call(self.args.command, within_s=ORDER_S, device=name, **how, **behalf)
        except LostError as error:
            raise LostError(f"{name}: it is not known whether that was accepted, see wagman status {name}: {error}") from error
        return reply

    # --- Waiting ------------------------------------------------------------------------------------------------------

    def _wait(self) -> None:
        """Wait for the next event, and for a service that is away."""
        try:
            self._look()
            if any(each.outcome is None for each in self._pursuits):
                self._listen()
            self._away_since_s = None
        except LostError as error:
            self._lost(error)
        except ClientError as error:
            self._give_up("unreachable", _unknown(error))
        if time.monotonic() >= self._due_s:
            self._give_up("timed_out", self._timed_out_words())

    def _listen(self) -> None:
        now_s = time.monotonic()
        event = self._follower.item(max(min(now_s + REDRAW_S, self._due_s) - now_s, 0.0))
        if event is not None:
            self._hear(event)
        elif time.monotonic() >= self._heard_s + QUIET_S:
            self._follower.client.call("hello", within_s=self._patience_s())
            self._heard_s = time.monotonic()

    def _hear(self, event: Event) -> None:
        self._heard_s = time.monotonic()
        self._now = Moment(event["boot_id"], event["mono_s"], self._heard_s)
        for pursuit in self._pursuits:
            pursuit.heard(event, self._now)
        open_ones = {each.device for each in self._pursuits if each.outcome is None}
        self._has_to_look = bool(open_ones) and (event["device"] in open_ones or event["type"].startswith(AROUND))

    def _look(self) -> None:
        """Ask for the status, if an event has come that may have decided something."""
        if not self._has_to_look:
            return
        names = [each.device for each in self._pursuits]
        status = self._follower.client.call("status", within_s=self._patience_s(), devices=names)
        self._has_to_look = False
        self._tick(status)
        for pursuit in self._pursuits:
            pursuit.seen(status, self._now)

    def _patience_s(self) -> float:
        """How long the next answer may take."""
        return max(min(ANSWER_S, self._due_s - time.monotonic()), _LEAST_ANSWER_S)

    def _tick(self, status: Status) -> None:
        service, self._heard_s = status["service"], time.monotonic()
        self._now = Moment(service["boot_id"], service["uptime_s"], self._heard_s)
        boards = {in_words(board): board["blind"] for board in (board_of(row, status) for row in status["devices"])}
        self._unseen = [f"{words} cannot be seen" for words, is_blind in boards.items() if is_blind]

    def _lost(self, error: LostError) -> None:
        self._follower.drop()
        self._has_to_look = True
        now_s = time.monotonic()
        self._away_since_s = now_s if self._away_since_s is None else self._away_since_s
        if now_s - self._away_since_s > RECONNECT_S:
            self._give_up("unreachable", _unknown(error))
        self.progress.show("the service is away: waiting for it to come back")
        time.sleep(max(min(RETRY_S, self._due_s - now_s), 0.0))

    # --- Outcomes -----------------------------------------------------------------------------------------------------

    def _sort_out(self) -> bool:
        """Report the guests that are decided; return whether any are left."""
        for pursuit in self._pursuits:
            if pursuit.outcome is not None:
                self._report(pursuit.outcome)
        self._pursuits = [pursuit for pursuit in self._pursuits if pursuit.outcome is None]
        if self._pursuits and self._away_since_s is None:
            self._tell_unseen()
            self.progress.show(self._waiting_words())
        return bool(self._pursuits)

    def _tell_unseen(self) -> None:
        """Say once of each board that it cannot be seen: the wait may take as long as that, and has no bound of its own."""
        new = [words for words in self._unseen if words not in self._told_unseen]
        self._told_unseen = list(self._unseen)
        if new:
            self.progress.clear()
            names = ", ".join(each.device for each in self._pursuits)
            complain(plain(f"{names}: waiting, for {', '.join(new)}; wagman status tells why"))

    def _give_up(self, outcome: str, reason: str) -> None:
        for pursuit in self._pursuits:
            pursuit.give_up(outcome, reason, self._moment())

    def _moment(self) -> Moment:
        """The present moment: the service's clock is computed from its latest message and our own clock."""
        here_s = time.monotonic()
        return self._now._replace(here_s=here_s, mono_s=self._now.mono_s + here_s - self._now.here_s)

    def _report(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.progress.clear()
        text = plain(sentence(self.args.command, outcome))
        if outcome.code != DONE:
            complain(text)
        elif not self.args.json:
            print(text, flush=True)

    def _timed_out_words(self) -> str:
        hindrances = ["the service is away"] if self._away_since_s is not None else self._unseen
        return ", ".join(["timed out", *hindrances])

    def _waiting_words(self) -> str:
        now = self._moment()
        return "; ".join([each.waiting(now, is_seen=not self._unseen) for each in self._pursuits] + self._unseen)


def _unknown(error: ClientError) -> str:
    return f"accepted, but what came of it is not known: {error}"
