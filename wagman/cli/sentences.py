"""Events in plain words, with the names of the users who asked."""

from collections.abc import Mapping
from typing import Any

from wagman.model.catalogue import sentence_of
from wagman.model.words import user_name


def sentence(event: Mapping[str, Any]) -> str:
    """Return the event in plain words."""
    return sentence_of(event, user_name)
