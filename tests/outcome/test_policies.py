"""Each policy does what a competent person would have it do, and no more."""

import pytest

from benchmarks.outcome.policies import policies
from benchmarks.outcome.sites import SITES
from tests.outcome.stories import on_mast, on_node

RECIPES = ["ping", "ping, witness", "page, witness"]
WITNESSED = RECIPES[1:]
PLUGGED = ["nothing", *RECIPES, "wagman"]


def test_at_each_site_the_same_are_compared_but_for_what_the_board_does_by_itself() -> None:
    mast, node = ([policy.name for policy in policies(site.config)] for site in SITES)
    assert mast == PLUGGED
    assert node == ["the board alone", *mast[1:]]


# --- An outage of the network -----------------------------------------------------------------------------------------

OUTAGE = "network out; 30 min; network in"


def test_a_ping_takes_a_network_that_is_down_for_dead_guests_and_cuts_all_of_them() -> None:
    result = on_mast("ping", OUTAGE)
    assert result.hard_cuts == result.outage_cuts == result.cycles == 6  # three guests, and again when ten minutes were over
    assert result.up < 0.95


@pytest.mark.parametrize("policy", ["nothing", *WITNESSED, "wagman"])
def test_with_a_witness_nobody_is_cut_in_an_outage_nor_by_wagman(policy: str) -> None:
    result = on_mast(policy, OUTAGE)
    assert (result.cycles, result.up) == (0, 1.0)


def test_a_rail_that_has_lost_its_own_network_cuts_whom_it_pings() -> None:
    assert on_mast("ping", "cable out; 30 min; cable in").outage_cuts == 6


@pytest.mark.parametrize("policy", [*WITNESSED, "wagman"])
def test_with_a_witness_a_rail_that_has_lost_its_own_network_cuts_nobody(policy: str) -> None:
    assert on_mast(policy, "cable out; 30 min; cable in").cycles == 0


def test_the_recipe_cuts_at_most_three_times_in_one_outage() -> None:
    assert on_mast("ping", "network out; 3 h; network in").cycles == 9


def test_two_failures_are_not_yet_three() -> None:
    assert on_mast("ping", "network out; 110 s; network in").cycles == 0


# --- Guests that hang -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["nothing", "ping", "ping, witness"])
def test_programs_that_hang_are_not_noticed_by_a_ping(policy: str) -> None:
    result = on_mast(policy, "guest ai hang; 60 min")
    assert result.cycles == 0
    assert result.dead_h == pytest.approx(0.5, abs=0.01)


def test_a_page_shows_that_programs_hang() -> None:
    result = on_mast("page, witness", "guest ai hang; 60 min")
    (lasted_s,) = result.hangs_s
    assert 120 + 120 + 30 <= lasted_s <= 3 * 62 + 120 + 30 + 20  # three failures, two minutes off, the boot; a look
    assert (result.hard_cuts, result.dead_h) == (0, 0.0)


def test_wagman_takes_longer_for_a_hang_than_the_recipe() -> None:
    (lasted_s,) = on_mast("wagman", "guest ai hang; 60 min").hangs_s
    assert 300 + 60 + 30 <= lasted_s <= 300 + 60 + 180  # the silence, the time to halt, the boot; the pauses in between


@pytest.mark.parametrize("policy", RECIPES)
def test_a_ping_shows_that_a_kernel_hangs(policy: str) -> None:
    (lasted_s,) = on_mast(policy, "guest cam panic; 60 min").hangs_s
    assert lasted_s < 6 * 60


# --- Guests that run, and are not heard -------------------------------------------------------------------------------

MUTE = "guest ai beat=0; 8 min; guest ai beat=8"


def test_the_recipe_cuts_a_computer_that_runs_where_its_page_is_away() -> None:
    result = on_mast("page, witness", MUTE)
    assert (result.cycles, result.hard_cuts, result.outage_cuts) == (1, 1, 0)


def test_wagman_asks_it_to_halt_first() -> None:
    result = on_mast("wagman", MUTE)
    assert (result.cycles, result.hard_cuts) == (1, 0)


def test_wagman_cuts_a_boot_that_takes_longer_than_it_is_told_and_the_recipe_does_not() -> None:
    story = "guest ai boot=400; guest ai hang; 60 min"
    assert on_mast("wagman", story).hard_cuts == 2
    assert on_mast("page, witness", story).hard_cuts == 0


# --- Boots that fail --------------------------------------------------------------------------------------------------


def test_the_recipe_gives_up_after_three_times_and_wagman_does_not() -> None:
    story = "guest ai good=; guest ai hang; 3 h; guest ai good=emmc+sd"
    recipe, wagman = (on_mast(policy, story, "90 min") for policy in ("page, witness", "wagman"))
    assert recipe.cycles == 3
    assert recipe.dead_h == pytest.approx(1.5, abs=0.01)
    assert wagman.cycles > 3
    assert wagman.dead_h < 1.0


def test_the_recipe_may_cut_three_times_again_a_day_later() -> None:
    story = "guest ai good=; guest ai hang; 3 h; guest ai good=emmc+sd"
    assert on_mast("page, witness", story, "24 h").cycles == 4


def test_a_unit_that_restarts_forgets_how_often_it_has_cut() -> None:
    story = "guest ai good=; guest ai hang; 2 h; board restart warm; 2 h"
    assert on_mast("page, witness", story).cycles == 6


def test_a_unit_that_restarts_in_the_middle_of_a_cycle_leaves_nobody_without_power() -> None:
    result = on_mast("page, witness", "guest ai hang; 200 s; board restart cold; 5 min")
    assert result.dead_h == 0.0


# --- A Wagman ---------------------------------------------------------------------------------------------------------


def test_the_board_alone_starts_a_guest_anew_that_was_silent_for_an_hour() -> None:
    result = on_node("the board alone", "guest gn hang; 90 min")
    (lasted_s,) = result.hangs_s
    assert 3600 <= lasted_s <= 3600 + 60 + 60 + 30 + 30  # the grace, the pause before a start, the boot
    assert (result.cycles, result.hard_cuts) == (1, 0)


def test_the_recipe_switches_a_wagman_by_its_commands() -> None:
    result = on_node("page, witness", "guest gn hang; 60 min")
    (lasted_s,) = result.hangs_s
    assert lasted_s < 6 * 60
    assert (result.cycles, result.hard_cuts) == (1, 0)


def test_a_command_that_the_cable_loses_is_given_again() -> None:
    (lasted_s,) = on_node("ping", "cable out; guest gn panic; 30 min; cable in").hangs_s
    assert 30 * 60 < lasted_s < 34 * 60


@pytest.mark.parametrize("policy", ["the board alone", *RECIPES, "wagman"])
def test_a_cable_that_is_pulled_cuts_nobody(policy: str) -> None:
    result = on_node(policy, "cable out; 2 h; cable in")
    assert (result.cycles, result.up) == (0, 1.0)


def test_only_wagman_boots_from_the_other_medium_soon() -> None:
    story = "guest gn good=sd; guest gn hang; 3 h"
    (alone_s,), (recipe_s,), (wagman_s,) = (
        on_node(policy, story, "3 h").hangs_s for policy in ("the board alone", "page, witness", "wagman")
    )
    assert wagman_s < 60 * 60 < alone_s
    assert wagman_s < recipe_s
