"""The scenarios: what is played, on which node, and the words about it."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Final

from attrs import frozen

from wagman.demo import mast_scenes, mast_site, node_scenes, settings
from wagman.demo.mast_site import running_mast
from wagman.demo.node import Node, running_node
from wagman.demo.stage import Stage


async def no_epilogue(_stage: Stage) -> None:
    """Do nothing: there is nothing left to say."""


@frozen
class Scenario:
    """A scenario of the demonstration."""

    play: Callable[[Stage], Awaitable[None]]
    about: str = "The service and a fake board"
    running: Callable[[float, str], AbstractAsyncContextManager[Node]] = running_node
    deviations: Callable[[], Iterator[str]] = settings.deviations  # yields the deviations from the defaults of the configuration
    epilogue: Callable[[Stage], Awaitable[None]] = no_epilogue  # runs at the end, while the node still runs


MAST = Scenario(
    mast_scenes.mast,
    "The service, and a fake mast",
    running_mast,
    partial(settings.deviations, mast_site.WAGMAN, mast_site.DEFAULTS),
    mast_scenes.epilogue,
)

SCENARIOS: Final[Mapping[str, Scenario]] = {
    "mast": MAST,
    "tour": Scenario(node_scenes.tour),
    "unplug": Scenario(node_scenes.unplug),
    "reset": Scenario(node_scenes.reset),
}
"""The scenarios by name; the first one is the default."""
