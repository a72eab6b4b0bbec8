"""One connection to the service: requests with their answers, and what is told unasked. Blocking, each wait bounded."""

import json
import os
import socket
import time
from argparse import ArgumentParser
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from wagman.cli.outcome import FAILED, REFUSED, UNREACHABLE, USAGE, CommandError
from wagman.model.sockets import obstacle

SOCKET = "/run/wagman/wagman.sock"

ANSWER_S = 5.0
"""How long the service may take to answer (chosen: it answers in milliseconds, or hangs)."""

POSITION_ERROR = -32004

MAX_LINE_BYTES = 16 * 2**20
"""No line of a service is as long (chosen: twice the largest page of events); what sends more is none."""

_CODES = {-32001: REFUSED, -32602: USAGE}
_CHUNK_BYTES = 65_536
_LEAST_WAIT_S = 0.01


class LostError(CommandError):
    """The service cannot be reached, or not any more."""

    def __init__(self, message: str) -> None:
        super().__init__(message, UNREACHABLE)


class AnswerError(CommandError):
    """The service answered with an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(
            str(error.get("message", "the service answered with an error")), _CODES.get(error.get("code", 0), FAILED)
        )
        self.rpc_code = error.get("code")


class Told(NamedTuple):
    """Something that the service told unasked."""

    method: str
    params: dict[str, Any]


def default_socket() -> str:
    """Where the service is, unless somebody says otherwise."""
    return os.environ.get("WAGMAN_SOCKET") or SOCKET


def add_socket_argument(parser: ArgumentParser) -> None:
    """Where the service is."""
    parser.add_argument(
        "--socket",
        metavar="PATH",
        default=default_socket(),
        help=f"the service's socket (default: $WAGMAN_SOCKET, or {SOCKET})",
    )


def _is_news(message: Mapping[str, Any]) -> bool:
    params = message.get("params")
    return isinstance(message.get("method"), str) and isinstance(params, dict) and "subscription" in params


def _result(answer: Mapping[str, Any]) -> Any:
    if "error" in answer:
        raise AnswerError(answer["error"])
    return answer["result"]


class Client:
    """A connection; raises LostError when it cannot be had or breaks, AnswerError for what the service refuses."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._told: deque[Told] = deque()
        self._kept = b""
        self._asked = 0
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
        self._asked += 1
        due_s = time.monotonic() + within_s
        self._send({"jsonrpc": "2.0", "id": self._asked, "method": method, "params": params}, within_s)
        while True:
            message = self._message(due_s)
            if message is None:
                raise LostError(
                    f"the service does not answer on {self.path}: it hangs or is stopped; see systemctl status wagman"
                )
            if "method" in message:
                self._told.append(Told(message["method"], message["params"]))
            elif message.get("id") in (self._asked, None):  # without a number, it turned us away before it had read it
                return _result(message)

    def told(self, within_s: float) -> Told | None:
        """What the service tells next; None if it tells nothing within that time."""
        if self._told:
            return self._told.popleft()
        message = self._message(time.monotonic() + within_s)
        is_news = message is not None and "method" in message  # else it is an answer that came too late
        return Told(message["method"], message["params"]) if is_news else None

    # --- Lines --------------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        if reason := obstacle(self.path):
            raise CommandError(f"--socket {self.path}: {reason}", USAGE)
        self._socket.settimeout(ANSWER_S)
        try:
            self._socket.connect(self.path)
        except PermissionError as error:
            raise CommandError(f"not permitted to use {self.path}: become a member of its group, or root", REFUSED) from error
        except (TimeoutError, BlockingIOError) as error:
            raise LostError(
                f"the service does not accept on {self.path}: it hangs or is stopped; see systemctl status wagman"
            ) from error
        except OSError as error:
            hint = "see systemctl status wagman, or name its socket with --socket"
            raise LostError(f"no service on {self.path} ({error.strerror or error}): {hint}") from error

    def _send(self, request: dict[str, Any], within_s: float) -> None:
        self._socket.settimeout(within_s)
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
        except (BrokenPipeError, ConnectionResetError):
            return  # it hung up; why, it may have said before: that is read next
        except OSError as error:
            raise LostError(
                f"the service does not read on {self.path}: it hangs or is stopped; see systemctl status wagman"
            ) from error

    def _message(self, due_s: float) -> Any:
        """The next message; None if there is none in time."""
        while b"\n" not in self._kept:
            # What is there already is read even if it is late: it may be us who were held up.
            self._socket.settimeout(max(due_s - time.monotonic(), _LEAST_WAIT_S))
            try:
                data = self._socket.recv(_CHUNK_BYTES)
            except TimeoutError:
                return None
            except OSError as error:
                raise self._hung_up() from error
            if not data:
                raise self._hung_up()
            self._kept += data
            if len(self._kept) > MAX_LINE_BYTES and b"\n" not in self._kept:
                raise self._foreign()
        line, self._kept = self._kept.split(b"\n", 1)
        return self._parsed(line)

    def _hung_up(self) -> LostError:
        return LostError(f"the service on {self.path} hung up: it has ended, or is being restarted; try again")

    def _parsed(self, line: bytes) -> Any:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise self._foreign() from error
        if not (isinstance(message, dict) and (_is_news(message) or self._is_answer(message))):
            raise self._foreign()
        return message

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
