"""What may be asked of the service: bounds that the socket sets, and the commands know before they ask."""

MAX_NAME_CHARS = 64
"""The longest name of somebody on whose behalf a program asks, or of an order (chosen: a UUID has 36, SHA-256 in hex 64)."""

MAX_FOR_S = 366 * 86_400
"""The longest that something can be ordered for (chosen: a year; what is meant for ever has no end)."""


def is_name(text: str) -> bool:
    """Something that can stand in a sentence: no second line, and nothing that a terminal would obey."""
    return len(text) <= MAX_NAME_CHARS and text.isprintable() and bool(text.strip())
