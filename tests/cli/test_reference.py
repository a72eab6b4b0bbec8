"""The page of the options has all that the parsers have."""

import re

import pytest

from docs.make.commands import page
from wagman.cli.help import about
from wagman.cli.local import PROFILES, SITES
from wagman.cli.parser import COMMANDS
from wagman.demo.scenarios import SCENARIOS
from wagman.io.v3 import codec as v3
from wagman.io.v4 import driver as driver_v4
from wagman.simulation import profiles, sites
from wagman.simulation.asked import DEFAULT_PROFILE
from wagman.simulation.sites import DEFAULT_SITE


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_section(name: str) -> None:
    assert f"\n## `wagman {name}`\n" in page()


@pytest.mark.parametrize(
    "row",
    [
        "| `GUEST` | name, port number or all |",
        "| `-n N`, `--number N` | show at most N events (default: 50; with --since: all) |",
        "| `--dry-run` | only show what would be done |",
        r"| `--dialect v3\|v4` | the dialect of the fake Wagman, if the scenario has one (default: v3) |",
        r"| `bash\|zsh\|fish` | the shell that the script is for |",
        "| `--send SOCKET COMMAND` | send one control command to a running fake board, such as: halt gn |",
    ],
)
def test_arguments_are_shown_with_their_values_and_choices(row: str) -> None:
    assert row in page().splitlines()


def test_no_argument_is_left_unexplained() -> None:
    assert not [line for line in page().splitlines() if line.endswith("|  |")]


def test_every_profile_of_the_simulation_is_named_the_default_last() -> None:
    assert tuple(profiles.PROFILES) == PROFILES
    assert PROFILES[-1] == DEFAULT_PROFILE


def test_every_site_of_the_simulation_is_named_the_default_first() -> None:
    assert tuple(sites.SITES) == SITES
    assert SITES[0] == DEFAULT_SITE


def test_every_scenario_of_the_demonstration_is_named() -> None:
    (row,) = [line for line in page().splitlines() if line.startswith("| `--scenario")]
    assert all(re.search(rf"\b{name}\b", row) for name in SCENARIOS)


def test_every_raw_command_that_is_refused_is_named() -> None:
    named = re.findall(r"\((.*?); on a v4 board (.*?)\)", " ".join(about("board").split()))
    v3_words, v4_words = (set(re.split(", | and ", words)) for words in named[0])
    assert v3_words == v3._FIGHTING | {"log off"}
    assert v4_words == {name.lower() for name in driver_v4.FIGHTING}
