"""The errors between a program and the service."""

from typing import Any

from wagman.model.errors import WagmanError

NOT_PERMITTED = -32001
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
NO_SUCH_PLACE = -32004
"""The error code for a place in another log than the present one."""
LOG_UNREADABLE = -32005
"""The error code for a log that cannot be read at present."""


class ClientError(WagmanError):
    """The base of all errors here; the message says what to do next. `what` leaves out what only some commands can do."""

    def __init__(self, what: str, do: str = "") -> None:
        super().__init__(f"{what}: {do}" if do else what)
        self.what = what


class AddressError(ClientError):
    """No socket can be at that path."""


class DeniedError(ClientError):
    """The user of this process may not use the socket."""


class LostError(ClientError):
    """The service cannot be reached, or is lost."""


class AnswerError(ClientError):
    """The service answered with an error; `code` is that of JSON-RPC."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(str(error.get("message", "the service answered with an error")))
        self.code = int(error["code"])
