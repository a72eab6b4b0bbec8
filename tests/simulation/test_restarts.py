"""A service that is restarted again and again still comes to an end with what it waits for."""

from tests.simulation.node import run
from wagman.simulation.records import EventShown, Record


def told_of_gn(script: str) -> list[str]:
    """What is told of the guest; every promise holds."""
    told: list[str] = []

    def watch(record: Record) -> None:
        if isinstance(record, EventShown) and record.event.device == "gn":
            told.append(record.event.type)

    assert run(script, watch).violation is None
    return told


RESTARTS = "; ".join(["service kill; 1 s; service start; 70 s"] * 8)


def test_a_start_that_fails_is_given_up_though_the_service_lives_for_a_minute_only_each_time() -> None:
    assert "device.start_failed" in told_of_gn(f"20 min; gn: stop; 5 min; guest gn boot=100000; gn: start; 30 s; {RESTARTS}")


def test_a_guest_that_hangs_is_switched_off_and_on_though_the_service_lives_for_little_more_than_the_silence() -> None:
    """Each run tells the guest once more, because it cannot know what the one before did last."""
    told = told_of_gn(f"20 min; guest gn hang; 340 s; {RESTARTS}")
    assert "device.starting" in told[told.index("device.heartbeat_lost") :]


def test_a_defect_that_is_planted_in_the_task_of_a_board_of_plugs_makes_that_task_fail() -> None:
    """The driver contains the defects of back ends; this one is to be contained by the service."""
    told: list[Record] = []
    assert run("20 min; service crash link rail; 5 min", told.append, named="plugs").violation is None
    (failed,) = [each.event for each in told if isinstance(each, EventShown) and each.event.type == "service.task_failed"]
    assert failed.fields["error"] == "RuntimeError: a defect in the serial driver"
