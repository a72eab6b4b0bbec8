"""JSON-RPC 2.0 in lines: bytes in, requests out, and back. Nothing here reads, writes or waits.

Any input becomes a request or a `Malformed` with the error to answer; any other exception is a defect of this module.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from attrs import define, field, frozen

MAX_LINE_BYTES: Final = 65_536
"""The longest line that is taken, without its newline (chosen: a request has a few hundred)."""

MAX_BATCH: Final = 32
"""The most requests in a batch (chosen)."""

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
REFUSED: Final = -32001
BOARD_ERROR: Final = -32003
POSITION_ERROR: Final = -32004
STORE_ERROR: Final = -32005

Id: TypeAlias = str | int | float | None


class RpcError(Exception):
    """The error that a caller gets instead of a result."""

    def __init__(self, code: int, message: str, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


@frozen
class Request:
    """A call. A notification is a call that is never answered."""

    method: str
    params: Mapping[str, Any]
    id: Id = None
    is_notification: bool = False


@frozen
class Malformed:
    """Input that is no request, with the error to answer."""

    error: RpcError
    id: Id = None


Message: TypeAlias = Request | Malformed

UNFINISHED: Final = "the last line had no end, and nothing of it was carried out: end each request with a newline"

# --- In ---------------------------------------------------------------------------------------------------------------


@define
class Lines:
    """Cuts bytes into lines. A line that is too long is skipped up to its end, and becomes None."""

    _kept: bytearray = field(factory=bytearray, init=False)
    _skipping: bool = field(default=False, init=False)

    @property
    def partial(self) -> bool:
        """Whether a line has begun and not ended."""
        return self._skipping or bool(self._kept)

    @property
    def dropped(self) -> Malformed | None:
        """The error to answer to a line that ends without a newline; None where nothing of a line has come."""
        is_empty = not self._skipping and not self._kept.strip()
        return None if is_empty else Malformed(RpcError(PARSE_ERROR, UNFINISHED))

    def feed(self, data: bytes) -> list[bytes | None]:
        """Take more bytes; return the lines that are complete now."""
        *whole, rest = data.split(b"\n")
        lines = [self._ended(part) for part in whole]
        self._keep(rest)
        return lines

    def _ended(self, part: bytes) -> bytes | None:
        self._keep(part)
        line = None if self._skipping else bytes(self._kept)
        self._kept.clear()
        self._skipping = False
        return line

    def _keep(self, part: bytes) -> None:
        self._skipping = self._skipping or len(self._kept) + len(part) > MAX_LINE_BYTES
        if self._skipping:
            self._kept.clear()
        else:
            self._kept += part


def parse(line: bytes | None) -> Message | list[Message]:
    """Return the message in a line, or the messages of a batch; None stands for a line that was too long."""
    if line is None:
        return Malformed(RpcError(PARSE_ERROR, f"the line is longer than {MAX_LINE_BYTES} bytes"))
    try:
        value = json.loads(line.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        return Malformed(RpcError(PARSE_ERROR, f"the line is no JSON: {error}"))
    return _batch(value) if isinstance(value, list) else _message(value)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _batch(values: list[Any]) -> Message | list[Message]:
    if not values:
        return _invalid("a batch must not be empty")
    if len(values) > MAX_BATCH:
        return _invalid(f"a batch has at most {MAX_BATCH} requests")
    return [_message(value) for value in values]


def _message(value: Any) -> Message:
    if not isinstance(value, dict):
        return _invalid("a request is an object")
    id_ = value.get("id")
    if not _is_id(id_):
        return _invalid("id must be a string, a number or null")
    if value.get("jsonrpc") != "2.0":
        return _invalid('jsonrpc must be "2.0"', id_)
    if not isinstance(value.get("method"), str):
        return _invalid("method must be a string", id_)
    if not isinstance(value.get("params", {}), dict):
        return Malformed(RpcError(INVALID_PARAMS, "params must be an object: parameters go by name"), id_)
    return Request(value["method"], value.get("params", {}), id_, is_notification="id" not in value)


def _is_id(value: Any) -> bool:
    match value:
        case bool():
            return False
        case float():
            return math.isfinite(value)
        case _:
            return value is None or isinstance(value, str | int)


def _invalid(message: str, id_: Id = None) -> Malformed:
    return Malformed(RpcError(INVALID_REQUEST, message), id_)


# --- Out --------------------------------------------------------------------------------------------------------------


def result(id_: Id, value: Any) -> str:
    """Return the answer to a request.

    Raises:
        TypeError, ValueError, RecursionError: JSON cannot express the value.
    """
    return _encoded({"jsonrpc": "2.0", "id": id_, "result": value})


def failure(id_: Id, error: RpcError) -> str:
    """Return the answer to a request that has failed."""
    told = {"code": error.code, "message": error.message}
    if error.data is not None:
        told["data"] = error.data
    return _encoded({"jsonrpc": "2.0", "id": id_, "error": told})


def notification(method: str, params: Mapping[str, Any]) -> str:
    """Return a message that is sent unasked."""
    return _encoded({"jsonrpc": "2.0", "method": method, "params": params})


def line(text: str) -> bytes:
    """Return a message as the line that is sent."""
    return text.encode() + b"\n"


def _encoded(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
