"""The messages of one connection, as bytes in and messages out: requests, answers and unasked messages. No I/O."""

import json
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

from wagman.client.errors import AnswerError, ClientError, DeniedError, LostError

ANSWER_S = 5.0
"""How long the service may take to answer (chosen: it answers in milliseconds, or hangs)."""

MAX_LINE_BYTES = 16 * 2**20
"""The longest line; a program that sends more is no wagman service (chosen: twice the largest page of events)."""

MOST_KEPT = 10_000
"""How many unasked messages may wait while an answer is waited for (chosen: minutes of a flood)."""


class Notification(NamedTuple):
    """A message that the service sent unasked."""

    method: str
    params: dict[str, Any]


class Answer(NamedTuple):
    """The answer to the request of that number; without a number, the service turned us away before it had read a request."""

    number: int | None
    message: Mapping[str, Any]

    @property
    def result(self) -> Any:
        """The result of the request; raises AnswerError if the answer is an error."""
        if "error" in self.message:
            raise AnswerError(self.message["error"])
        return self.message["result"]


class Conversation:
    """The messages of one connection to the socket at `path`; the caller moves the bytes."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._asked = 0
        self._kept = bytearray()
        self._searched = 0  # so many of its first bytes have been searched for the end of a line
        self._told = deque[Notification]()

    def request(self, method: str, params: Mapping[str, Any]) -> tuple[int, bytes]:
        """Return the number of a new request, and the bytes to send."""
        self._asked += 1
        request = {"jsonrpc": "2.0", "id": self._asked, "method": method, "params": params}
        return self._asked, json.dumps(request).encode() + b"\n"

    def feed(self, data: bytes) -> None:
        """Take in received bytes; none means that the other side has hung up.

        Raises:
            LostError: it has hung up, or it is no wagman service.
        """
        if not data:
            raise LostError(f"the service on {self.path} hung up: it has ended, or is being restarted; try again")
        self._kept += data
        if len(self._kept) > MAX_LINE_BYTES and self._end() < 0:
            raise self._foreign()

    def next(self) -> Answer | Notification | None:
        """Return the next complete message; None if there is none.

        Raises:
            LostError: the other side is no wagman service.
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
                return Notification(message["method"], message["params"])
            if self._is_answer(message):
                return Answer(message.get("id"), message)
        raise self._foreign()

    def keep(self, told: Notification) -> None:
        """Keep an unasked message that came before an answer, for `kept`.

        Raises:
            LostError: too many wait already. A new connection can go on where this one is left.
        """
        if len(self._told) >= MOST_KEPT:
            raise LostError(f"the service on {self.path} has told more than was taken: connect again")
        self._told.append(told)

    def kept(self) -> Notification | None:
        """Return the oldest message that was kept; None if there is none."""
        return self._told.popleft() if self._told else None

    def _end(self) -> int:
        """Return where the first line ends; -1 if it is incomplete.

        Bytes of a long line are searched once, however many parts it has.
        """
        end = self._kept.find(b"\n", self._searched)
        self._searched = len(self._kept) if end < 0 else end
        return end

    def _is_answer(self, message: Mapping[str, Any]) -> bool:
        """Whether a message is the result of a request, or an error."""
        number = message.get("id")
        is_ours = isinstance(number, int) and 0 < number <= self._asked
        error = message.get("error")
        if isinstance(error, dict) and isinstance(error.get("code"), int):
            return is_ours or number is None
        return is_ours and "result" in message

    def _foreign(self) -> LostError:
        return LostError(f"what answers on {self.path} is no wagman service", "name the right socket with --socket")


def unreached(path: str, error: OSError) -> ClientError:
    """Return the error for a connection that failed, by what the system says."""
    if isinstance(error, PermissionError):
        return DeniedError(f"not permitted to use {path}: become a member of its group, or root")
    hint = "see systemctl status wagman, or name its socket with --socket"
    return LostError(f"no service on {path} ({error.strerror or error})", hint)


def unanswered(path: str) -> LostError:
    """Return the error for a request that was not answered in time."""
    return LostError(f"the service does not answer on {path}: it hangs or is stopped; see systemctl status wagman")


def _is_news(message: Mapping[str, Any]) -> bool:
    params = message.get("params")
    return isinstance(message.get("method"), str) and isinstance(params, dict) and "subscription" in params
