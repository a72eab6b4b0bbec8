"""One line on a terminal that says what is being waited for."""

import sys

from wagman.cli.outcome import forget
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
            self._write(_CLEAR + text[: WIDTH - 1])

    def clear(self) -> None:
        """Erase the line, so that lasting output can follow."""
        if self._shown:
            self._shown = ""
            self._write(_CLEAR)

    def _write(self, text: str) -> None:
        """Write to the terminal. One that is gone takes no command with it: whether that goes on is not for this line to say."""
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            forget(sys.stderr)
            self._is_wanted = False
