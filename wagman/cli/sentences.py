"""Events in plain words, with the names of the users who asked, and with local times."""

from collections.abc import Mapping
from typing import Any

from wagman.cli.text import local
from wagman.model.catalogue import sentence_of
from wagman.model.words import user_name


def sentence(event: Mapping[str, Any]) -> str:
    """Return the event in plain words."""
    stamps = {key: local(value) for key, value in event["fields"].items() if key.endswith("_at") and isinstance(value, str)}
    return sentence_of({**event, "fields": {**event["fields"], **stamps}} if stamps else event, user_name)
