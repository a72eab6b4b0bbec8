"""An event as who asks wants it."""

from typing import Any

from wagman.model.catalogue import sentence_of, severity_of
from wagman.store import Event


def shown(event: Event, *, words: bool) -> dict[str, Any]:
    """Its JSON; with its sentence where words are asked for. Users have their numbers there: no name is looked up here."""
    told = event.as_json()
    if not words:
        return told
    return {**told, "words": sentence_of(told), "severity": severity_of(event.type, event.fields)}
