"""A start that is called off while its command leaves: what boots by it is not cut by the next start. Both machines together."""

import pytest
from attrs import define, evolve, field

from tests.fsm.guests import GUEST, SWITCH, Story
from wagman.config.schema import DeviceConfig
from wagman.fsm.guest.stopped import Stopped
from wagman.fsm.outlet import Off, On, Outlet, Step
from wagman.model.facts import RelayAsked, RelayOff, RelayOn, Supply


@define
class Both:
    """A guest that is off, and its outlet; the guest hears of the outlet's facts when it is told to."""

    config: DeviceConfig = GUEST
    story: Story = field(init=False)
    outlet: Outlet = field(init=False)
    unheard: list[object] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.story = Story(self.config, state=Stopped(cut=0, settled=True))
        self.outlet = evolve(Outlet.new(0.0, is_mute=False), state=Off(0, is_kept=True, proof="told"))
        self.story.wait(1000.0)

    def taken(self, step: Step) -> None:
        self.outlet = step.outlet
        self.unheard += step.facts

    def wants(self) -> None:
        """The outlet takes over what the guest wants."""
        self.taken(self.outlet.wanted(evolve(self.story.goal, taken=self.outlet.reports), self.story.now_s))

    def hears(self) -> None:
        """The guest takes what its outlet has told."""
        facts, self.unheard = self.unheard, []
        for fact in facts:
            assert isinstance(fact, RelayAsked | RelayOn | RelayOff)
            self.story.tell(fact)
        self.wants()


def called_off(config: DeviceConfig = GUEST) -> Both:
    """An operator's stop comes when the command to switch on has left, and before the guest has heard of that."""
    both = Both(config)
    both.story.ask("start")
    both.wants()
    both.taken(both.outlet.sending("on", both.story.now_s))
    assert both.story.ask("stop").reason == "its power was not on yet"
    both.wants()
    both.hears()
    both.story.wait(4)
    return both


@pytest.mark.parametrize("config", [GUEST, SWITCH])
@pytest.mark.parametrize("supply", ["on", "unknown", "off"])
def test_the_next_start_cuts_nothing_and_takes_over_what_boots(config: DeviceConfig, supply: Supply) -> None:
    both = called_off(config)
    both.story.ask("start")
    both.wants()
    assert both.outlet.due is not None
    assert both.outlet.due[0] == "on"
    both.taken(both.outlet.polled(both.story.now_s, supply))
    both.hears()
    if supply == "on":
        assert isinstance(both.outlet.state, On)
        assert both.story.name == ("starting" if config.has_heartbeat else "started")
        assert both.outlet.due is None
    else:
        assert both.outlet.due[0] == "on"


def test_one_that_is_to_boot_from_another_medium_gets_a_power_cycle_of_its_own() -> None:
    both = called_off()
    both.story.memory = evolve(both.story.memory, attempts=GUEST.allowed_attempts)
    both.story.turn()
    both.story.ask("start")
    both.story.ask("stop")
    assert both.story.memory.media == "emmc"
    both.story.memory = evolve(both.story.memory, attempts=GUEST.allowed_attempts, wanted="up")
    both.story.turn()
    assert (both.story.memory.media, both.story.memory.cycle) == ("sd", 2)
