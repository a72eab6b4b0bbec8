"""Board time, and the shape of everything that runs on the board."""

from collections.abc import Generator
from typing import TypeAlias

from attrs import define

Program: TypeAlias = Generator[float, None, None]
"""Code that runs on the board: it yields the board time (s) until which it sleeps, and board time stands still while it runs."""


@define
class BoardClock:
    """The one clock of a board and its guests; only the board moves it."""

    now_s: float = 0.0
