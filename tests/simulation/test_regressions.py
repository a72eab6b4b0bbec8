"""Scripts that broke a promise once, each cut down to what it took."""

from itertools import product
from typing import Any

import pytest

from tests.simulation.node import run
from tests.simulation.stories import STORIES
from wagman.simulation.records import EventShown, RelayMoved

ONCE_BROKEN = {
    "it came up while the disk was slow, and ended because the log could not be read": (
        2,
        "20 min; service kill; disk slow 18; service start; 5 min; all well; settled",
    ),
    "a relay that came on by itself is reported as disabled, and its guest was cut": (
        1,
        "20 min; gn: stop; 5 min; guest gn halt=300; board fault power 1 on; 10 min; all well; settled",
    ),
    "a board that forgot its boot count and started a stopped guest was taken for one that keeps it off, and it was cut": (
        1,
        "20 min; gn: stop; 5 min; service kill; board fault eeprom; board reset; 120 s; service start; 10 min; all well; settled",
    ),
    "the same, seen by the first poll after the service came up": (
        1,
        "20 min; gn: stop; 5 min; service kill; board fault eeprom; board reset; 140 s; service start; 10 min; all well; settled",
    ),
    "a relay that came on by itself was shown as off for as long as the guest did not beat": (
        1,
        "20 min; gn: stop; 5 min; guest gn boot=3000; board fault power 1 on; 10 min; all well; settled",
    ),
    "it was frozen while a guest halted, the board started the guest anew, and the stop time-out cut that": (
        1,
        "20 min; gn: stop; 5 s; service freeze 7200; 20 min; all well; settled",
    ),
    "the same with the cable out": (
        1,
        "20 min; gn: stop; 30 s; cable out; 2 h; cable in; 20 min; all well; settled",
    ),
    "its log could be opened late only, and a guest that was disabled was enabled from then on": (
        1,
        "20 min; gn: disable; 5 min; service kill; disk full; service start; 5 min; disk ok; 10 min; all well; settled",
    ),
    "the same with a guest that was stopped": (
        1,
        "20 min; gn: stop; 5 min; service kill; disk full; service start; 5 min; disk ok; 10 min; all well; settled",
    ),
    "what was decided in a log that was opened late is not what counts if an operator has spoken since": (
        1,
        "20 min; gn: stop; 5 min; service kill; disk full; service start; 1 min; gn: start; 4 min; disk ok; all well; settled",
    ),
    "its disk was slow, and a power cycle decided before it was told that the guest runs again cut it": (
        1,
        "20 min; guest gn ignore=1; gn: restart; disk slow 23.6; cable out; board fault brownout; 560 s; cable in; 5 min",
    ),
    "a start that nobody heard of moved the controller's selector, and it was not put back": (
        1,
        "20 min; x1: stop; 5 min; x1: start; 0.3 s; board fault silent on; 3 s; board fault silent off; 3 min; all well; settled",
    ),
    "a stop overtook a start while the disk was slow, and a guest that never beat kept the power that it had got meanwhile": (
        1,
        (
            f"20 min; gn: stop; 5 min; guest gn good=; disk slow 5; {6 * 'gn: start; 0.1 s; gn: stop; 30 s; '}"
            "disk ok; all well; settled"
        ),
    ),
    "it was away while the board started all guests after a restart, its meters were dead, and the longest silent one was cut": (
        1,
        "20 min; board fault sensor cu dead; service kill; board reset; 10 min; guest gn hang; 1 min; service start; 5 min",
    ),
    "its last beat was old when it was heard, and it was shown as started for as long as if it had just beaten": (
        1,
        (
            "20 min; service stop; disk wiped; disk undecided; 1 s; service start; 25 s; board fault silent on; 62 s; "
            "board fault power 1 off; 8 min; board fault silent off; 9 min; all well; settled"
        ),
    ),
    "a relay came on by itself while its guest was to be kept off anew, and was neither reported nor switched off": (
        1,
        "20 min; gn: stop; 5 min; guest gn good=; board reset; 30 s; board fault power 1 on; 5 min; all well; settled",
    ),
}


