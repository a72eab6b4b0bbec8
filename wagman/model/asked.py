"""What may be asked of the service, and what is said of an answer: known to the socket and to the commands."""

MAX_NAME_CHARS = 64
"""The longest name of somebody on whose behalf a program asks, or of an order (chosen: a UUID has 36, SHA-256 in hex 64)."""

MAX_FOR_S = 366 * 86_400
"""The longest that something can be ordered for (chosen: a year; what is meant for ever has no end)."""

NOT_KEPT = "NOT KEPT, for the disk has not taken it: a restart may forget it"
"""What is said of a decision that is neither in the log nor in the file beside it."""


def is_name(text: str) -> bool:
    """Something that can stand in a sentence: no second line, and nothing that a terminal would obey."""
    return len(text) <= MAX_NAME_CHARS and text.isprintable() and bool(text.strip())
