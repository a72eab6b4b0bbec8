"""The address of an outlet, as fields of events and in the status."""

from typing import Any

from wagman.config.schema import Config
from wagman.model.facts import DEFAULT_BOARD, Plug


def in_fields(plug: Plug, prefix: str = "") -> dict[str, Any]:
    """Return the address as fields of an event. The name of a board is left out where its table is `[board]`."""
    board = {} if plug.board == DEFAULT_BOARD else {f"{prefix}board": plug.board}
    return {f"{prefix}port": plug.port, **board}


def label(plug: Plug) -> str:
    """Return the address in one word: the port, after the board's name where its table has one."""
    return str(plug.port) if plug.board == DEFAULT_BOARD else f"{plug.board}:{plug.port}"


def port_name(config: Config, plug: Plug) -> str:
    """Return what the board itself calls the port; its number where it has no other name."""
    names = next((board.port_names for board in config.boards if board.name == plug.board), {})
    return names.get(plug.port, str(plug.port))
