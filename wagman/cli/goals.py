"""The goal of a command, and the evidence for its outcome: events and status rows in, an outcome out. No I/O.

Up is reached when the guest is started. Down is reached when it is stopped and its power was seen off: the state alone is not
enough. Anything that makes the goal unreachable ends the wait, too. Most outcomes are decided by events; after an event that
may matter, the status tells the rest.
"""

from typing import NamedTuple

from wagman.cli.outcome import DONE, FAILED, REFUSED, TIMED_OUT, UNREACHABLE, USAGE
from wagman.model.asked import NOT_KEPT
from wagman.model.shapes import Decision, Device, Event, Status
from wagman.model.words import duration, ordinal

UP = ("start", "restart")
DOWN = ("stop", "disable", "kill")

STATES = ("stopped", "starting", "will_stop", "started", "stopping", "restarting", "maintenance")

GOING = ("stopping", "restarting")
"""The states of a guest that was asked to halt."""

CODES = {"done": DONE, "accepted": DONE, "failed": FAILED, "refused": REFUSED, "timed_out": TIMED_OUT, "unreachable": UNREACHABLE}
PRIORITY = (USAGE, REFUSED, FAILED, UNREACHABLE, TIMED_OUT)
"""The exit code for several guests is the first of these that occurred."""

BROWNOUT = "the board browns out whenever it is switched on: it is locked out"

RUNS = "already started"

STUCK = "its relay is stuck: it stays on"

HEARD_OFF = "its outlet is off, and it is heard all the same: is it on that outlet?"

UNREACHED = {"device.relay_stuck": STUCK, "device.stop_over": "the time that it was to be off for was over before it was off"}
"""Events that show that a guest will not be down, and why."""


class Outcome(NamedTuple):
    """The outcome for one guest, as `--json` shows it."""

    device: str
    outcome: str
    state: str | None = None
    after_s: float | None = None
    media: str | None = None
    attempt: int | None = None
    reason: str | None = None

    @property
    def code(self) -> int:
        """The exit code of this outcome alone."""
        return CODES[self.outcome]


def exit_code(outcomes: list[Outcome]) -> int:
    """Return the exit code for all outcomes together."""
    codes = {outcome.code for outcome in outcomes}
    return next((code for code in PRIORITY if code in codes), DONE)


class Moment(NamedTuple):
    """A point in time: by the service's clock, which counts, and by ours, for when the service was restarted meanwhile."""

    boot_id: str
    mono_s: float
    here_s: float