@pytest.mark.parametrize(("seed", "script"), ONCE_BROKEN.values(), ids=ONCE_BROKEN)
def test_a_promise_that_was_broken_once_holds(seed: int, script: str) -> None:
    assert run(script, seed=seed).violation is None


ON_A_WAGMAN = {
    "nobody saw the board start a guest anew that had been asked to halt; it halted, and that was taken for what was asked": (
        "7 min; cable out; gn: stop; 24 min; service kill; service start; 39 min; guest gn halt; 83 s; cable in; 10 min; settled"
    ),
    "the board started a guest as the adopt window ended, and the answer from before that was taken for what is": (
        "9.5 s; board fault brownout; 5 min; all well; settled"
    ),
}


@pytest.mark.parametrize("script", ON_A_WAGMAN.values(), ids=ON_A_WAGMAN)
def test_a_promise_that_was_broken_once_on_a_wagman_holds(script: str) -> None:
    assert run(script, seed=40221, named="one").violation is None


ON_PLUGS = {
    "a rail showed off for a while after its guest had come up, which was taken for a loss of power, and the guest was cut": (
        "10 min; board rail fault stale on; ai: restart; 300 s"
    ),
    "a rail had restarted while the service was away, and the guests that booted with it were cut": (
        "330 s; service kill; board rail restart warm; service start; 5 min"
    ),
    "decisions made while neither the log nor the file beside it could be read counted less than older ones in that log": (
        "20 min; pump: stop; 3 min; pump: start; 1 min; pump: stop; 2 min; service stop; disk barred log; disk undecided; 1 s; "
        "service start; 3 min; pump: start; 2 min; service kill; 1 s; all well; settled"
    ),
    "a rail restarted unseen, and the silence of a guest that booted with it was taken for that of one that hangs": (
        "20 min; cable rail out; guest ai beat=0; 2 min; board rail restart cold; 4 min; cable rail in; 10 min; all well; settled"
    ),
}


@pytest.mark.parametrize("named", ["plugs", "mixed"])
@pytest.mark.parametrize("script", ON_PLUGS.values(), ids=ON_PLUGS)
def test_a_promise_that_was_broken_once_on_plugs_holds(script: str, named: str) -> None:
    assert run(script, named=named).violation is None


OF_NOBODYS_DOING = {
    "a rail switched the outlet beside the right one off, and that is the way to the rail itself": (
        "10 min; lte: restart; 5 min; board rail fault neighbour on; ai: kill; 10 min"
    ),
    "the contact of a way was stuck open while it was off for a moment": (
        "10 min; lte: restart; 3 s; board rail fault weld 1 on; 10 min; "
        "board rail fault power 1 off; 1 min; board rail fault weld 1 off; 10 min"
    ),
    "the service was frozen while a rail had a way off for a moment": ("10 min; lte: restart; 3 s; service freeze 1341; 10 min"),
    "a contact that was stuck open came free when the time for the start was over, and nothing shows a contact": (
        "10 min; nas: stop; 5 min; board shed fault weld 1 on; nas: start; 121 s; board shed fault weld 1 off; 10 min"
    ),
    "a guest hung, and its rail restarted just before that was sure, which nobody knows before the next look at the rail": (
        "20 min; guest ai hang; 294 s; board rail restart cold; 10 min"
    ),
    "a contact that was stuck open came free while the guest, which may have come up unheard, was given its time to halt": (
        "10 min; nas: stop; 5 min; board shed fault weld 1 on; nas: start; 10 s; network out; 200 s; network in; 175 s; "
        "board shed fault weld 1 off; 10 min"
    ),
    "all of its state belonged to somebody else until it went on without it, and then the log was replaced": (
        "10 min; nas: disable; 5 min; service kill; disk barred all; service start; 3610 s; service stop; disk foreign; "
        "all well; 70 min"
    ),
    "an older file of decisions was put back, and then the log replaced, which no run had been able to read in between": (
        "20 min; service stop; disk copied; 1 s; service start; 5 min; nas: disable; 5 min; service stop; disk barred log; "
        "disk restored beside; 1 s; service start; 5 min; service kill; disk newer; 1 s; service start; 10 min; all well; 20 min"
    ),
    "a table moved to an outlet that came on by the pulse of the guest before": (
        "10 min; nas: disable; 10 min; lte: restart; 2 s; service kill; "
        """config move lte "shed" "1"; config move nas "rail" "1"; service start; 10 min"""
    ),
}
"""On a node where a guest leads to the boards: each was taken for the doing of the service, which could not know or help it."""


