"""One line on a terminal that says what is waited for."""

import sys

from wagman.cli.text import WIDTH, is_lively

_CLEAR = "\r\x1b[K"


class Progress:
    """Written over and over on stderr; nothing at all where that is no terminal."""

    def __init__(self) -> None:
        self._is_wanted = is_lively(sys.stderr)
        self._shown = ""

    def show(self, text: str) -> None:
        """Replace the line."""
        if self._is_wanted and text != self._shown:
            self._shown = text
            sys.stderr.write(_CLEAR + text[: WIDTH - 1])
            sys.stderr.flush()

    def clear(self) -> None:
        """Make room for what is there to stay."""
        if self._shown:
            self._shown = ""
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
