"""What becomes of what the sources of a guest tell: which of it reaches the guest, its outlet, and the memory."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from wagman.config.load import loads
from wagman.io.ears.passive import Shared
from wagman.model.facts import Answered, Beat, Listened, PortFact, RelayOn
from wagman.service.ears import Hearings
from wagman.service.meter import METER

SITE = """
[board.rail]
kind = "shelly"
host = "rail"

[network.mast]
witness = { exec = ["true"] }

[device.gn]
port = 0
heartbeat = { http = "http://gn/health" }
still_on = { watts = 2.0 }
shutdown = ["halt-gn"]

[device.cs]
port = 1
heartbeat = [{ banner = "cs:22" }, { tcp = "cs:80" }]
shutdown = ["halt-cs"]
"""

WAGMAN = """
[network.mast]
witness = { exec = ["true"] }

[device.gn]
port = 1
heartbeat = [{ board = true }, { http = "http://gn/health" }]
shutdown = ["halt-gn"]
"""


@define
class Rig:
    """The hearings of a site, with guests of which only what they are told is there."""

    text: str = SITE
    told: list[tuple[str, PortFact]] = field(factory=list)
    stirred: list[tuple[str, float]] = field(factory=list)
    kept: dict[str, Any] = field(factory=dict)  # in the log
    noted: int = 0  # so often it was asked to be kept beside the log
    drawn: dict[str, float | None] = field(factory=dict)
    states: dict[str, Any] = field(factory=dict)
    hearings: Hearings = field(init=False)

    def __attrs_post_init__(self) -> None:
        config = loads(self.text, "site.toml")
        guests = {each.name: self.guest(each) for each in config.guests}
        journal: Any = SimpleNamespace(record=lambda _drafts, memory=None: self.kept.update(memory or {}))
        self.hearings = Hearings(
            config,
            guests,
            journal,
            stirs=lambda guest, at_s: self.stirred.append((guest.name, at_s)),
            watts=lambda guest: self.drawn.get(guest.name),
            shared=Shared(),
            noted=self.note,
        )

    def note(self) -> None:
        self.noted += 1

    def guest(self, config: Any) -> Any:
        state = self.states[config.name] = SimpleNamespace(name="started")
        return SimpleNamespace(config=config, state=state, tell=lambda fact: self.told.append((config.name, fact)))

    def ear(self, guest: str, number: int = 0) -> Any:
        """The source that an ear tells through."""
        return cast("Any", self.hearings.ears[guest][number].source)

    def silences(self, guest: str) -> list[Listened]:
        return [fact for name, fact in self.told if name == guest and isinstance(fact, Listened)]


def rig(text: str = SITE) -> Rig:
    async def make() -> Rig:
        await trio.lowlevel.checkpoint()
        return Rig(text)

    return trio.run(make, clock=MockClock())


def test_what_an_ear_hears_reaches_the_guest_and_is_evidence_for_its_outlet() -> None:
    site = rig()
    site.ear("gn").beat(Beat(100.0, "http"), 100.2)
    assert site.told == [("gn", Beat(100.0, "http"))]
    assert site.stirred == [("gn", 100.0)]


def test_what_the_board_hears_counts_only_where_the_guest_beats_on_the_board() -> None:
    plug, wagman = rig(), rig(WAGMAN)
    for site in (plug, wagman):
        site.hearings.from_board("gn", Beat(50.0))
        site.hearings.from_board("gn", RelayOn(1, 49.0))
    assert plug.told == [("gn", RelayOn(1, 49.0))]
    assert wagman.told == [("gn", Beat(50.0)), ("gn", RelayOn(1, 49.0))]


def test_a_guest_is_silent_only_where_all_its_sources_are() -> None:
    site = rig(WAGMAN)
    site.ear("gn").beat(Beat(100.0, "http"), 100.2)
    site.hearings.from_board("gn", Listened(160.0, 90.0))
    assert site.silences("gn") == []
    site.ear("gn").listened(Listened(150.0, 100.2))
    (silence,) = site.silences("gn")
    assert (silence.asked_at_s, silence.silent_since_s) == (150.0, 100.2)


def test_a_source_that_was_never_heard_proves_nothing_until_it_is_and_that_is_remembered() -> None:
    site = rig()
    site.ear("gn").listened(Listened(150.0, 0.0))
    assert site.silences("gn") == []
    site.ear("gn").beat(Beat(200.0, "http"), 200.0)
    assert site.kept == {"heard.gn": ["http http://gn/health"]}
    assert site.noted == 1
    assert site.hearings.ever_heard() == {"gn": ("http http://gn/health",)}
    site.ear("gn").listened(Listened(300.0, 200.0))
    assert len(site.silences("gn")) == 1


def test_what_was_heard_in_an_earlier_run_counts_and_another_address_is_another_source() -> None:
    site = rig()
    told = {"gn": ("http http://gn/health",), "cs": ("banner elsewhere:22",)}
    site.hearings.recall(told, told)
    assert [each["heard"] for each in site.hearings.shown("gn", 0.0)] == [True, False]
    assert [each["heard"] for each in site.hearings.shown("cs", 0.0)] == [False, False]
    site.ear("gn").listened(Listened(150.0, 0.0))
    assert len(site.silences("gn")) == 1
    assert (site.kept, site.noted) == ({}, 0)  # both places know


HTTP, WATTS = "http http://gn/health", METER


@pytest.mark.parametrize(
    ("in_log", "beside"),
    [({}, {"gn": (HTTP,)}), ({"gn": (HTTP,)}, {}), ({"gn": (WATTS,)}, {"gn": (HTTP,)}), ({"gn": (HTTP, WATTS)}, {"gn": (HTTP,)})],
    ids=["the log was lost", "the file was lost", "each knows another", "the file is older"],
)
def test_what_only_one_place_tells_counts_and_is_told_to_both(in_log: Any, beside: Any) -> None:
    site = rig()
    site.hearings.recall(in_log, beside)
    both = sorted({*in_log.get("gn", ()), *beside.get("gn", ())})
    assert site.hearings.ever_heard() == {"gn": tuple(both)}
    assert site.kept == {"heard.gn": both}
    assert site.noted == 1


def test_the_boards_own_input_is_wired_and_not_remembered() -> None:
    site = rig(WAGMAN)
    site.hearings.recall({}, {})
    assert (site.kept, site.noted, site.hearings.ever_heard()) == ({}, 0, {})


def test_a_meter_has_to_show_that_it_has_halted_before_it_counts_as_silent_and_gives_no_sign_of_life() -> None:
    site = rig()
    site.hearings.recall({"gn": ("http http://gn/health", METER)}, {})
    site.drawn["gn"] = 5.0
    site.hearings.from_board("gn", Answered(100.0, "on"))
    assert site.told == [("gn", Answered(100.0, "on"))]  # no beat
    site.ear("gn").listened(Listened(160.0, 90.0))
    assert len(site.silences("gn")) == 1  # it is not asked to halt: the meter does not matter
    site.states["gn"].name = "stopping"
    site.ear("gn").listened(Listened(170.0, 90.0))
    assert len(site.silences("gn")) == 1
    site.drawn["gn"] = 0.4
    site.hearings.from_board("gn", Answered(180.0, "on"))
    site.hearings.from_board("gn", Answered(190.0, "on"))
    site.ear("gn").listened(Listened(200.0, 90.0))
    assert site.silences("gn")[-1].silent_since_s == 180.0
    site.drawn["gn"] = None  # nobody knows what it draws
    before = len(site.silences("gn"))
    site.hearings.from_board("gn", Answered(210.0, "unknown"))
    site.ear("gn").listened(Listened(220.0, 90.0))
    assert len(site.silences("gn")) == before


def test_each_ear_each_network_and_what_ears_share_is_a_task_of_its_own() -> None:
    names = [name for name, _ in rig().hearings.tasks()]
    assert names == ["network.mast", "ear.gn.1", "ear.cs.1", "ear.cs.2"]
