"""The exit code with which a command ends, for each error that can end it."""

from wagman.cli.outcome import FAILED, REFUSED, UNREACHABLE, USAGE, CommandError
from wagman.client.errors import (
    INVALID_PARAMS,
    NOT_PERMITTED,
    AddressError,
    AnswerError,
    ClientError,
    DeniedError,
    LostError,
)

_CODES = {LostError: UNREACHABLE, DeniedError: REFUSED, AddressError: USAGE}
_ANSWER_CODES = {NOT_PERMITTED: REFUSED, INVALID_PARAMS: USAGE}


def code_of(error: CommandError | ClientError) -> int:
    """The exit code of a command that ends with this error."""
    if isinstance(error, CommandError):
        return error.code
    if isinstance(error, AnswerError):
        return _ANSWER_CODES.get(error.code, FAILED)
    return _CODES.get(type(error), FAILED)
