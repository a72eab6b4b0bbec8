"""What the enclosure is like: the sentences about it, and any series of readings against a naive model."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wagman.config.enclosure import Bounds, EnvironmentConfig
from wagman.fsm.environment import Environment, Reading, Sensor
from wagman.model.facts import Draft, Sample

BOUNDS = Bounds(high=70.0, low=-30.0, hysteresis=5.0)


def sensor(*values: float | None, bounds: Bounds = BOUNDS, samples: int = 1) -> Sensor:
    """A sensor after these readings."""
    result = Sensor(bounds)
    for value in values:
        result = result.sampled(value, samples)
    return result


def enclosure(**sensors: Bounds) -> Environment:
    return Environment(EnvironmentConfig(samples=1, sensors=sensors))


def told(environment: Environment, *readings: tuple[str, float | None]) -> tuple[Environment, list[Draft]]:
    drafts: list[Draft] = []
    for name, value in readings:
        environment, news = environment.sampled(Sample(name, value, 0.0))
        drafts += news
    return environment, drafts


# --- One sensor -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ([69.9], "normal"),
        ([70.0], "high"),
        ([70.0, 65.1], "high"),
        ([70.0, 65.0], "normal"),
        ([65.1], "normal"),
        ([-29.9], "normal"),
        ([-30.0], "low"),
        ([-30.0, -25.1], "low"),
        ([-30.0, -25.0], "normal"),
        ([70.0, -30.0], "low"),
        ([70.0, None], "unknown"),
        ([70.0, None, 66.0], "high"),  # the hysteresis outlives what is not known
        ([], "unknown"),
    ],
)
def test_bounds_and_hysteresis(values: Sequence[float | None], state: Reading) -> None:
    assert sensor(*values).state == state


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ([75, 75], "normal"),
        ([75, 75, 75], "high"),
        ([75, 75, 20, 75, 75], "normal"),
        ([75, 75, None, 75], "normal"),
        ([None, None], "normal"),
        ([None, None, None], "unknown"),
        ([75, 75, -40, 75], "normal"),
    ],
)
def test_a_verdict_takes_three_samples_in_a_row(values: Sequence[float | None], state: Reading) -> None:
    assert sensor(20, 20, 20, *values, samples=3).state == state


def test_there_is_no_bound_where_none_is_given() -> None:
    assert sensor(1e9, bounds=Bounds(low=0.0)).state == "normal"
    assert sensor(-1e9, bounds=Bounds(high=0.0)).state == "normal"


def test_what_is_unknown_changes_no_verdict() -> None:
    assert sensor(75.0, None).hot
    assert sensor(-40.0, None).cold
    assert not sensor(20.0, None).hot


# --- All of them ------------------------------------------------------------------------------------------------------


def test_any_hot_sensor_makes_it_hot_and_all_must_be_normal_to_be_calm() -> None:
    environment, _ = told(enclosure(temperature_c=BOUNDS, humidity_pct=Bounds(high=90.0)), ("temperature_c", 75.0))
    assert environment.hot
    environment, _ = told(environment, ("temperature_c", 20.0))
    assert (environment.hot, environment.calm) == (False, False)  # nothing is known of the humidity yet
    environment, _ = told(environment, ("humidity_pct", 40.0))
    assert environment.calm


def test_a_verdict_is_told_once() -> None:
    readings = [("temperature_c", value) for value in (20.0, 21.0, 75.0, 76.0, None, None, 76.0, 20.0)]
    _, drafts = told(enclosure(temperature_c=BOUNDS), *readings)
    assert [draft.type for draft in drafts] == [
        "environment.normal", "environment.abnormal", "environment.unknown", "environment.abnormal", "environment.normal"
    ]  # fmt: skip
    assert drafts[1].fields == {"sensor": "temperature_c", "state": "high", "value": 75.0}


def test_a_sensor_that_is_not_watched_is_of_no_consequence() -> None:
    environment = enclosure(temperature_c=BOUNDS)
    assert environment.sampled(Sample("current_ma", 1e6, 0.0)) == (environment, ())


def test_an_enclosure_without_bounds_allows_everything() -> None:
    environment = enclosure()
    assert (environment.hot, environment.calm, environment.starts_allowed, environment.doubtful) == (False, True, True, False)


def test_starts_wait_for_every_sensor_to_be_judged() -> None:
    environment, _ = told(enclosure(temperature_c=BOUNDS, humidity_pct=Bounds(high=90.0)), ("temperature_c", 20.0))
    assert not environment.starts_allowed
    environment, _ = told(environment, ("humidity_pct", None))
    assert environment.starts_allowed


def test_it_is_in_doubt_only_where_no_sensor_that_tells_forbids_anything() -> None:
    both = enclosure(temperature_c=BOUNDS, humidity_pct=Bounds(high=90.0))
    environment, _ = told(both, ("temperature_c", 75.0), ("humidity_pct", None))
    assert not environment.doubtful
    environment, _ = told(environment, ("temperature_c", None))
    assert environment.doubtful
    environment, _ = told(environment, ("temperature_c", 20.0), ("humidity_pct", 50.0))
    assert not environment.doubtful


def test_a_release_takes_what_is_unknown_as_normal_and_leaves_what_is_known() -> None:
    both = enclosure(temperature_c=BOUNDS, humidity_pct=Bounds(high=90.0))
    environment, _ = told(both, ("temperature_c", 75.0), ("temperature_c", None), ("humidity_pct", 95.0))
    environment, drafts = environment.released()
    assert [draft.fields["sensors"] for draft in drafts] == [["temperature_c"]]
    assert environment.sensors["temperature_c"].verdict == "normal"
    assert environment.hot


# --- Any readings -----------------------------------------------------------------------------------------------------


def naive(bounds: Bounds, samples: int, values: Sequence[float | None]) -> tuple[str, str]:
    """The verdict and what is shown, found by looking back over all readings each time."""
    verdict, shown = "none", "untold"
    readings: list[str] = []
    for value in values:
        readings.append(reading(bounds, verdict, value))
        if len(readings) >= samples and len(set(readings[-samples:])) == 1 and readings[-1] != shown:
            shown = readings[-1]
            verdict = verdict if shown == "unknown" else shown
            readings = []
    return verdict, "unknown" if shown == "untold" else shown


def reading(bounds: Bounds, verdict: str, value: float | None) -> str:
    if value is None:
        return "unknown"
    highest = bounds.high - bounds.hysteresis if verdict == "high" and bounds.high is not None else bounds.high
    lowest = bounds.low + bounds.hysteresis if verdict == "low" and bounds.low is not None else bounds.low
    if highest is not None and (value > highest or value == bounds.high or (verdict != "high" and value == highest)):
        return "high"
    if lowest is not None and (value < lowest or value == bounds.low or (verdict != "low" and value == lowest)):
        return "low"
    return "normal"


VALUES = st.none() | st.sampled_from([-40.0, -30.0, -26.0, -25.0, 20.0, 65.0, 66.0, 70.0, 80.0])
ALL_BOUNDS = st.builds(
    Bounds, high=st.none() | st.just(70.0), low=st.none() | st.just(-30.0), hysteresis=st.sampled_from([0.0, 5.0])
)


@given(ALL_BOUNDS, st.integers(1, 4), st.lists(VALUES, max_size=40))
def test_any_readings_give_the_verdict_of_a_naive_model(bounds: Bounds, samples: int, values: list[float | None]) -> None:
    result = sensor(*values, bounds=bounds, samples=samples)
    assert (result.verdict or "none", result.state) == naive(bounds, samples, values)


@given(st.integers(1, 3), st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), VALUES), max_size=60))
def test_any_readings_leave_a_consistent_enclosure(samples: int, readings: list[tuple[str, float | None]]) -> None:
    environment = Environment(
        EnvironmentConfig(samples=samples, sensors={"a": BOUNDS, "b": Bounds(low=0.0, low_action="hibernate")})
    )
    for name, value in readings:
        before = {each: sensor.state for each, sensor in environment.sensors.items()}
        environment, drafts = environment.sampled(Sample(name, value, 0.0))
        after = {each: sensor.state for each, sensor in environment.sensors.items()}
        assert len(drafts) <= 1
        assert before == after or drafts
        assert not (environment.hot and (environment.calm or environment.starts_allowed))
        assert environment.hot == any(s.hot for s in environment.sensors.values())
        if environment.calm:
            assert not environment.doubtful or any(s.cold for s in environment.sensors.values())


# --- What becomes of readings that were under way ---------------------------------------------------------------------


def test_a_sensor_that_falls_silent_begins_anew_with_its_readings() -> None:
    half = sensor(20.0, 20.0, 20.0, 75.0, 75.0, samples=3)
    assert half.unknown() == Sensor(BOUNDS, "normal", known=False)
    assert half.unknown().sampled(75.0, 3).state == "unknown"


def test_a_verdict_begins_anew_with_its_readings() -> None:
    assert sensor(20.0, 20.0, 20.0, samples=3) == Sensor(BOUNDS, "normal", known=True)
    assert sensor(20.0, 20.0, 20.0, 75.0, 20.0, samples=3) == Sensor(BOUNDS, "normal", known=True)
    assert sensor(20.0, 20.0, 20.0, 75.0, 75.0, samples=3) == Sensor(BOUNDS, "normal", known=True, candidate="high", agreeing=2)


def test_a_release_is_told_with_the_sensors_and_how_long_it_waited() -> None:
    environment, _ = told(enclosure(humidity_pct=BOUNDS, temperature_c=BOUNDS), ("temperature_c", 75.0), ("temperature_c", None))
    released, (event,) = environment.released()
    fields = {"sensors": ["humidity_pct", "temperature_c"], "after_s": environment.config.unknown_release_s}
    assert event == Draft("environment.released", None, fields)
    assert (released.hot, released.doubtful) == (False, False)


def test_other_bounds_are_judged_by_from_the_next_reading_on_and_a_new_sensor_has_no_verdict() -> None:
    environment, _ = told(enclosure(temperature_c=BOUNDS), ("temperature_c", 75.0))
    wider = EnvironmentConfig(samples=1, sensors={"temperature_c": Bounds(high=90.0), "humidity_pct": BOUNDS})
    after = environment.reconfigured(wider)
    assert after.config == wider
    assert after.sensors == {"temperature_c": Sensor(Bounds(high=90.0), "high", known=True), "humidity_pct": Sensor(BOUNDS)}
    assert told(after, ("temperature_c", 75.0))[0].sensors["temperature_c"].state == "normal"