class Pursuit:
    """One guest on its way to the goal of an accepted command; `outcome` is set once it is decided."""

    def __init__(self, verb: str, device: str, reply: Decision, began: Moment, remark: str = "") -> None:
        self.verb = verb
        self.device = device
        self.state: str = reply["state"]
        self.outcome: Outcome | None = None
        self._event_id = reply["event_id"]
        self._began = began
        self._failures: int | None = None
        self._cut_at_s: float | None = None  # by the service's clock
        self._remark = remark
        self._unkept = NOT_KEPT if NOT_KEPT in (reply["reason"] or "") else ""
        if verb not in UP + DOWN:
            self.outcome = Outcome(device, "done", self.state, 0.0, reason=reply["reason"])
        elif verb == "start" and self.state == "started":
            self.outcome = Outcome(device, "done", self.state, 0.0, reason=self._told(RUNS))

    # --- Evidence -----------------------------------------------------------------------------------------------------

    def heard(self, event: Event, now: Moment) -> None:
        """Take in an event; events of other guests, or from before the command, are ignored."""
        if self.outcome is not None or event["device"] != self.device or self._is_older(event):
            return
        now = Moment(event["boot_id"], event["mono_s"], now.here_s)
        what = event["type"].removeprefix("device.")
        self.state = what if what in STATES else self.state
        match event["type"]:
            case "device.off" if self.verb in DOWN and self.state == "stopped":
                self._remarks("as its board replied, which can show nothing" if event["fields"].get("evidence") else "")
                self._reached(now, None, None)
            case "device.started" if self.verb in UP:
                self._reached(now, event["fields"].get("media"), event["fields"].get("attempt"))
            case "device.start_failed" if self.verb in UP:
                self._start_failed(now, event["fields"].get("media"), event["fields"].get("attempt"))
            case "device.brownout" if self.verb in UP:
                self._decide("failed", now, BROWNOUT)
            case "device.stop_failed":
                self._remarks("it did not halt in time, and was cut")
            case what if self.verb in DOWN and what in UNREACHED:
                self._decide("failed", now, UNREACHED[what])

    def seen(self, status: Status, now: Moment) -> None:
        """Take in a status that was asked for after the command was accepted."""
        row = next((row for row in status["devices"] if row["name"] == self.device), None)
        if self.outcome is not None or row is None:
            return
        self.state = row["state"]
        cuts = [each["in_s"] for each in row.get("alarms", ()) if each["name"] == "timeout" and self.state in GOING]
        self._cut_at_s = now.mono_s + min(cuts) if cuts else None
        if self.state == "maintenance":
            self._decide("failed", now, "it was left alone meanwhile, for maintenance")
        elif self.verb in UP:
            self._seen_going_up(row, status["wagman"]["state"], now)
        else:
            self._seen_going_down(row, now)

    def _seen_going_up(self, row: Device, wagman: str, now: Moment) -> None:
        if self.state == "started":
            self._reached(now, row["media"], row["attempts"] or None)
        elif self._failures is not None and row["failures"] > self._failures:
            self._start_failed(now, row["media"], row["attempts"] or None)
        elif row.get("held"):
            self._decide("failed", now, BROWNOUT)
        elif not row["enabled"]:
            self._decide("refused", now, "it was disabled meanwhile: enable it first")
        elif row["wanted"] == "down":
            self._decide("failed", now, "another command wants it down")
        elif self.state == "stopped" and wagman in ("will_hibernate", "hibernating"):
            self._decide("refused", now, "hibernating: it is started once the environment is normal")
        self._failures = row["failures"]

    def _seen_going_down(self, row: Device, now: Moment) -> None:
        if self.state == "stopped" and row["power"]["wanted"] == "off" and row["power"]["confirmed"]:
            self._reached(now, None, None)
        elif row["wanted"] == "up":
            self._decide("failed", now, "another command wants it up")
        elif row.get("relay_stuck"):
            self._decide("failed", now, STUCK)
        elif row.get("heard_off"):
            self._decide("failed", now, HEARD_OFF)

    # --- Ends ---------------------------------------------------------------------------------------------------------

    def give_up(self, outcome: str, reason: str, now: Moment) -> None:
        """Stop waiting, with this outcome, if there is none yet."""
        if self.outcome is None:
            self._decide(outcome, now, reason)

    def waiting(self, now: Moment, *, is_seen: bool = True) -> str:
        """What is being waited for, in words, and when the power is cut of a guest that does not halt.

        Args:
            now: the present moment.
            is_seen: the boards can be seen; nothing is cut by one that cannot.
        """
        left_s = self._cut_at_s - now.mono_s if self._cut_at_s is not None and self.state in GOING else 0.0
        cut = f", its power is cut in {duration(left_s)} at most" if left_s > 0 and is_seen else ""
        return f"{self.device}: {self.state}, {duration(self.waited_s(now))}{cut}"

    def waited_s(self, now: Moment) -> float:
        """The time since the command in seconds: by the service's clock within one run of the service, else by ours."""
        if now.boot_id == self._began.boot_id:
            return round(max(now.mono_s - self._began.mono_s, 0.0), 3)
        return round(now.here_s - self._began.here_s, 3)

    def _is_older(self, event: Event) -> bool:
        return event["id"] is not None and self._event_id is not None and event["id"] <= self._event_id

    def _remarks(self, words: str) -> None:
        self._remark = "; ".join(filter(None, (words, self._remark)))

    def _reached(self, now: Moment, media: str | None, attempt: int | None) -> None:
        self.state = "started" if self.verb in UP else "stopped"
        self.outcome = Outcome(
            self.device, "done", self.state, self.waited_s(now), media, attempt, self._told(self._remark) or None
        )

    def _start_failed(self, now: Moment, media: str | None, attempt: int | None) -> None:
        reason = self._told("it is tried again by itself")
        self.outcome = Outcome(self.device, "failed", self.state, self.waited_s(now), media, attempt, reason)

    def _decide(self, outcome: str, now: Moment, reason: str) -> None:
        self.outcome = Outcome(self.device, outcome, self.state, self.waited_s(now), reason=self._told(reason))

    def _told(self, words: str) -> str:
        """These words, and that a restart of the service will forget what was asked for, where that is so."""
        return "; ".join(filter(None, (words, self._unkept)))


# --- In words ---------------------------------------------------------------------------------------------------------

_ENDS = {"start": "started", "restart": "restarted", "stop": "stopped", "kill": "killed", "disable": "disabled and stopped"}


def sentence(verb: str, outcome: Outcome) -> str:
    """Return the outcome as a sentence, with what to do next if anything is left to do."""
    match outcome.outcome:
        case "done" | "accepted" if outcome.after_s is None or verb not in _ENDS or (outcome.reason or "").startswith(RUNS):
            text = outcome.reason or "done"
        case "done":
            text = _done(verb, outcome)
        case "refused":
            text = f"refused: {outcome.reason}"
        case "timed_out":
            text = f"{outcome.reason}: it is {outcome.state}, and goes on; see wagman status {outcome.device}"
        case "unreachable":
            text = f"{outcome.reason}"
        case _:
            text = _failed(verb, outcome)
    return f"{outcome.device}: {text}"


def _done(verb: str, outcome: Outcome) -> str:
    parts = [f"{_ENDS[verb]} after {duration(outcome.after_s or 0)}", *_start_words(outcome)]
    parts += ["power is off"] if verb in DOWN else []
    parts += [outcome.reason] if outcome.reason else []
    return ", ".join(parts)


def _failed(verb: str, outcome: Outcome) -> str:
    words = "".join(f", {each}" for each in _start_words(outcome))
    after = "" if outcome.after_s is None else f" after {duration(outcome.after_s)}"
    return f"{verb} failed{after}{words}: {outcome.reason}; see wagman why {outcome.device}"


def _start_words(outcome: Outcome) -> list[str]:
    attempt = outcome.attempt or 1
    parts = [f"from {outcome.media}"] if outcome.media else []
    return parts + ([f"{ordinal(attempt)} attempt"] if attempt > 1 else [])
