"""What of the status is a metric, what it is called, and what it is not."""

import re
import shutil
import subprocess
from collections.abc import Iterable
from typing import Any

import pytest

from tests.bridges.metrics.kit import LOG, NOW_S, example, paths, samples, text, unknown
from wagman.api.discovery import SCHEMAS
from wagman.bridges.metrics.catalogue import (
    GUEST_STATES,
    SENSOR_STATES,
    SEVERITIES,
    SUBJECTS,
    WAGMAN_STATES,
    text_of,
)
from wagman.bridges.metrics.left_out import LEFT_OUT
from wagman.fsm.guest import STATES as OF_GUESTS
from wagman.fsm.scheduler import STATES as OF_THE_SCHEDULER
from wagman.model.catalogue import EVENT_TYPES

FAMILIES = [family for subject in SUBJECTS for family in subject.families]
FIGURES = sorted(path for path in paths() if not [each for each in paths() if each.startswith(f"{path}.")])


def is_left_out(path: str) -> bool:
    return any(path == each or path.startswith(f"{each}.") for each in LEFT_OUT)


@pytest.mark.parametrize("path", FIGURES)
def test_every_property_of_the_status_is_mapped_or_listed_as_left_out(path: str) -> None:
    """What is mapped changes the text where it changes; what is left out does not."""
    shown = {text(example()), text(example(path)), text(example(path, is_known=False))}
    assert (len(shown) == 1) == is_left_out(path)


def test_the_properties_are_those_that_the_socket_describes() -> None:
    def walk(schema: Any) -> Iterable[str]:
        schema = SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        schema = next((each for each in schema.get("anyOf", ()) if "$ref" in each), schema)  # or null
        schema = schema.get("items") or schema.get("additionalProperties") or schema
        if "$ref" in schema:
            yield from walk(schema)
        for name, each in schema.get("properties", {}).items():
            yield name
            yield from (f"{name}.{below}" for below in walk(each))

    assert set(walk(SCHEMAS["Status"])) == set(paths())


def test_what_is_listed_as_left_out_is_there_and_has_a_reason() -> None:
    assert LEFT_OUT.keys() <= set(paths())
    assert all(LEFT_OUT.values())


def test_what_is_not_known_has_no_sample() -> None:
    known, less = samples(text(example())), samples(text(unknown()))
    gone = {re.sub(r"\{.*", "", each) for each in known.keys() - less.keys()}
    assert {
        "wagman_board_boots_total",
        "wagman_board_last_answer_timestamp_seconds",
        "wagman_device_current_amperes",
        "wagman_device_last_heartbeat_timestamp_seconds",
        "wagman_device_next_start_timestamp_seconds",
        "wagman_device_power_watts",
        "wagman_enclosure_temperature_celsius",
        "wagman_sensor_reading",
        "wagman_unmanaged_port_current_amperes",
    } <= gone
    assert not [each for each, value in less.items() if value != value]  # noqa: PLR0124 - that is how NaN shows


def test_a_service_that_does_not_answer_leaves_one_figure() -> None:
    assert samples(text_of(None)) == {"wagman_up": 0}


def test_units_are_those_of_the_names() -> None:
    found = samples(text(example()))
    assert found["wagman_up"] == 1
    assert found['wagman_board_current_amperes{board="one"}'] == 0.001
    assert found['wagman_enclosure_humidity_ratio{board="one"}'] == 0.01
    assert found['wagman_enclosure_temperature_celsius{board="one"}'] == 1
    assert found['wagman_device_current_amperes{device="one"}'] == 0.001
    assert found['wagman_device_power_watts{device="one"}'] == 1
    assert found['wagman_sensor_reading{sensor="ups_charge_pct"}'] == 1
    assert found["wagman_log_events_total"] == LOG["last_id"]


def test_times_are_moments_and_never_ages() -> None:
    found = samples(text(example()))
    times = {name: value for name, value in found.items() if "_timestamp_seconds" in name or "_time_seconds" in name}
    assert times
    for name, value in times.items():
        is_to_come = "next_start" in name or "order_end" in name
        assert value == round(NOW_S + 1 if is_to_come else NOW_S - 1), name


def test_a_state_has_a_sample_for_each_word_and_one_that_is_new_has_one_more() -> None:
    status = example()
    status["wagman"]["state"] = "hibernating"
    found = samples(text(status))
    assert {name: value for name, value in found.items() if name.startswith("wagman_state{")} == {
        f'wagman_state{{state="{each}"}}': float(each == "hibernating") for each in WAGMAN_STATES
    }
    assert samples(text(example("wagman.state")))['wagman_state{state="two"}'] == 1


def test_the_words_are_those_of_the_service() -> None:
    assert set(GUEST_STATES) == set(OF_GUESTS)
    assert set(WAGMAN_STATES) == set(OF_THE_SCHEDULER)
    properties = SCHEMAS["Sensor"]["properties"]
    assert list(SENSOR_STATES) == properties["state"]["enum"]
    assert list(SEVERITIES) == SCHEMAS["Problem"]["properties"]["severity"]["enum"]


def test_events_have_a_sample_for_each_type_where_somebody_counts_them() -> None:
    counted = dict.fromkeys(EVENT_TYPES, 0) | {"device.off": 3}
    found = samples(text(example(), events=counted))
    assert found['wagman_events_total{type="device.off"}'] == 3
    assert sum(name.startswith("wagman_events_total") for name in found) == len(EVENT_TYPES)
    assert not [name for name in samples(text(example())) if name.startswith("wagman_events_total")]


def test_problems_are_counted_by_severity_also_where_there_are_none() -> None:
    status = example()
    status["problems"] = []
    found = samples(text(status))
    assert (found['wagman_problems{severity="critical"}'], found['wagman_problems{severity="warning"}']) == (0, 0)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_names_are_as_prometheus_would_have_them(family: Any) -> None:
    assert re.fullmatch(r"wagman_[a-z_]+", family.name)
    assert family.name.endswith("_total") == (family.kind == "counter")
    assert family.text.endswith(".")
    assert family.name in text(example(), events={}) or family.name == "wagman_events_total"


def test_no_two_families_have_one_name() -> None:
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)


def test_labels_are_those_that_are_declared() -> None:
    shown = text(example(), events={"device.off": 1})
    for subject in SUBJECTS:
        for family in subject.families:
            for line in re.findall(rf"^{family.name}(?:\{{(.*)\}})? ", shown, re.MULTILINE):
                assert tuple(re.findall(r'(\w+)="', line)) == (*subject.labels, *family.labels)


def test_a_node_with_five_devices_has_no_more_series_than_promised() -> None:
    status = unknown()
    (row,) = example()["devices"]
    status["devices"] = [{**row, "name": f"guest {number}", "sources": [], "state": "started"} for number in range(5)]
    status["ports"], status["networks"], status["sensors"], status["problems"] = [], [], {}, []
    status["boards"] = example()["boards"]
    assert len(samples(text(status))) <= 170


@pytest.mark.skipif(shutil.which("promtool") is None, reason="takes promtool, which is in Debian's package prometheus")
@pytest.mark.parametrize("shown", [text(example(), events={"device.off": 1}), text(unknown()), text_of(None)])
def test_promtool_has_nothing_to_say_about_them(shown: str) -> None:
    done = subprocess.run(["promtool", "check", "metrics"], input=shown, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
