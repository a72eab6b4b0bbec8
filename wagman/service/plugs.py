"""Outlets in what is told of them: their addresses in the fields of events and in the status."""

from typing import Any

from wagman.config.schema import Config
from wagman.model.facts import DEFAULT_BOARD, Plug


def in_fields(plug: Plug, prefix: str = "") -> dict[str, Any]:
    """The address as fields of an event; a board whose table bears no name goes without saying."""
    board = {} if plug.board == DEFAULT_BOARD else {f"{prefix}board": plug.board}
    return {f"{prefix}port": plug.port, **board}


def label(plug: Plug) -> str:
    """The address in one word: the port, with the board where its table bears a name."""
    return str(plug.port) if plug.board == DEFAULT_BOARD else f"{plug.board}:{plug.port}"


def port_name(config: Config, plug: Plug) -> str:
    """What the board itself calls the port; as the configuration does, where it has no name of its own."""
    names = next((board.port_names for board in config.boards if board.name == plug.board), {})
    return names.get(plug.port, str(plug.port))
