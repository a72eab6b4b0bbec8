"""When something began: three answers, none of which stands in for another."""

from typing import Any

import pytest

from wagman.service.seams import kernel_stamp
from wagman.store import Ref
from wagman.store.event import place_json, placed
from wagman.tasks.moments import Beginning, Stamp, restored_beginning

WALL = "2100-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("stamp", "for_s"),
    [(Stamp("boot", 10.0), 32.5), (Stamp("boot", 50.0), 0.0), (Stamp("earlier boot", 10.0), None), (None, None)],
    ids=["measured", "never negative", "the controller was restarted since", "never known"],
)
def test_for_how_long_it_lasts_is_told_by_the_clock_that_measured_it_or_not_at_all(stamp: Stamp | None, for_s: object) -> None:
    assert Beginning(WALL, stamp).for_s(Stamp("boot", 42.5)) == for_s


def test_a_beginning_outlives_the_service() -> None:
    began = Beginning(WALL, Stamp("boot", 10.0))
    restored = restored_beginning(began.lasting(), {"log_id": "log", "id": 7})
    assert (restored.wall, restored.stamp) == (began.wall, began.stamp)
    assert restored.event is not None
    assert (restored.event.within("log"), restored.event.within("another log")) == (7, None)


def test_a_beginning_that_an_older_version_kept_is_known_by_its_wall_clock_alone() -> None:
    assert restored_beginning({"since": WALL}, None) == Beginning(WALL)


@pytest.mark.parametrize("saved", [None, 7, "7", {}, {"log_id": "log"}, {"log_id": None, "id": 7}, {"log_id": "log", "id": "7"}])
def test_a_place_that_cannot_be_read_is_none(saved: Any) -> None:
    assert placed(saved) is None


def test_an_event_that_is_in_no_log_has_no_place() -> None:
    assert place_json("log", Ref().within("log")) is None


def test_a_service_whose_clock_runs_faster_measures_by_that_clock() -> None:
    real, fast = kernel_stamp(), kernel_stamp(speed=20)
    assert fast.boot == real.boot
    assert fast.at_s / 20 == pytest.approx(real.at_s, abs=1)
