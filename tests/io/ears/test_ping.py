"""Which ICMP message is the reply to a request. What real kernels answer is in `test_levels`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wagman.io.ears.ping import HEADER, is_reply

WANTED = (0, 77, 5, b"0123456789abcdef")


def message(kind: int = 0, identity: int = 77, sequence: int = 5, mark: bytes = WANTED[3]) -> bytes:
    return HEADER.pack(kind, 0, 0xBEEF, identity, sequence) + mark


def test_the_reply_to_the_request_is_one() -> None:
    assert is_reply(message(), WANTED)


@pytest.mark.parametrize(
    "data",
    [
        message(kind=8),  # our own request, as loopback shows it
        message(kind=3),
        message(identity=78),
        message(sequence=4),
        message(mark=b"0123456789abcdeX"),
        message(mark=WANTED[3] + b"0"),
        message()[:20],
        b"",
    ],
)
def test_the_reply_to_another_request_is_none(data: bytes) -> None:
    assert not is_reply(data, WANTED)


@given(st.binary(max_size=40))
def test_nothing_else_is_a_reply(data: bytes) -> None:
    assert not is_reply(data, WANTED)
