"""A plan as TOML: only what differs from the defaults, with a comment above each table that says what it is."""

import re
from collections.abc import Iterable, Iterator, Mapping

from attrs import frozen

from wagman.config.load import loads
from wagman.config.whole import quoted
from wagman.init.plan import BoardPlan, EarPlan, GuestPlan, Plan
from wagman.init.words import WordError
from wagman.model.errors import ConfigError

NETWORK = "lan"
"""The name of the network through which guests are heard."""

_PLACE = re.compile(r"^:([0-9]+:)? ")
"""The place of an error in a file that has no name yet."""

HEAD = """\
# What wagman looks after. What is not said here has a default: the page about the configuration has all keys.
# `wagman check-config` checks this file; `wagman probe` asks everybody in it once, and switches nothing."""


def checked(plan: Plan) -> str:
    """Return the text of the file, which is right.

    Raises:
        WordError: it would be wrong; names all errors.
    """
    names = [guest.name for guest in plan.guests]
    if twice := {name for name in names if names.count(name) > 1}:
        raise WordError(f"{', '.join(sorted(twice))} is there twice")
    text = toml(plan)
    try:
        text.encode()
        loads(text, "")
    except UnicodeError:
        raise WordError("something in it is not UTF-8") from None
    except ConfigError as error:
        raise WordError("; ".join(_PLACE.sub("", problem) for problem in error.problems)) from None
    return text


def toml(plan: Plan) -> str:
    """Return the text of the file, right or wrong."""
    parts = [HEAD, _board(plan.board), *(_guest(plan, guest) for guest in plan.guests)]
    if plan.witnesses:
        parts.insert(1, _network(plan))
    return "\n\n".join(parts) + "\n"


def _network(plan: Plan) -> str:
    # A dotted key is one line where a table would be two. It stands above all tables, as TOML demands.
    own = plan.board.witness
    whose = " Here: the board." if own is not None and plan.witnesses == (own,) else ""
    return (
        f"# Who answers as long as the network works, and is no guest: no guest counts as silent before they answer.{whose}\n"
        f"network.{NETWORK}.witness = {_ears(plan.witnesses)}"
    )


def _board(board: BoardPlan) -> str:
    return _table(f"What switches the power. {board.section.about}", "board", {"kind": board.kind, **board.values}.items())


def _guest(plan: Plan, guest: GuestPlan) -> str:
    order = ("port", "self", "heartbeat", "shutdown")
    values: dict[str, object] = dict(guest.values)
    heard = {"heartbeat": _Ears(guest.ears)} if guest.ears else {} if _has_default(plan, guest) else {"heartbeat": False}
    values = {**heard, **values}
    known = [(key, values.pop(key)) for key in order if key in values]
    return _table(_about(guest, plan), f"device.{_key(guest.name)}", [*known, *values.items()])


def _has_default(plan: Plan, guest: GuestPlan) -> bool:
    """Whether `heartbeat` can be left out: the guest is heard on an input of the board, or is this computer."""
    return plan.board.section.hears or guest.values.get("self") is True


def _about(guest: GuestPlan, plan: Plan) -> str:
    if guest.values.get("self") is True:
        return "The computer that wagman runs on: it is never switched."
    heard = " or ".join(ear.kind for ear in guest.ears) or ("the board" if plan.board.section.hears else "nobody")
    if guest.values.get("heartbeat") is False or heard == "nobody":
        return "A guest that gives no sign of life: it counts as started once it has power."
    halted = "asked to halt by `shutdown`, cut, and started again" if guest.values.get("shutdown") else "cut, and started again"
    return f"A guest, heard by {heard}. Silent for `heartbeat_timeout`, it is {halted}."


def _table(about: str, name: str, keys: Iterable[tuple[str, object]]) -> str:
    return "\n".join([f"# {about}", f"[{name}]", *(f"{_key(key)} = {_value(value)}" for key, value in keys)])


@frozen
class _Ears:
    """Ears as a value."""

    ears: tuple[EarPlan, ...]


def _ears(ears: Iterable[EarPlan]) -> str:
    tables = [_inline(ear.values) for ear in ears]
    return tables[0] if len(tables) == 1 else f"[{', '.join(tables)}]"


def _inline(table: Mapping[str, object]) -> str:
    return f"{{ {', '.join(_pairs(table))} }}"


def _pairs(table: Mapping[str, object]) -> Iterator[str]:
    return (f"{_key(key)} = {_value(value)}" for key, value in table.items())


def _key(key: str) -> str:
    is_bare = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    return key if is_bare else quoted(key)


def _value(value: object) -> str:
    match value:
        case _Ears():
            return _ears(value.ears)
        case str():
            return quoted(value)
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case bool():
            return "true" if value else "false"
    return str(value)
