"""An event as JSON for those who ask, with its sentence if they want it."""

from typing import Any

from wagman.model.catalogue import sentence_of, severity_of
from wagman.store import Event


def shown(event: Event, *, words: bool) -> dict[str, Any]:
    """Return the event as JSON; with `words` also its sentence, which names users by number: no name is looked up here."""
    told = event.as_json()
    if not words:
        return told
    return {**told, "words": sentence_of(told), "severity": severity_of(event.type, event.fields)}
