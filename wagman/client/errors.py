"""What can go wrong between a program and the service."""

from typing import Any

from wagman.model.errors import WagmanError

NOT_PERMITTED = -32001
INVALID_PARAMS = -32602
NO_SUCH_PLACE = -32004
"""The log that a place was given in is not the one that is there."""


class ClientError(WagmanError):
    """Root of them all; the message says what to do next."""


class AddressError(ClientError):
    """No socket can be where one was looked for."""


class DeniedError(ClientError):
    """Who runs this program may not use the socket."""


class LostError(ClientError):
    """The service cannot be reached, or not any more."""


class AnswerError(ClientError):
    """The service answered with an error; `code` is that of JSON-RPC."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(str(error.get("message", "the service answered with an error")))
        self.code = int(error["code"])
