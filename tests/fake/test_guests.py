"""Guests: their states follow from times, their pins are arithmetic."""

import itertools
import math
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wagman.fake.guests import SAMPLE_S, EdgeTrain, Guest, GuestSpec, GuestSpecError
from wagman.fake.hardware import HeartbeatInput

seconds = st.floats(0.3, 500, allow_nan=False)


def powered(spec: GuestSpec, medium: str | None = None) -> Guest:
    guest = Guest("gn", spec)
    guest.power_on(100.0, medium)
    return guest


def beats(guest: Guest, until_s: float) -> list[float]:
    """What a board that looks all the time would count."""
    pin, found = HeartbeatInput(guest), []
    while (due_s := pin.due_s()) <= until_s:
        assert pin.take_beat(due_s)
        found.append(due_s)
    return found


@given(seconds, seconds, st.floats(0, 1e9))
def test_the_number_of_changes_and_their_times_are_each_others_inverse(
    first_step_s: float, step_s: float, start_s: float
) -> None:
    train = EdgeTrain(start_s, first_step_s, step_s)
    for number in (1, 2, 7, 8, 9, 10, 50):
        at_s = train.time_of(number)
        assert train.count(at_s) == number
        assert train.count(at_s - 0.01) == number - 1


@given(seconds, st.floats(0, 100))
def test_a_train_ends(step_s: float, end_s: float) -> None:
    train = EdgeTrain(0.0, step_s, step_s, end_s)
    total = train.count(1e9)
    assert train.time_of(total + 2) == math.inf
    assert total * step_s <= end_s + 2e-6


@given(st.floats(2.2, 600), st.floats(2.2, 120))
def test_boot_is_the_time_from_power_to_the_first_beat_and_beat_the_time_between_beats(boot_s: float, beat_s: float) -> None:
    found = beats(powered(GuestSpec(boot_s=boot_s, beat_s=beat_s)), 100 + boot_s + 10 * beat_s)
    assert found[0] - 100 == pytest.approx(boot_s, abs=SAMPLE_S + 1e-6)
    assert [after - before for before, after in itertools.pairwise(found)] == pytest.approx(
        [beat_s] * (len(found) - 1), abs=SAMPLE_S + 1e-6
    )
    assert len(found) >= 10


def test_a_guest_that_never_beats_still_boots() -> None:
    guest = powered(GuestSpec(boot_s=5, beat_s=0))
    assert beats(guest, 10_000) == []
    assert [guest.state(at_s) for at_s in (104, 106)] == ["booting", "running"]


@pytest.mark.parametrize(
    ("good", "medium", "state"),
    [
        (("emmc",), "emmc", "running"),
        (("emmc",), "sd", "dead"),
        (("sd",), None, "running"),
        ((), None, "dead"),
        ((), "sd", "dead"),
    ],
)
def test_a_guest_boots_only_from_a_good_medium(good: tuple[str, ...], medium: str | None, state: str) -> None:
    guest = powered(GuestSpec(boot_s=5, good=good), medium)
    assert guest.state(200) == state
    assert bool(beats(guest, 200)) == (state == "running")


def test_a_clean_halt_takes_its_time_beats_until_its_end_and_leaves_little_current() -> None:
    guest = powered(GuestSpec(boot_s=10, beat_s=4, halt_s=30))
    assert guest.halt(200)
    assert [guest.state(at_s) for at_s in (200, 229, 230)] == ["halting", "halting", "halted"]
    assert 225 < beats(guest, 1000)[-1] <= 230 + SAMPLE_S
    assert guest.current_ma(240) < 120 < guest.current_ma(220)
    assert guest.power_off(250) == "halted"
    assert guest.dirty_cuts == 0


@pytest.mark.parametrize(("hush_s", "last_s"), [(0, 230), (20, 210), (30, 200), (500, 200)])
def test_the_beats_of_a_guest_may_end_long_before_it_has_halted(hush_s: float, last_s: float) -> None:
    guest = powered(GuestSpec(boot_s=10, beat_s=4, halt_s=30, hush_s=hush_s))
    assert guest.halt(200)
    assert [guest.state(at_s) for at_s in (200, 229, 230)] == ["halting", "halting", "halted"]
    assert last_s - 4 < beats(guest, 1000)[-1] <= last_s + SAMPLE_S
    assert guest.power_off(229) == "halting"


