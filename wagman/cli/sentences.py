"""Events in plain words, with the names of those who asked."""

from collections.abc import Mapping
from typing import Any

from wagman.event_types import sentence_of
from wagman.words import user_name


def sentence(event: Mapping[str, Any]) -> str:
    """What the event tells."""
    return sentence_of(event, user_name)