@pytest.mark.parametrize("script", OF_NOBODYS_DOING.values(), ids=OF_NOBODYS_DOING)
def test_what_the_service_cannot_know_or_help_breaks_no_promise(script: str) -> None:
    assert run(script, named="ways").violation is None


IN_ORDER = {
    "what a guest comes after is off, and stays off, because the service cannot read what was decided about it": (
        "20 min; gn: stop; 5 min; service kill; board fault eeprom; board powercycle; disk full; service start; 4 min; "
        "gn: start; 3 min"
    ),
    "an operator says of a guest that it was heard, and its power is off": (
        """20 min; config set device.cs.start_timeout_max "20min"; config set device.cs.start_timeout "15min"; """
        "cs: kill; 7 min; board fault relay 2 stuck; cs: start; 5 s; board fault relay 2 ok; 200 s; cs: heartbeat; 20 s"
    ),
}


@pytest.mark.parametrize("script", IN_ORDER.values(), ids=IN_ORDER)
def test_what_the_service_goes_by_and_says_so_breaks_no_promise(script: str) -> None:
    assert run(script, named="ordered").violation is None


def test_a_kill_that_an_older_log_still_has_to_carry_out_does_not_cut_a_guest_that_was_started_since() -> None:
    cuts: list[float] = []

    def watch(record: Any) -> None:
        if isinstance(record, RelayMoved) and record.plug.port == 3 and not record.on:
            cuts.append(record.at_s)

    script = (
        "20 min; cable out; x1: kill; 1 min; service stop; disk copied; 1 s; service start; 1 min; cable in; 5 min; "
        "x1: start; 5 min; service stop; disk restored; 1 s; service start; 5 min; all well; settled"
    )
    assert run(script, watch, named="one").violation is None
    assert cuts == [pytest.approx(1328, abs=5)]  # the kill itself, once the cable is back


def test_a_guest_that_hung_before_its_ear_had_ever_heard_it_is_left_alone() -> None:
    script = "182 s; service stop; 188 s; guest cam good=; guest cam hang; 5 min; service start; 10 min; all well; settled"
    assert run(script, named="mixed").violation is None


def test_a_guest_that_an_older_log_has_as_asked_is_asked_before_its_stop_time_out_cuts_it() -> None:
    script = (
        "20 min; ai: restart; 20 s; service stop; disk copied; 1 s; service start; 2 min; network out; 1 min; "
        "service stop; disk restored; 1 s; service start; 15 min; network in; all well; settled"
    )
    assert run(script, named="plugs").violation is None


@pytest.mark.parametrize("after_s", [75, 76])
def test_power_that_comes_back_before_the_first_look_is_taken_for_an_off_that_was_not_done(after_s: int) -> None:
    script = f"10 min; cam: stop; {after_s} s; board rail fault power 1 on; 2 min; all well; settled"
    assert run(script, named="plugs").violation is None


ASKED_FOR_BEFORE = {
    "a rail carried a command out late, when the service that came up meanwhile had just asked the guest to halt once more": (
        "20 min; board rail fault late on; ai: stop; 80 s; service stop; 1 s; service start; 5 min; all well; settled"
    ),
    "a kill that did not reach the board was carried out after its table had left the configuration and come back": (
        "20 min; cable rail out; 30 s; cam: kill; 10 s; service stop; config drop cam; service start; 2 min; "
        "service stop; config well; service start; 1 min; cable rail in; 10 min"
    ),
}


