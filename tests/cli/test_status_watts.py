"""What a guest on a metered plug draws, as the table of `wagman status` shows it."""

from typing import TYPE_CHECKING, Any, cast

import pytest

from wagman.cli.status import current

if TYPE_CHECKING:
    from wagman.model.shapes import PortReadings

NOTHING = {"current_ma": None, "watts": None, "current_raw": None, "temperature_raw": None}


@pytest.mark.parametrize(("watts", "shown"), [(None, "-"), (0.0, "0.0 W"), (5.76, "5.8 W"), (99.94, "99.9 W"), (850.4, "850 W")])
def test_a_metered_plug_shows_watts(watts: float | None, shown: str) -> None:
    row: dict[str, Any] = {**NOTHING, "watts": watts, "stale": False, "last": {**NOTHING, "watts": watts, "age_s": 1.0}}
    assert current(cast("PortReadings", row)) == shown


def test_of_a_board_that_never_told_anything_nothing_is_said_to_have_been() -> None:
    row: dict[str, Any] = {**NOTHING, "stale": True, "last": {**NOTHING, "age_s": None}}
    assert current(cast("PortReadings", row)) == "-"


def test_what_was_read_before_the_board_went_out_of_sight_is_said_to_be_that() -> None:
    row: dict[str, Any] = {**NOTHING, "stale": True, "last": {**NOTHING, "watts": 5.76, "age_s": 90.0}}
    assert current(cast("PortReadings", row)) == "was 5.8 W"
