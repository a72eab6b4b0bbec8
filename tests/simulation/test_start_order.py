"""In which order guests come up: the first start, and after the board has taken the power of all of them."""

import pytest

from tests.simulation.node import CONFIG, run
from wagman.config.load import loads
from wagman.simulation.play import Scenario, play
from wagman.simulation.records import EventShown, Record
from wagman.simulation.script import parse

ORDER = ["x2", "x1", "gn", "cs"]
NODE = f'[wagman]\nstart_order = ["x2", "x1", "gn", "cs"]\n{CONFIG}'


def started(script: str, dialect: str, seed: int) -> list[str]:
    """The guests that were started by the scheduler, one after the other."""
    names: list[str] = []

    def watch(record: Record) -> None:
        if isinstance(record, EventShown) and record.event.type == "wagman.start_next_device":
            names.append(str(record.event.device))

    config = loads(f'[board]\ndialect = "{dialect}"\n{NODE}', "node.toml")
    assert play(Scenario(seed, config, parse(script)), watch).violation is None
    return names


def in_order(names: list[str]) -> bool:
    """They came one after the other; the board may have started one by itself before its turn."""
    return names == sorted(set(names), key=ORDER.index) and len(names) >= len(ORDER) - 1


@pytest.mark.parametrize("dialect", ["v3", "v4"])
@pytest.mark.parametrize("seed", [1, 2])
def test_all_guests_come_up_in_start_order_whenever_all_of_them_are_down(dialect: str, seed: int) -> None:
    names = started("30 min; board powercycle; 30 min; board powercycle; 30 min", dialect, seed)
    assert in_order(names[: -2 * len(ORDER)])
    assert names[-2 * len(ORDER) :] == ORDER * 2


@pytest.mark.parametrize("dialect", ["v3", "v4"])
def test_a_power_cut_of_board_and_controller_begins_with_the_first_again(dialect: str) -> None:
    script = "30 min; x1: restart; 10 min; service kill; board powercycle; 1 min; service start; 30 min"
    names = started(script, dialect, 1)
    again = len(names) - names[::-1].index("x2") - 1
    assert in_order(names[:again])
    assert in_order(names[again:])


def test_a_guest_waits_for_one_that_is_restarted_though_it_takes_its_time_to_halt() -> None:
    """Its own start takes as long as ever, once it has halted."""
    script = "20 min; guest x1 halt=100; x1: restart; 5 s; gn: kill; 5 s; gn: start; 20 min; all well; settled"
    assert run(script, named="ordered").violation is None


def test_a_stop_that_is_taken_back_while_the_guest_boots_gives_no_power_and_so_waits_for_nobody() -> None:
    script = "20 min; guest cs boot=100; cs: restart; 3 min; cs: stop; 2 s; gn: restart; 10 s; cs: restart; 20 min"
    words: list[tuple[str, object]] = []

    def watch(record: Record) -> None:
        if isinstance(record, EventShown) and record.event.device == "cs":
            words.append((record.event.type, record.event.fields.get("reason")))

    assert run(script, watch, named="ordered").violation is None
    assert ("device.starting", "asked by the operator") in words[words.index(("device.will_stop", "asked by the operator")) :]
