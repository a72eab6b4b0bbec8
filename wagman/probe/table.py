"""The answers, for people and for programs."""

from collections.abc import Iterator
from typing import Any

from wagman.cli.text import table
from wagman.model.words import plain
from wagman.probe.answers import Answer, Answers, Asked, BoardSeen, PortSeen

WORDS = {"yes": "yes", "no": "no", "unknown": "?"}
TRY = "; try: "
"""What stands in a reason between what is wrong and the command that mends it."""

VALUES = {"yes": True, "no": False, "unknown": None}


def shown(answers: Answers) -> list[str]:
    """Return two tables: the sources and witnesses, and the boards; then the commands to try, unbroken, each once."""
    heard = [*(_asked(each) for each in answers.sources), *(_asked(each, "witness") for each in answers.witnesses)]
    boards = [row for board in answers.boards for row in _board(board)]
    lines = table([("WHO", "HEARD BY", "ANSWER", "TOOK", "NOTES"), *heard]) if heard else []
    lines = [*lines, *([""] if heard else []), *table([("BOARD", "PORT", "ANSWER", "TOOK", "NOTES"), *boards])]
    commands = dict.fromkeys(_parts(each.answer.why)[1] for each in (*answers.sources, *answers.witnesses))
    return [*lines, *(line for command in commands if command for line in ("", plain(f"try: {command}")))]


def _parts(why: str | None) -> tuple[str, str]:
    """Return what is wrong, and the command that mends it, which may be copied and must not be wrapped."""
    said, _, command = (why or "").partition(TRY)
    return said, command


def _asked(asked: Asked, role: str = "") -> tuple[str, ...]:
    role = "must be silent before it is cut" if asked.still_on else role
    notes = "; ".join(filter(None, (role, _parts(asked.answer.why)[0])))
    return asked.whose, asked.name, WORDS[asked.answer.came], _took(asked.answer), plain(notes)


def _board(seen: BoardSeen) -> Iterator[tuple[str, ...]]:
    yield seen.board.name, "", WORDS[seen.answer.came], _took(seen.answer), plain("; ".join(_of_board(seen)))
    for port in seen.ports:
        yield "", f"{port.port} ({port.device})", "no" if port.why else port.power, "", plain("; ".join(_of_port(port)))


def _of_board(seen: BoardSeen) -> Iterator[str]:
    yield f"{seen.board.kind} at {seen.board.address}"
    if seen.identity is not None and seen.identity.board_id:
        yield f"id {seen.identity.board_id}"
    if seen.identity is not None and seen.identity.firmware:
        yield f"firmware {seen.identity.firmware}"
    if seen.answer.why:
        yield seen.answer.why


def _of_port(port: PortSeen) -> Iterator[str]:
    if port.watts is not None:
        yield f"{port.watts:g} W"
    if port.by:
        yield f"switched by {port.by}"
    if port.why:
        yield port.why


def _took(answer: Answer) -> str:
    if answer.took_s is None:
        return "-"
    return f"{answer.took_s:.1f} s" if answer.took_s >= 1 else f"{answer.took_s * 1000:.1f} ms"


def as_json(answers: Answers) -> dict[str, Any]:
    """Return all answers as one document; times are in seconds."""
    return {
        "sources": [{"device": each.whose, **_source(each), "still_on": each.still_on} for each in answers.sources],
        "witnesses": [{"network": each.whose, **_source(each)} for each in answers.witnesses],
        "boards": [_board_json(each) for each in answers.boards],
    }


def _source(asked: Asked) -> dict[str, Any]:
    return {"source": asked.name, **_answer(asked.answer)}


def _answer(answer: Answer) -> dict[str, Any]:
    took_s = None if answer.took_s is None else round(answer.took_s, 4)
    return {"answered": VALUES[answer.came], "took_s": took_s, "why": answer.why}


def _board_json(seen: BoardSeen) -> dict[str, Any]:
    identity = seen.identity
    return {
        "board": seen.board.name,
        "kind": seen.board.kind,
        "address": seen.board.address,
        **_answer(seen.answer),
        "board_id": identity.board_id if identity else None,
        "firmware": identity.firmware if identity else None,
        "ports": [
            {"port": each.port, "device": each.device, "power": each.power, "watts": each.watts, "by": each.by, "why": each.why}
            for each in seen.ports
        ],
    }
