"""One line on a terminal that says what is being waited for."""

import sys

from wagman.cli.text import WIDTH, is_lively

_CLEAR = "\r\x1b[K"


class Progress:
    """A line that is overwritten again and again on stderr; nothing is written if that is no terminal."""

    def __init__(self) -> None:
        self._is_wanted = is_lively(sys.stderr)
        self._shown = ""

    def show(self, text: str) -> None:
        """Show this text instead of the last one."""
        if self._is_wanted and text != self._shown:
            self._shown = text
            sys.stderr.write(_CLEAR + text[: WIDTH - 1])
            sys.stderr.flush()

    def clear(self) -> None:
        """Erase the line, so that lasting output can follow."""
        if self._shown:
            self._shown = ""
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
