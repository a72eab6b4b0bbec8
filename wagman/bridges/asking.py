"""One request to the service, on a connection of its own."""

from typing import Any

import trio

from wagman.client.asynchronous import connect
from wagman.client.conversation import ANSWER_S, unanswered


async def ask(path: str, method: str, **params: Any) -> Any:
    """Return the result of one request.

    Args:
        path: of the service's socket.
        method: the name of the method.
        params: the parameters of the method.

    Raises:
        ClientError: there is no result within `ANSWER_S`.
    """
    try:
        with trio.fail_after(ANSWER_S):
            async with await connect(path) as connection:
                return await connection.call(method, **params)
    except trio.TooSlowError as error:
        raise unanswered(path) from error