@pytest.mark.parametrize("script", ASKED_FOR_BEFORE.values(), ids=ASKED_FOR_BEFORE)
def test_what_was_rightly_asked_for_and_is_done_late_breaks_no_promise(script: str) -> None:
    assert run(script, named="mixed").violation is None


CAME_UP_UNHEARD = [
    "a guest that comes up while nobody can hear it",
    "the same guest, switched on by the board",
    "the same guest, not wanted any more",
    "the same guest, and a service that was away",
]


@pytest.mark.parametrize(
    ("story", "dialect"),
    [
        *product(CAME_UP_UNHEARD, ("v3", "v4")),
        ("the same guest, whose relay nobody saw go on", "v3"),
        ("the same guest, whose relay went on later, as that of a v4 board does", "v4"),
    ],
)
def test_a_guest_that_came_up_while_nobody_could_hear_it_is_asked_to_halt_before_its_start_is_given_up(
    story: str, dialect: str
) -> None:
    """Its beats ended before anybody listened again, but it runs on."""
    cuts: list[Any] = []

    def watch(record: Any) -> None:
        if isinstance(record, RelayMoved) and record.plug.port == 1 and not record.on and record.at_s > 1500:
            cuts.append(record.guest)

    assert run(STORIES[story], watch, dialect=dialect).violation is None
    assert cuts[0] == "halted"


@pytest.mark.parametrize("up_s", [20, 30, 45])
@pytest.mark.parametrize("guest", ["cam", "pump"])
def test_a_rail_that_shows_what_was_before_a_start_has_no_later_run_cut_the_guest(guest: str, up_s: int) -> None:
    script = (
        f"20 min; {guest}: stop; 3 min; board rail fault stale on; {guest}: start; {up_s} s; service kill; 1 s; service start; "
        "3 min; all well; settled"
    )
    assert run(script, named="plugs").violation is None


@pytest.mark.parametrize("port", ["1", "2"])  # of a guest that is heard, and of one that is not
def test_a_guest_that_lost_its_power_while_the_service_was_away_has_it_again(port: str) -> None:
    script = f"20 min; service stop; 10 s; board rail fault power {port} off; 10 s; service start; 5 min; all well; settled"
    came_on: list[float] = []

    def watch(record: Any) -> None:
        if isinstance(record, RelayMoved) and record.plug.port == port and record.on and record.by == "command":
            came_on.append(record.at_s)

    assert run(script, watch, named="plugs").violation is None
    assert 1220 <= came_on[-1] <= 1280


def test_a_guest_that_an_older_log_has_halting_and_is_off_by_now_gets_no_power_again() -> None:
    script = (
        "20 min; guest cam ignore=1; cam: stop; 10 s; service stop; disk copied; 1 s; service start; 15 min; "
        "service stop; disk restored; 1 s; service start; 5 min; all well; settled"
    )
    assert run(script, named="plugs").violation is None


def test_a_start_that_an_older_log_has_under_way_gives_no_power_to_a_guest_that_was_disabled_since() -> None:
    script = (
        "20 min; cam: stop; 3 min; cam: start; 1 s; service stop; disk copied; 1 s; service start; 30 s; cam: kill; "
        "cam: disable; 2 min; service stop; disk restored; 1 s; service start; 5 min; all well; settled"
    )
    assert run(script, named="plugs").violation is None


def test_a_start_that_was_given_up_in_an_older_log_gives_no_power_to_a_guest_that_was_disabled_since() -> None:
    script = (
        "20 min; cam: stop; 3 min; cam: start; 1 s; cam: stop; 0.2 s; service kill; disk copied; 1 s; service start; 30 s; "
        "cam: kill; cam: disable; 2 min; service stop; disk restored; 1 s; service start; 5 min; all well; settled"
    )
    assert run(script, named="plugs").violation is None