@pytest.mark.parametrize("at_s", [105, 200, 215])
def test_a_cut_while_booting_running_or_halting_is_dirty(at_s: float) -> None:
    guest = powered(GuestSpec(boot_s=10, halt_s=30))
    if at_s > 210:
        guest.halt(210)
    guest.power_off(at_s)
    assert guest.dirty_cuts == 1
    assert guest.state(at_s) == "off"


def test_a_cut_of_a_guest_that_found_no_medium_is_not_dirty() -> None:
    guest = powered(GuestSpec(good=()))
    guest.power_off(200)
    assert guest.dirty_cuts == 0


def test_a_deaf_guest_hears_the_shutdown_and_runs_on() -> None:
    guest = powered(GuestSpec(boot_s=10, ignore=True))
    assert guest.halt(200)
    assert guest.state(10_000) == "running"


@pytest.mark.parametrize("when", ["off", "booting", "hung", "halted"])
def test_nobody_listens_to_a_shutdown_then(when: str) -> None:
    guest = Guest("gn", GuestSpec(boot_s=10, halt_s=1))
    if when != "off":
        guest.power_on(100, None)
    if when == "hung":
        guest.hang(120)
    if when == "halted":
        guest.halt(120)
    at_s = 105 if when == "booting" else 150
    assert guest.state(at_s) == when
    assert not guest.halt(at_s)


def test_a_hang_ends_all_beats_until_a_revival() -> None:
    guest = powered(GuestSpec(boot_s=10, beat_s=4))
    assert guest.hang(200)
    assert not guest.hang(201)
    assert guest.edges(1000) == guest.edges(200)
    assert guest.revive(1000)
    assert guest.state(1000) == "running"
    assert guest.edges(1004.1) == guest.edges(1000) + 8


def test_a_kernel_answers_where_programs_hang_unless_it_hangs_too() -> None:
    guest = powered(GuestSpec(boot_s=10))
    assert [guest.pings(at_s) for at_s in (105, 110)] == [False, True]
    guest.hang(200)
    assert guest.pings(201)
    guest.revive(300)
    assert guest.panic(400)
    assert guest.state(401) == "hung"
    assert not guest.pings(401)
    assert not guest.panic(402)
    guest.revive(500)
    assert guest.pings(501)


def test_a_guest_whose_kernel_hung_answers_again_after_its_next_boot() -> None:
    guest = powered(GuestSpec(boot_s=10))
    guest.panic(200)
    guest.power_off(300)
    assert not guest.pings(301)
    guest.power_on(310, None)
    guest.hang(400)
    assert guest.pings(401)


def test_a_guest_that_hangs_cannot_hang_any_more() -> None:
    guest = powered(GuestSpec(boot_s=10))
    guest.hang(200)
    assert not guest.panic(201)
    assert guest.pings(202)


def test_a_halted_guest_boots_again_when_revived_and_a_running_one_does_not_care() -> None:
    guest = powered(GuestSpec(boot_s=10, halt_s=1))
    assert not guest.revive(150)
    guest.halt(200)
    assert guest.revive(300)
    assert [guest.state(at_s) for at_s in (305, 311)] == ["booting", "running"]


def test_a_flapping_guest_hangs_after_each_boot() -> None:
    guest = powered(GuestSpec(boot_s=10, beat_s=4, flap_s=60))
    assert [guest.state(at_s) for at_s in (169, 170)] == ["running", "hung"]
    guest.power_off(200)
    guest.power_on(300, None)
    assert [guest.state(at_s) for at_s in (369, 370)] == ["running", "hung"]


def test_a_guest_that_hangs_before_its_halt_is_done_is_hung() -> None:
    guest = powered(GuestSpec(boot_s=10, halt_s=30, flap_s=60))
    guest.halt(160)
    assert guest.state(500) == "hung"


def test_a_changed_beat_counts_at_once_and_a_changed_boot_at_the_next() -> None:
    guest = powered(GuestSpec(boot_s=10, beat_s=8))
    guest.change(200, guest.spec.changed("beat=4,boot=50"))
    assert guest.edges(204.1) == guest.edges(200) + 8
    guest.power_off(300)
    guest.power_on(400, None)
    assert guest.state(449) == "booting"


