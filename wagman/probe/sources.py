"""The ears of guests and the witnesses of networks: each that can be asked is asked once."""

from collections.abc import Iterator

import trio
from attrs import frozen

from wagman.config.ears import EarConfig
from wagman.config.schema import Config, DeviceConfig
from wagman.io.ears.addresses import Place
from wagman.io.ears.silence import SLACK_S
from wagman.model.errors import EarError
from wagman.probe.answers import Answer, Asked, since
from wagman.probe.service import Service

ON_BOARD = "board"
"""The name of the board's own input among the sources of a guest, as in the status."""

OURS = "it is this computer, which answers whatever the network does"
"""Why nothing is proved by a witness that answers."""


@frozen
class Question:
    """A source to be asked; `ear` is None for an input of the board, which only the service listens to."""

    whose: str
    ear: EarConfig | None
    guest: DeviceConfig | None = None  # None: a witness
    still_on: bool = False


def of_guest(guest: DeviceConfig) -> Iterator[Question]:
    """Yield all sources of a guest."""
    if guest.hears_board and not guest.is_self:
        yield Question(guest.name, None, guest)
    for ear in guest.ears:
        yield Question(guest.name, ear, guest)
    if isinstance(guest.still_on, EarConfig):
        yield Question(guest.name, guest.still_on, guest, still_on=True)


def witnesses(config: Config, guests: tuple[DeviceConfig, ...]) -> Iterator[Question]:
    """Yield the witnesses of the networks through which these guests are heard."""
    used = {question.ear.network for guest in guests for question in of_guest(guest) if question.ear is not None}
    for network in config.networks:
        if network.name in used:
            yield from (Question(network.name, witness) for witness in network.witnesses)


async def ask(question: Question, service: Service) -> Asked:
    """Ask one source."""
    name = ON_BOARD if question.ear is None else question.ear.source
    if question.guest is not None and (question.ear is None or question.ear.passive):
        answer = service.heard(question.guest, name)
    else:
        assert question.ear is not None  # noqa: S101 - a witness is an ear
        answer = await _asked(question.ear, is_witness=question.guest is None)
    return Asked(question.whose, name, answer, question.still_on)


async def _asked(ear: EarConfig, *, is_witness: bool) -> Answer:
    probe, began_s = ear.probe(), trio.current_time()
    is_there, why = False, f"nothing came within {ear.question_s:g} s"
    with trio.move_on_after(ear.question_s + SLACK_S):
        try:
            is_there = await probe.ask()
        except EarError as error:
            return Answer("no", since(began_s), f"it cannot be asked: {error}")
        place = getattr(probe, "place", None)  # probes over a network say why
        why = (place.why if isinstance(place, Place) else None) or "it did not answer as expected"
        if is_witness and isinstance(place, Place) and place.is_own():
            is_there, why = False, OURS
    return Answer("yes" if is_there else "no", since(began_s), None if is_there else why)