def test_a_guest_that_is_to_halt_after_another_one_and_is_off_by_now_gets_no_power_again() -> None:
    script = (
        """20 min; config set device.cam.after ["nas"]; 1 min; service stop; disk copied; 1 s; service start; 2 min; """
        "nas: disable; cam: disable; 10 min; service stop; disk restored; 1 s; service start; 10 min; all well; settled"
    )
    assert run(script, named="plugs").violation is None


def test_a_guest_that_lost_its_power_while_the_service_was_away_gets_none_in_the_heat() -> None:
    script = (
        """20 min; config set wagman.hibernate_interval "150s"; config set wagman.stagger "100s"; 1 min; board wagman temp 80; """
        "100 s; service kill; board rail fault power 0 off; board rail fault power 1 off; 5 s; service start; 20 min"
    )
    assert run(script, named="mixed").violation is None


def test_a_guest_whose_power_is_made_sure_of_has_the_time_to_boot() -> None:
    script = (
        """20 min; config set device.cam.heartbeat_timeout "90s"; guest cam boot=100; service stop; 10 s; """
        "board rail fault power 1 off; 10 s; service start; 10 min; all well; settled"
    )
    told: list[str] = []

    def watch(record: Any) -> None:
        if isinstance(record, EventShown) and record.event.device == "cam":
            told.append(record.event.type.removeprefix("device."))

    assert run(script, watch, named="plugs").violation is None
    assert told[-1] == "power_doubted"


def test_a_start_whose_power_is_made_sure_of_has_all_of_its_time() -> None:
    script = (
        "20 min; cam: stop; 3 min; guest cam boot=110; cam: start; 90 s; service stop; board rail fault power 1 off; 5 s; "
        "service start; 20 min; all well; settled"
    )
    told: list[str] = []

    def watch(record: Any) -> None:
        if isinstance(record, EventShown) and record.event.device == "cam":
            told.append(record.event.type.removeprefix("device."))

    assert run(script, watch, named="plugs").violation is None
    assert told[-3:] == ["power_doubted", "started", "stable"]


@pytest.mark.parametrize(
    ("script", "guest"),
    [
        ("20 min; cam: stop; 3 min; board rail fault notdone on; cam: start; 20 min", "cam"),
        (
            "20 min; service stop; 10 s; board rail fault power 2 off; board rail fault notdone on; 10 s; service start; 20 min",
            "pump",
        ),
    ],
)
def test_a_plug_that_says_yes_and_never_switches_on_is_a_problem(script: str, guest: str) -> None:
    told: list[str] = []

    def watch(record: Any) -> None:
        if isinstance(record, EventShown) and record.event.type == "problem.began":
            told.append(record.event.fields["id"])

    assert run(script, watch, named="plugs").violation is None
    assert told == ["memory", f"relay_dead:{guest}"]  # the first for want of a saved state, at the beginning


def test_a_guest_that_is_heard_though_its_outlet_is_off_has_lost_no_power_and_is_a_problem() -> None:
    told: list[str] = []

    def watch(record: Any) -> None:
        if isinstance(record, EventShown) and (record.event.device == "nas" or record.event.type.startswith("problem.")):
            told.append(record.event.fields.get("id", record.event.type))

    script = "20 min; board shed fault weld 1 on; message lost; nas: kill; 30 min"
    assert run(script, watch, named="plugs").violation is None
    after = told[told.index("command.kill") :]
    assert "device.power_lost" not in after
    assert after.count("heard_off:nas") == 1
    assert after.count("device.stop_failed") == 2  # it is asked for all of its time, each time


def test_a_rail_that_is_met_for_the_first_time_may_have_restarted_since_an_off_was_decided_for_silence() -> None:
    script = (
        "20 min; service stop; disk wiped; disk undecided; board rail fault stranger on; 1 s; service start; 5 min; "
        "guest cam hang; 8 min; network out; board rail restart cold; 60 s; all well; 20 min"
    )
    assert run(script, named="plugs").violation is None
