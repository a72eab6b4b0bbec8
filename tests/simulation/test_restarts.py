"""A service that is restarted again and again still comes to an end with what it waits for."""

from tests.simulation.node import run
from wagman.simulation.records import EventShown, Record


def test_a_start_that_fails_is_given_up_though_the_service_lives_for_a_minute_only_each_time() -> None:
    told: list[str] = []

    def watch(record: Record) -> None:
        if isinstance(record, EventShown) and record.event.device == "gn":
            told.append(record.event.type)

    restarts = "; ".join(["service kill; 1 s; service start; 70 s"] * 8)
    assert run(f"20 min; gn: stop; 5 min; guest gn boot=100000; gn: start; 30 s; {restarts}", watch).violation is None
    assert "device.start_failed" in told
