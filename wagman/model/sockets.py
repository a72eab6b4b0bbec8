"""How long the path of a Unix socket may be. The errors of the system and of Python do not name the limit."""

from typing import Final

MOST_BYTES: Final = 107
"""The longest path that a Unix socket can be bound to, in bytes (Linux: `sun_path` without its closing NUL)."""


def obstacle(path: str) -> str:
    """Why no socket can have that path, and what to do; empty: one can."""
    excess = len(path.encode(errors="surrogateescape")) - MOST_BYTES
    if excess <= 0:
        return ""
    return f"{excess} bytes too long for a socket, which takes {MOST_BYTES}: use a shorter path, or a relative one"
