"""A question that is put to the addresses of a guest: what goes wrong on its side is an answer that did not come, and is told."""

import pytest
import trio
from attrs import define

from wagman.io.ears.addresses import Address, Place
from wagman.model.errors import EarError


@define(eq=False)
class Known(Place):
    """A guest with these addresses, each of which answers so, or raises that."""

    answers: tuple[Exception | bool, ...] = ()

    async def addresses(self) -> list[Address]:
        return [Address(2, (f"10.0.0.{number}", 1)) for number, _ in enumerate(self.answers)]

    async def question(self, address: Address) -> bool:
        await trio.lowlevel.checkpoint()
        answer = self.answers[int(address.at[0].rpartition(".")[2])]
        if isinstance(answer, Exception):
            raise answer
        return answer


def guest(*answers: Exception | bool) -> Known:
    return Known("guest", 1, 5.0, answers)


def asked(place: Known) -> bool:
    return trio.run(place.ask, place.question)


@pytest.mark.parametrize("others", [(), (False,)], ids=["one address", "two"])
@pytest.mark.parametrize(
    ("trouble", "why"),
    [(trio.BrokenResourceError(), "it hung up"), (ConnectionRefusedError(111, ""), "Connection refused")],
)
def test_what_goes_wrong_at_the_guest_is_no_answer(trouble: Exception, why: str, others: tuple[bool, ...]) -> None:
    place = guest(trouble, *others)
    assert not asked(place)
    assert place.why == why


@pytest.mark.parametrize("others", [(), (False,)], ids=["one address", "two"])
def test_what_goes_wrong_here_leaves_it_unknown(others: tuple[bool, ...]) -> None:
    with pytest.raises(EarError, match="no socket"):
        asked(guest(EarError("no socket"), *others))


def test_one_address_that_answers_is_enough() -> None:
    assert asked(guest(EarError("no socket"), True, ConnectionRefusedError(111, "")))