@pytest.mark.parametrize(("beat", "beats"), [("beat=0", 0), ("beat=4", 6)])
def test_a_guest_that_boots_beats_as_it_was_told_meanwhile(beat: str, beats: int) -> None:
    guest = Guest("gn", GuestSpec(boot_s=60, beat_s=8))
    guest.power_on(0, None)
    guest.change(20, guest.spec.changed(beat))
    assert guest.edges(20) == 0
    assert guest.beats(81) == beats


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["on", "off", "hang", "panic", "revive", "halt", "beat=0", "beat=4", "beat=8"]), st.floats(0.1, 60)
        ),
        max_size=20,
    )
)
def test_edges_never_decrease_whatever_happens(story: list[tuple[str, float]]) -> None:
    guest, now_s, seen = Guest("gn", GuestSpec(boot_s=5)), 0.0, 0
    for what, pause_s in story:
        if what == "on" and guest.state(now_s) == "off":
            guest.power_on(now_s, None)
        elif what == "off" and guest.state(now_s) != "off":
            guest.power_off(now_s)
        elif "=" in what:
            guest.change(now_s, guest.spec.changed(what))
        elif what in {"hang", "panic", "revive", "halt"}:
            getattr(guest, what)(now_s)
        now_s += pause_s
        assert guest.edges(now_s) >= seen
        seen = guest.edges(now_s)
        next_s = guest.edge_at_s(seen + 1)
        assert next_s > now_s - 1e-6
        if next_s < math.inf:
            assert guest.edges(next_s) == seen + 1


@given(
    st.lists(st.tuples(st.sampled_from(["hang", "revive", "beat=4", "beat=8"]), st.floats(0.1, 60)), max_size=20),
)
@example(
    # The last change falls on the moment it hangs, but for the rounding of their sums.
    [("hang", pause_s) for pause_s in (1.0, 1.0, 40.30747736902063, 59.14498588082472, 59.82342651242075, 31.770784767637142)]
    + [("revive", 59.549068177069444), ("beat=4", 59.99999999999999), ("hang", 1.0)]
)
def test_the_last_beat_is_when_their_number_last_grew(story: list[tuple[str, float]]) -> None:
    guest, now_s = powered(GuestSpec(boot_s=10)), 200.0
    for what, pause_s in story:
        beats, last_s = guest.beats(now_s), guest.last_beat_s(now_s)
        if "=" in what:
            guest.change(now_s, guest.spec.changed(what))
        else:
            getattr(guest, what)(now_s)
        now_s += pause_s
        if guest.beats(now_s) == beats:
            assert guest.last_beat_s(now_s) == last_s
        else:
            assert guest.last_beat_s(now_s) == guest.beat_at_s(guest.beats(now_s))


def test_a_guest_that_never_beat_has_no_last_beat() -> None:
    assert powered(GuestSpec(beat_s=0)).last_beat_s(1000) == -math.inf


# --- Descriptions -----------------------------------------------------------------------------------------------------


def test_keys_make_a_description() -> None:
    assert GuestSpec().changed("boot=30,beat=8.5,halt=3,ignore=1,good=emmc,sd,flap=60") == GuestSpec(
        30, 8.5, 3, ignore=True, good=("emmc", "sd"), flap_s=60
    )
    assert GuestSpec().changed("good=sd").good == GuestSpec().changed("good=+sd").good == ("sd",)
    assert GuestSpec().changed("good=").good == ()
    assert GuestSpec(flap_s=3).changed("flap=0").flap_s is None


@pytest.mark.parametrize(
    "keys", ["", "boot", "boot=", "boot=x", "boot=-1", "boot=nan", "ignore=maybe", "good=usb", "what=1", "boot=1,,"]
)
def test_what_makes_no_sense_is_refused(keys: str) -> None:
    with pytest.raises(GuestSpecError):
        GuestSpec().changed(keys)


@given(st.text())
def test_any_text_is_a_description_or_refused(keys: str) -> None:
    with suppress(GuestSpecError):
        assert isinstance(GuestSpec().changed(keys), GuestSpec)


def test_changes_beyond_the_eighth_are_lost_when_the_board_looks_late() -> None:
    guest = powered(GuestSpec(boot_s=10, beat_s=8))
    pin = HeartbeatInput(guest)
    assert pin.take_beat(112.2)  # the eighth change was at 110 s, two more have been seen
    assert pin.due_s() == pytest.approx(120, abs=SAMPLE_S)


def test_when_the_pin_last_moved_is_known_after_the_beats_have_ended() -> None:
    guest = powered(GuestSpec(boot_s=10, beat_s=8))
    guest.change(200.5, guest.spec.changed("beat=0"))
    assert guest.last_edge_s(300) == pytest.approx(200)
    guest.power_off(400)
    assert guest.last_edge_s(500) == pytest.approx(200)
