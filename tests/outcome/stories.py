"""A site under a policy, while a story happens that somebody wrote."""

from benchmarks.outcome.governed import Trial, run
from benchmarks.outcome.measuring import Measuring, Result
from benchmarks.outcome.policies import policies
from benchmarks.outcome.sites import MAST, NODE, Site
from wagman.simulation.script import length_s, parse

UP_S = 900.0
"""By then everybody is up."""


def told(site: str, policy: str, story: str, quiet: str = "30 min") -> Result:
    """What becomes of the guests; the time that is quiet follows the story."""
    config = Site(policy, site).config
    (chosen,) = (each for each in policies(config) if each.name == policy)
    script = parse(f"{UP_S} s; {story}")
    measuring = Measuring(config.guests, UP_S, length_s(script))
    return run(Trial(config, chosen, 1, [*script, *parse(quiet)]), measuring)


def on_mast(policy: str, story: str, quiet: str = "30 min") -> Result:
    """On a mast with plugs: ai, cam and nas."""
    return told(MAST, policy, story, quiet)


def on_node(policy: str, story: str, quiet: str = "30 min") -> Result:
    """On a Wagman node with gn and cs."""
    return told(NODE, policy, story, quiet)
