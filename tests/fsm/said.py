"""What the machines say: each event with its fields, each answer, each reason, and where it is said.

The tables hold what a machine does, these files the words that a person reads of it later: a wrong reason in the log, or an
answer that promises something else, moves no relay and is wrong all the same. After a change that is meant, write them again and
read the difference:

    python -m tests.fsm.said
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import asdict

from tests.fsm import test_device_table as guests
from tests.fsm import test_outlet_table as outlets
from tests.fsm import test_scheduler_table as schedulers
from wagman.fsm import guest
from wagman.fsm.guest import Situation
from wagman.fsm.guest.inputs import StartRefused
from wagman.model.facts import Draft, PowerFound, PowerLost, RelayStuck, Verdict


def events(effects: Iterable[object]) -> Iterator[str]:
    """The events among the effects, and the refusals that the scheduler is told."""
    for effect in effects:
        if isinstance(effect, Draft):
            yield " ".join([effect.type, *([effect.device] if effect.device else []), *named(effect.fields)])
        elif isinstance(effect, StartRefused):
            yield f"refused: {effect.reason}"


def named(fields: Mapping[str, Any]) -> Iterator[str]:
    return (f"{name}={value!r}" for name, value in fields.items())


def answers(verdict: Verdict | None) -> Iterator[str]:
    if verdict is not None:
        yield f"{'yes' if verdict.accepted else 'no'}, {verdict.state}: {verdict.reason}"


def of_guest(variant: guests.Variant, word: str) -> Iterator[str]:
    """What a guest's machine says of an input, and what is kept of the state that it is in then."""
    now = Situation(variant.config, variant.memory).remember(**guests.REMEMBERED.get(word, {}))
    step = guest.step(variant.state, now, variant.inputs[word])
    yield from events(step.effects)
    yield from answers(step.verdict)
    if step.state != variant.state:
        yield f"kept: {' '.join(named(step.state.lasting()))}"


def of_outlet(variant: outlets.Variant, word: str) -> Iterator[str]:
    """What is told of an outlet that has words in it: why power was lost or found."""
    step = variant.inputs[word](variant.outlet)
    return (
        " ".join([type(fact).__name__, *named(asdict(fact))])
        for fact in step.facts
        if isinstance(fact, PowerLost | PowerFound | RelayStuck)
    )


def of_scheduler(variant: schedulers.Variant, word: str) -> Iterator[str]:
    """What the scheduler says of an input, and what is kept of the state that it is in then."""
    step = variant.told(word)
    yield from events(step.effects)
    if step.state != variant.state:
        yield f"kept: {' '.join(named(step.state.lasting()))}"


def lines(variants: Mapping[str, Any], say: Callable[[Any, str], Iterator[str]]) -> Iterator[str]:
    """The sentences in alphabetical order, each with where it is said: a variant, and its inputs."""
    where: dict[str, dict[str, list[str]]] = {}
    for name, variant in variants.items():
        for word in variant.inputs:
            for sentence in say(variant, word):
                where.setdefault(sentence, {}).setdefault(name, []).append(word)
    for sentence in sorted(where):
        yield sentence
        yield from (f"    {name} | {' | '.join(words)}" for name, words in where[sentence].items())


FILES: Mapping[str, Callable[[], Iterator[str]]] = {
    "device_said.txt": lambda: lines(guests.VARIANTS, of_guest),
    "outlet_said.txt": lambda: lines(outlets.VARIANTS, of_outlet),
    "scheduler_said.txt": lambda: lines(schedulers.VARIANTS, of_scheduler),
}


def text(name: str) -> str:
    """The text that a file is to have."""
    return "\n".join(FILES[name]()) + "\n"


def path(name: str) -> Path:
    """Where a file lies."""
    return Path(__file__).with_name(name)


if __name__ == "__main__":
    for each in FILES:
        path(each).write_text(text(each), encoding="utf-8")
