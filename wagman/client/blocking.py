"""One connection to the service for plain programs: requests, their answers, and what is told unasked. Each wait is bounded."""

import os
import socket
import time
from collections import deque
from typing import Any, Self

from wagman.client.conversation import Answer, Conversation, Told, unreached
from wagman.client.errors import AddressError, LostError
from wagman.model.sockets import obstacle

SOCKET = "/run/wagman/wagman.sock"

ANSWER_S = 5.0
"""How long the service may take to answer (chosen: it answers in milliseconds, or hangs)."""

_CHUNK_BYTES = 65_536
_LEAST_WAIT_S = 0.01


def default_socket() -> str:
    """Where the service is, unless somebody says otherwise."""
    return os.environ.get("WAGMAN_SOCKET") or SOCKET


class Client:
    """A connection; each method raises LostError once it breaks, and AnswerError for what the service refuses.

    Raises:
        AddressError: no socket can be at `path`.
        DeniedError: who runs this may not use it.
        LostError: nobody listens there.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._conversation = Conversation(path)
        self._told: deque[Told] = deque()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._connect()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def fileno(self) -> int:
        """For `select`."""
        return self._socket.fileno()

    def call(self, method: str, *, within_s: float = ANSWER_S, **params: Any) -> Any:
        """The result of a request."""
        due_s = time.monotonic() + within_s
        number, line = self._conversation.request(method, params)
        self._send(line, within_s)
        while (message := self._message(due_s)) is not None:
            if isinstance(message, Told):
                self._told.append(message)
            elif message.number in (number, None):
                return message.result
        raise self._conversation.unanswered()

    def told(self, within_s: float) -> Told | None:
        """What the service tells next; None if it tells nothing within that time."""
        if self._told:
            return self._told.popleft()
        message = self._message(time.monotonic() + within_s)
        return message if isinstance(message, Told) else None  # else it is an answer that came too late

    # --- Bytes --------------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        if reason := obstacle(self.path):
            raise AddressError(f"--socket {self.path}: {reason}")
        self._socket.settimeout(ANSWER_S)
        try:
            self._socket.connect(self.path)
        except (TimeoutError, BlockingIOError) as error:
            raise self._stalled("accept") from error
        except OSError as error:
            raise unreached(self.path, error) from error

    def _send(self, line: bytes, within_s: float) -> None:
        self._socket.settimeout(within_s)
        try:
            self._socket.sendall(line)
        except (BrokenPipeError, ConnectionResetError):
            return  # it hung up; why, it may have said before: that is read next
        except OSError as error:
            raise self._stalled("read") from error

    def _message(self, due_s: float) -> Answer | Told | None:
        """The next message; None if there is none in time."""
        while (message := self._conversation.next()) is None:
            # What is there already is read even if it is late: it may be us who were held up.
            self._socket.settimeout(max(due_s - time.monotonic(), _LEAST_WAIT_S))
            try:
                data = self._socket.recv(_CHUNK_BYTES)
            except TimeoutError:
                return None
            except OSError:
                data = b""
            self._conversation.feed(data)
        return message

    def _stalled(self, verb: str) -> LostError:
        return LostError(f"the service does not {verb} on {self.path}: it hangs or is stopped; see systemctl status wagman")
