"""The service's requests to a board, in the same words for every dialect."""

from collections.abc import Iterator

from wagman.fake.v4_lines import sensorgrams
from wagman.io.v4.codec import Sensorgram
from wagman.io.v4.requests import REQUESTS, STOP

Words = tuple[str, ...]


def requests_in(data: bytes) -> Iterator[Words]:
    """Yield the requests in these bytes. A stop without grace is called `disable`, which is its purpose."""
    for line in data.split(b"\n"):
        words = line.decode("latin-1").split()
        if len(words) > 1:
            yield tuple(words[1:])  # after the request's id
        else:
            yield from map(_words, sensorgrams(line))


def _words(asked: Sensorgram) -> Words:
    request = REQUESTS[asked.id]
    name = "disable" if request is STOP and asked.number == 0 else request.name.lower()
    return (name,) if request.first_sub is None else (name, str(asked.sub_id - request.first_sub))
