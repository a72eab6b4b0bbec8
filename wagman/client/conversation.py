"""What goes over one connection, as bytes in and messages out: requests, their answers, and what is told unasked. No I/O."""

import json
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

from wagman.client.errors import AnswerError, ClientError, DeniedError, LostError

ANSWER_S = 5.0
"""How long the service may take to answer (chosen: it answers in milliseconds, or hangs)."""

MAX_LINE_BYTES = 16 * 2**20
"""No line of a service is as long (chosen: twice the largest page of events); what sends more is none."""

MOST_KEPT = 10_000
"""So much of what is told may wait while answers are waited for (chosen: minutes of a flood)."""


class Told(NamedTuple):
    """Something that the service told unasked."""

    method: str
    params: dict[str, Any]


class Answer(NamedTuple):
    """What it answered to the request of that number; without a number it turned us away before it had read any."""

    number: int | None
    message: Mapping[str, Any]

    @property
    def result(self) -> Any:
        """The result; raises AnswerError where it is an error."""
        if "error" in self.message:
            raise AnswerError(self.message["error"])
        return self.message["result"]


class Conversation:
    """The lines of one connection to the socket at `path`; the caller moves the bytes."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._asked = 0
        self._kept = bytearray()
        self._searched = 0  # so many bytes of it have no end of a line
        self._told = deque[Told]()

    def request(self, method: str, params: Mapping[str, Any]) -> tuple[int, bytes]:
        """The number of a new request, and the bytes to send."""
        self._asked += 1
        request = {"jsonrpc": "2.0", "id": self._asked, "method": method, "params": params}
        return self._asked, json.dumps(request).encode() + b"\n"

    def feed(self, data: bytes) -> None:
        """Take over what came; nothing means that the other side hung up.

        Raises:
            LostError: it hung up, or what is there is no wagman service.
        """
        if not data:
            raise LostError(f"the service on {self.path} hung up: it has ended, or is being restarted; try again")
        self._kept += data
        if len(self._kept) > MAX_LINE_BYTES and self._end() < 0:
            raise self._foreign()

    def next(self) -> Answer | Told | None:
        """The next message that is there as a whole.

        Raises:
            LostError: what is there is no wagman service.
        """
        if (end := self._end()) < 0:
            return None
        line = bytes(self._kept[:end])
        del self._kept[: end + 1]
        self._searched = 0
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise self._foreign() from error
        if isinstance(message, dict):
            if _is_news(message):
                return Told(message["method"], message["params"])
            if self._is_answer(message):
                return Answer(message.get("id"), message)
        raise self._foreign()

    def keep(self, told: Told) -> None:
        """Have what was told before an answer wait for whoever asks what is told.

        Raises:
            LostError: too much waits already. A new connection can go on where this one is left.
        """
        if len(self._told) >= MOST_KEPT:
            raise LostError(f"the service on {self.path} has told more than was taken: connect again")
        self._told.append(told)

    def kept(self) -> Told | None:
        """What was told first of what waits."""
        return self._told.popleft() if self._told else None

    def _end(self) -> int:
        """Where the first line ends; -1 where it has not come whole. A long one comes in many pieces: none is searched twice."""
        end = self._kept.find(b"\n", self._searched)
        self._searched = len(self._kept) if end < 0 else end
        return end

    def _is_answer(self, message: Mapping[str, Any]) -> bool:
        """A result of something that was asked, or an error."""
        number = message.get("id")
        is_ours = isinstance(number, int) and 0 < number <= self._asked
        error = message.get("error")
        if isinstance(error, dict) and isinstance(error.get("code"), int):
            return is_ours or number is None
        return is_ours and "result" in message

    def _foreign(self) -> LostError:
        return LostError(f"what answers on {self.path} is no wagman service: name the right socket with --socket")


def unreached(path: str, error: OSError) -> ClientError:
    """The error of a connection that cannot be had, by what the system says of it."""
    if isinstance(error, PermissionError):
        return DeniedError(f"not permitted to use {path}: become a member of its group, or root")
    hint = "see systemctl status wagman, or name its socket with --socket"
    return LostError(f"no service on {path} ({error.strerror or error}): {hint}")


def unanswered(path: str) -> LostError:
    """The error of a request to which there was no answer in time."""
    return LostError(f"the service does not answer on {path}: it hangs or is stopped; see systemctl status wagman")


def _is_news(message: Mapping[str, Any]) -> bool:
    params = message.get("params")
    return isinstance(message.get("method"), str) and isinstance(params, dict) and "subscription" in params
