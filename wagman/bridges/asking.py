"""One question to the service, on a connection of its own."""

from typing import Any

import trio

from wagman.client.asynchronous import connect
from wagman.client.conversation import ANSWER_S, unanswered


async def ask(path: str, method: str, **params: Any) -> Any:
    """The result of one request; ClientError where there is none within a few seconds.

    Args:
        path: of the service's socket.
        method: what is asked.
        params: the parameters of it.
    """
    try:
        with trio.fail_after(ANSWER_S):
            async with await connect(path) as connection:
                return await connection.call(method, **params)
    except trio.TooSlowError as error:
        raise unanswered(path) from error
