"""The socket for plain programs: one connection to the service, and a follower of its events. Each wait is bounded."""

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

from wagman.client.conversation import ANSWER_S, Answer, Conversation, Notification, unanswered, unreached
from wagman.client.errors import AddressError, AnswerError, LostError
from wagman.client.following import Following, Missing, Replaced
from wagman.model.shapes import Event
from wagman.model.sockets import obstacle

SOCKET = "/run/wagman/wagman.sock"

_CHUNK_BYTES = 65_536
_LEAST_WAIT_S = 0.01


def default_socket() -> str:
    """Return the path of the service's socket, unless somebody names another one."""
    return os.environ.get("WAGMAN_SOCKET") or SOCKET


class Client:
    """A connection. Each method raises LostError once it is broken, and AnswerError if the service answers with an error.

    Raises:
        AddressError: no socket can be at `path`.
        DeniedError: the user of this process may not use the socket.
        LostError: nobody listens there.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._conversation = Conversation(path)
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
        """Close the connection."""
        self._socket.close()

    def fileno(self) -> int:
        """Return the socket's descriptor, for `select`."""
        return self._socket.fileno()

    def call(self, method: str, *, within_s: float = ANSWER_S, **params: Any) -> Any:
        """Return the result of a request. `within_s` bounds the wait for the answer in seconds; after it LostError is raised."""
        due_s = time.monotonic() + within_s
        number, line = self._conversation.request(method, params)
        self._send(line, within_s)
        while (message := self._message(due_s)) is not None:
            if isinstance(message, Notification):
                self._conversation.keep(message)
            elif message.number in (number, None):
                return message.result
        raise unanswered(self.path)

    def told(self, within_s: float) -> Notification | None:
        """Return the next message that the service sends unasked; None if there is none within that time."""
        if (kept := self._conversation.kept()) is not None:
            return kept
        message = self._message(time.monotonic() + within_s)
        return message if isinstance(message, Notification) else None  # otherwise the answer to a request whose time was over

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
            return  # it has hung up, and may have said why: that is read next
        except OSError as error:
            raise self._stalled("read") from error

    def _message(self, due_s: float) -> Answer | Notification | None:
        """Return the next message; None if there is none in time."""
        while (message := self._conversation.next()) is None:
            # Data that has arrived is read even if it is late: this process itself may have been held up.
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


class Follower:
    """A subscription that outlives its connection: every event from now on, without a gap or a repeat.

    `note` is called with events that cannot be had any more.
    """

    def __init__(self, path: str, note: Callable[[Missing | Replaced], None]) -> None:
        self.path = path
        self._note = note
        self._following = Following()
        self._client: Client | None = None

    @property
    def last_id(self) -> int | None:
        """The id of the last event that was given, or that came before the subscription; None while there is no log."""
        return self._following.last_id

    @property
    def client(self) -> Client:
        """The connection; a new one goes on where the last one ended.

        Raises LostError, or an error that trying again cannot mend.
        """
        if self._client is None:
            self._client = self._connected()
        return self._client

    def drop(self) -> None:
        """Close the connection, which is of no more use."""
        if self._client is not None:
            self._client.close()
            self._client = None
        self._following.lost()

    def item(self, within_s: float) -> Event | None:
        """Return the next event; None if there is none within that time, or if it was a repeat. Raises the errors of `client`."""
        client = self.client
        if self._following.is_behind:
            with self._following.judging():
                self._resume(client)
        told = client.told(within_s)
        happened = None if told is None else self._following.take(told)
        return None if happened is None or happened.again else happened.event

    def remember(self, event: Event) -> None:
        """Note that an event without an id was shown, so that it is not given again when it comes with its id."""
        self._following.remember(event)

    def _connected(self) -> Client:
        with self._following.judging():
            client = Client(self.path)
            try:
                self._resume(client)
            except BaseException:
                client.close()
                raise
        return client

    def _resume(self, client: Client) -> None:
        steps = self._following.resume()
        with suppress(StopIteration):
            method, params = next(steps)
            while True:
                try:
                    result = client.call(method, **params)
                except AnswerError as error:
                    method, params = steps.throw(error)
                else:
                    method, params = steps.send(result)
        while self._following.notes:
            self._note(self._following.notes.popleft())
