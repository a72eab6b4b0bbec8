"""Events in plain words, with the names of those who asked."""

from collections.abc import Mapping
from typing import Any

from wagman.event_types import sentence_of


def sentence(event: Mapping[str, Any]) -> str:
    """What the event tells."""
    return sentence_of(event, user_name)


def user_name(uid: int) -> str:
    """The name of a user of this computer; the number where nobody here has it."""
    import pwd  # noqa: PLC0415 - few commands need it

    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return f"user {uid}"
