"""A v4 board whose memory is lost at each restart: it has always started once, so that its uptime alone tells."""

import pytest
import trio

from tests.io.test_board import ON, Rig, with_rig
from wagman.io.v4.asking import WRAP_S
from wagman.io.v4.driver import V4Driver
from wagman.model.facts import PowerLost

AT_S = (0.2, 1.1, 2.3, 3.4, 4.6)
"""When it restarts, after a poll."""


@pytest.mark.parametrize("at_s", AT_S)
def test_a_restart_that_the_boots_do_not_tell_of_is_noticed_by_the_uptime(at_s: float) -> None:
    async def main(rig: Rig) -> None:
        rig.want(3, ON(1))
        await trio.sleep(60 + at_s)
        rig.fake.fault("eeprom")
        rig.fake.powercycle()
        await trio.sleep(30)
        assert [notice.fields for notice in rig.notices("board.reset")] == [
            {"boots": 1, "before": 1, "board": "0004a30b003d70c6"}
        ]
        assert [fact.reset for fact in rig.told(PowerLost, 3)] == [True]

    with_rig(main, "v4")


@pytest.mark.parametrize("out_s", [1, 30, 4 * 3600])
def test_a_board_that_was_out_of_sight_and_ran_on_has_not_restarted(out_s: float) -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(20)
        rig.fake.unplug()
        await trio.sleep(out_s)
        rig.fake.replug()
        await trio.sleep(30)
        assert rig.board.answered_s is not None
        assert trio.current_time() - rig.board.answered_s < 10
        assert rig.notices("board.reset") == []

    with_rig(main, "v4", away_s=3)


def test_a_port_that_a_restart_nobody_saw_has_disabled_and_left_without_power_is_found() -> None:
    async def main(rig: Rig) -> None:
        rig.want(4, ON(1, already=True))
        await trio.sleep(30)
        assert [port for port, fact in rig.facts if isinstance(fact, PowerLost)] == [4]
        rig.want(4, ON(2))
        await trio.sleep(120)
        assert rig.relays(4) == [(True, "command")]
        assert len(rig.told(PowerLost)) == 1

    with_rig(main, "v4")


def test_a_restart_is_told_once_though_the_link_is_lost_again() -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(60)
        rig.fake.fault("eeprom")
        rig.fake.reset()
        for _ in range(3):
            await trio.sleep(20)
            rig.fake.unplug()
            await trio.sleep(5)
            rig.fake.replug()
        await trio.sleep(20)
        assert len(rig.notices("board.reset")) == 1

    with_rig(main, "v4")


@pytest.mark.parametrize(("wraps_after_s", "is_reset"), [(WRAP_S, False), (2 * WRAP_S, False), (WRAP_S - 3600, True)])
def test_an_uptime_that_begins_anew_because_32_bits_do_not_hold_it_is_no_restart(wraps_after_s: float, is_reset: bool) -> None:
    async def main(rig: Rig) -> None:
        await trio.sleep(20)
        driver = rig.driver
        assert isinstance(driver, V4Driver)
        driver._run.began_s -= wraps_after_s - 300  # it has been up for almost so long
        rig.fake.unplug()
        await trio.sleep(200)
        rig.fake.fault("eeprom")
        rig.fake.powercycle()  # which leaves it with an uptime of about nothing, and the same count
        await trio.sleep(100)
        rig.fake.replug()
        await trio.sleep(30)
        assert bool(rig.notices("board.reset")) == is_reset

    with_rig(main, "v4")
