"""Scripts that broke a promise once, each cut down to what it took."""

import pytest

from tests.simulation.node import run

ONCE_BROKEN = {
    "it came up while the disk was slow, and ended because the log could not be read": (
        2,
        "20 min; service kill; disk slow 18; service start; 5 min; all well; settled",
    ),
    "a board that forgot its EEPROM reports running ports as disabled, and they were cut": (
        1,
        "30 min; board fault eeprom; 3 min; all well; settled",
    ),
}


@pytest.mark.parametrize(("seed", "script"), ONCE_BROKEN.values(), ids=ONCE_BROKEN)
def test_a_promise_that_was_broken_once_holds(seed, script):
    assert run(script, seed=seed).violation is None
