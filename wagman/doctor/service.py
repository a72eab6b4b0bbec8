"""The service, as an operator's command meets it: whether it answers on the socket, and its problems."""

from collections.abc import Iterator
from typing import Any

from attrs import field, frozen

from wagman import __version__
from wagman.cli.problems import said
from wagman.client.blocking import Client
from wagman.client.errors import ClientError
from wagman.client.following import FULL, is_refusal
from wagman.doctor.found import Found, Verdict
from wagman.model.shapes import Event, Status

EVENTS = 1000
"""How many of the last events are asked for (specified; the largest page that the service gives)."""

VERDICTS: dict[str, Verdict] = {"critical": "wrong", "warning": "warning", "notice": "ok"}

START = (
    "systemctl status wagman tells why; then systemctl start wagman: no guest loses its power by that. "
    "If it runs with another configuration, name that with --config"
)


@frozen
class Service:
    """The answers of the service, or why it could not be asked."""

    found: tuple[Found, ...]
    status: Status | None = None
    events: tuple[Event, ...] = field(default=())
    why_not: str = ""

    @property
    def last_event(self) -> str | None:
        """The time of the last event at which the clock was set; None if there is none."""
        set_ = [each["time"] for each in self.events if each.get("clock") != "unset"]
        return set_[-1] if set_ else None


def ask(socket: str) -> Service:
    """Ask the service once for its status and events."""
    try:
        with Client(socket) as client:
            status, events = client.call("status"), client.call("events", limit=EVENTS)["events"]
        return Service(tuple(_judged(socket, status)), status, tuple(events))
    except ClientError as error:
        if is_refusal(error):
            found = Found("service", "unknown", str(error), "ask as root, or as a member of the groups that the socket is for")
        elif FULL in str(error):  # it is there, and who asks may well use it
            found = Found("service", "unknown", str(error))
        else:
            found = Found("service", "wrong", error.what, START)
        return Service((found,), why_not=error.what)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        why = f"the answer of the service on {socket} cannot be understood ({type(error).__name__}: {error})"
        return Service((Found("service", "unknown", why),), why_not=why)


def _judged(socket: str, status: Any) -> Iterator[Found]:
    version = str(status["service"]["version"])
    yield Found("service", "ok", f"the service answers on {socket}")
    if version != __version__:
        text = f"the service that runs is {version}, and this command is {__version__}"
        yield Found("version", "warning", text, "systemctl restart wagman: no guest loses its power by that")
    else:
        yield Found("version", "ok", f"the service and this command are both {version}")
    problems = status.get("problems", [])
    for problem in problems:
        yield Found(f"problem {problem['id']}", VERDICTS[problem["severity"]], said(problem), problem["do"])
    if not problems:
        yield Found("problems", "ok", "nothing calls for a person")
