"""What all tests share."""

import gc
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from wagman.model.catalogue import EVENT_TYPES
from wagman.model.facts import Draft

TESTS = Path(__file__).parent

# No deadline: how long an example takes says more of the machine and its load than of the code.
settings.register_profile("wagman", deadline=None, print_blob=True)
settings.load_profile("wagman")

# A shell has what it starts in the background ignore ^C, and nohup a terminal that is closed; so would the commands that the
# tests start and interrupt.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# A process that runs thousands of tests has a large heap, and most of what they make ends with its last reference: looking
# through all of it for cycles as often as Python does took a tenth of the time.
gc.set_threshold(100_000, 50, 100)

# What is installed is compiled; a program that the tests start would otherwise compile all of itself each time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def hold_to_the_catalogue(kind: type[Any]) -> None:
    """Have every event that is drafted in a test be of a type that is written down."""
    plainly = kind.__init__

    def init(self: Draft, *args: Any, **kwargs: Any) -> None:
        plainly(self, *args, **kwargs)
        is_known = self.type in EVENT_TYPES or self.type.startswith("test.")  # what only keeps events knows no types
        assert is_known, f"{self.type} is not in wagman.model.catalogue"

    kind.__init__ = init


hold_to_the_catalogue(Draft)


LONGEST = (
    *("simulation/test_sweep", "demo/test_demo", "simulation/test_mutants", "test_benchmarks", "systemd/test_incidents"),
    *("service/test_absence", "service/test_unreadable", "service/test_commands_for_real", "systemd/test_debian"),
    *("service/test_rack_for_real", "simulation/test_dialects", "service/test_commands_in_trouble", "simulation/test_marks"),
    *("service/test_plugs_for_real", "cli/test_commands", "systemd/test_machine", "fsm/test_device_graph", "demo/test_mast"),
    *("service/test_recollection", "simulation/test_regressions"),
)
"""The files that take longest, the longest first (measured: 40 s and more, where two cores are shared)."""


def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes share the tests: two for each core, because half of the time they wait for other programs."""
    return 2 * len(os.sched_getaffinity(0))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: at the end all other processes would wait for one of them."""
    places = {TESTS / f"{name}.py": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))
