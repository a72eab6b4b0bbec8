"""Home Assistant is told what it can take, under names that last, and never that something is off where nobody knows."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.bridges.fleet.assistant import AVAILABILITY, DEVICE, ENTITIES, NOT_ATTRIBUTES, TOPIC, WHOLE, rendered
from tests.bridges.metrics.kit import example
from tests.docs.blocks import ROOT, blocks
from wagman.bridges.fleet.discovery import OUTCOMES, STATES, Home, Messages, away, discovered, essence, told, topics_of
from wagman.bridges.fleet.orders import Gate, Terms
from wagman.bridges.fleet.payloads import order_of, packed
from wagman.fsm.guest import STATES as OF_GUESTS

NOW_S = 1_800_000_000.0
EXAMPLE = example()
HOME = Home("v042", "wagman/1/v042", "homeassistant", 630, "0.2", "home-assistant", 30.0)
NAMES = st.from_regex(r"(?!all$|[0-9]+$)[a-z0-9_][a-z0-9_-]{0,31}", fullmatch=True)

GUESTS = st.fixed_dictionaries(
    {
        "name": NAMES,
        "self": st.booleans(),
        "state": st.sampled_from([*STATES, "of tomorrow"]),
        "since": st.none() | st.text(max_size=4),
        "reason": st.none() | st.text(max_size=4),
        "wanted": st.sampled_from(["up", "down"]),
        "power": st.fixed_dictionaries(
            {
                "wanted": st.sampled_from(["on", "off"]),
                "confirmed": st.booleans(),
                "evidence": st.sampled_from([None, "told", "sensed", "assumed"]),
            }
        ),
        "stale": st.booleans(),
        "heartbeat_age_s": st.none() | st.floats(0, 1e18),
    }
)
SENSORS = st.dictionaries(
    st.sampled_from(["temperature_c", "humidity_pct", "current_ma"]),
    st.fixed_dictionaries({"value": st.none() | st.floats(-50, 150)}),
)


@st.composite
def statuses(draw: st.DrawFn) -> Any:
    whole = deepcopy(EXAMPLE)
    rows = draw(st.lists(GUESTS, max_size=4, unique_by=lambda row: str(row["name"])))
    severities = draw(st.lists(st.sampled_from(["critical", "warning", "notice"]), max_size=3))
    boards = draw(st.lists(SENSORS, min_size=1, max_size=2))
    whole["devices"] = [{**deepcopy(whole["devices"][0]), **row} for row in rows]
    whole["problems"] = [{**whole["problems"][0], "severity": each, "text": draw(st.text(max_size=4))} for each in severities]
    whole["boards"] = [{**whole["boards"][0], "sensors": each} for each in boards]
    return whole


def entities(messages: Messages) -> Iterator[dict[str, Any]]:
    """Those that there are."""
    for message in messages.values():
        yield from (each for each in message["components"].values() if each != {"platform": each["platform"]})


def guest(**fields: Any) -> Any:
    """A status with one guest."""
    whole = example()
    whole["devices"] = [{**whole["devices"][0], "name": "gn", "self": False, **fields}]
    return whole


def power(*, wanted: str = "off", confirmed: bool = True) -> dict[str, Any]:
    return {"wanted": wanted, "confirmed": confirmed, "evidence": None}


def shown(status: Any, key: str) -> str:
    """What Home Assistant shows of gn."""
    entity = discovered(status, HOME)["homeassistant/device/v042/gn/config"]["components"][key]
    return str(rendered(entity["value_template"], told(status, HOME, NOW_S)[entity["state_topic"]]))


@given(statuses())
def test_all_of_it_is_json_that_home_assistant_takes(status: Any) -> None:
    devices = discovered(status, HOME)
    states = told(status, HOME, NOW_S)
    for message in (*devices.values(), *states.values(), *away(HOME).values()):
        json.loads(packed(message, deflate=False), parse_constant=pytest.fail)
    for topic, message in devices.items():
        assert TOPIC.fullmatch(topic.removeprefix("homeassistant/")), "it ignores other topics"
        assert message.keys() <= WHOLE
        assert all(message[key].keys() <= keys for key, keys in DEVICE.items())
        assert message["origin"]["name"], "it refuses the device without one"
        assert all(each.keys() <= AVAILABILITY for each in message["availability"])
    for entity in entities(devices):
        assert entity.keys() <= ENTITIES[entity["platform"]]
        assert entity["unique_id"], "without one it cannot be in a device"


@given(statuses())
def test_what_is_shown_is_in_the_messages_that_are_sent(status: Any) -> None:
    states = told(status, HOME, NOW_S)
    for entity in entities(discovered(status, HOME)):
        if entity["state_topic"] == "wagman/1/v042/done/home-assistant":
            continue
        found = str(rendered(entity["value_template"], states[entity["state_topic"]]))
        assert found in entity.get("options", [found]) or found == "None"
        if "json_attributes_template" in entity:
            attributes = rendered(entity["json_attributes_template"], states[entity["json_attributes_topic"]])
            assert not attributes.keys() & NOT_ATTRIBUTES


@given(statuses())
def test_ids_are_unique_and_whatever_happens_stay_the_same(status: Any) -> None:
    devices = discovered(status, HOME)
    ids = [each["unique_id"] for each in entities(devices)]
    identifiers = [each["device"]["identifiers"][0] for each in devices.values()]
    assert len(ids) == len(set(ids))
    assert len(identifiers) == len(set(identifiers))
    assert {each["device"].get("via_device", identifiers[0]) for each in devices.values()} == {identifiers[0]}
    later = deepcopy(status)
    for row in later["devices"]:
        row.update(guest(state="stopped", power=power(), wanted="down")["devices"][0], name=row["name"], self=row["self"])
    assert [each["unique_id"] for each in entities(discovered(later, HOME))] == ids


def test_names_that_run_into_each_other_are_two_ids() -> None:
    ids = list[str]()
    for node, name in (("v042", "gn"), ("v04", "2gn"), ("v042-gn", "state")):
        home = evolve(HOME, node=node, topics=f"wagman/1/{node}")
        devices = discovered(guest(name=name), home)
        ids += [each["unique_id"] for each in entities(devices)] + [each["device"]["identifiers"][0] for each in devices.values()]
    assert len(ids) == len(set(ids))


@given(statuses())
def test_all_that_is_sent_is_known_to_be_kept(status: Any) -> None:
    assert topics_of(HOME, status) == discovered(status, HOME).keys() | told(status, HOME, NOW_S).keys()


@given(statuses())
def test_what_is_not_known_is_never_off(status: Any) -> None:
    states = told(status, HOME, NOW_S)
    for row in status["devices"]:
        is_known = row["power"]["confirmed"] and not row["stale"]
        assert states[f"wagman/1/v042/home/{row['name']}"]["power"] == (row["power"]["wanted"].upper() if is_known else None)


@pytest.mark.parametrize(
    ("fields", "key", "shows"),
    [
        ({"power": power(wanted="on"), "stale": False}, "power", "ON"),
        ({"power": power(), "stale": False}, "power", "OFF"),
        ({"power": power(confirmed=False), "stale": False}, "power", "None"),
        ({"power": power(), "stale": True}, "power", "None"),
        ({"state": "starting"}, "state", "starting"),
        ({"state": "of tomorrow"}, "state", "None"),
        ({"heartbeat_age_s": None}, "heard", "None"),
        ({"heartbeat_age_s": 60.0}, "heard", "2027-01-15T07:59:00+00:00"),
        ({"wanted": "down"}, "switch", "down"),
    ],
)
def test_what_home_assistant_shows(fields: dict[str, Any], key: str, shows: str) -> None:
    assert shown(guest(**fields), key) == shows


def test_only_what_calls_for_somebody_is_a_problem() -> None:
    status = example()
    for severity, word in (("critical", "ON"), ("warning", "ON"), ("notice", "OFF")):
        status["problems"] = [{**status["problems"][0], "severity": severity}]
        assert told(status, HOME, NOW_S)["wagman/1/v042/home"]["problem"] == word


def test_a_service_that_is_away_is_a_problem_and_its_guests_are_not_available() -> None:
    message = away(HOME)["wagman/1/v042/home"]
    assert message["problem"] == "ON"
    for topic, device in discovered(guest(), HOME).items():
        available = [rendered(each["value_template"], {"online": True, **message}) for each in device["availability"]]
        assert available == (["online", "offline"] if topic.endswith("/gn/config") else ["online"])


def test_what_is_old_is_not_shown() -> None:
    for entity in entities(discovered(guest(), HOME)):
        has_age = entity["platform"] != "switch" and not entity["state_topic"].endswith("/done/home-assistant")
        assert entity.get("expire_after") == (630 if has_age else None), "Home Assistant knows no such key for a switch"


def test_what_changes_each_second_is_no_message_by_itself() -> None:
    before, after = guest(heartbeat_age_s=1.0), guest(heartbeat_age_s=9.0)
    after["boards"][0]["sensors"]["temperature_c"]["value"] = 77.0
    assert essence(told(before, HOME, NOW_S)) == essence(told(after, HOME, NOW_S))
    assert essence(told(before, HOME, NOW_S)) != essence(told(guest(wanted="down"), HOME, NOW_S))


def test_a_clock_that_shows_no_year_is_no_heartbeat() -> None:
    assert told(guest(heartbeat_age_s=1.0), HOME, 1e18)["wagman/1/v042/home/gn"]["heard"] is None


def test_where_no_board_measures_there_is_no_temperature() -> None:
    status = example()
    status["boards"][0]["sensors"] = {}
    assert discovered(status, HOME)["homeassistant/device/v042/config"]["components"]["temperature"] == {"platform": "sensor"}


# --- The switch -------------------------------------------------------------------------------------------------------


def switch(home: Home = HOME, **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = discovered(guest(**fields), home)["homeassistant/device/v042/gn/config"]["components"]["switch"]
    return found


def test_whoever_takes_no_orders_of_it_shows_it_no_switch() -> None:
    assert switch(evolve(HOME, who=None)) == {"platform": "switch"}


def test_the_computer_that_it_all_runs_on_has_no_switch() -> None:
    assert switch(self=True) == {"platform": "switch"}


@given(NAMES, st.sampled_from([("payload_on", "start"), ("payload_off", "stop")]))
def test_a_switch_gives_an_order_that_has_a_deadline_and_an_id_of_its_own(name: str, pressed: tuple[str, str]) -> None:
    key, verb = pressed
    devices = discovered(guest(name=name), HOME)
    found = devices[f"homeassistant/device/v042/{name}/config"]["components"]["switch"]
    order = order_of(json.dumps(rendered(found["command_template"], found[key])).encode())
    assert (order["do"], order["device"]) == (verb, name)
    gate = Gate(Terms(("home-assistant",), ("start", "stop"), 31.0, 30, 60.0), is_settled=True)
    now_s = float(order["id"].split("-")[0])
    assert gate.obstacle("home-assistant", order, now_s) is None
    late = gate.obstacle("home-assistant", order, now_s + 31)
    assert late is not None
    assert late["outcome"] == "expired"
    again = order_of(json.dumps(rendered(found["command_template"], found[key])).encode())
    assert again["id"] != order["id"]


def test_its_topic_is_its_own_and_nothing_is_kept() -> None:
    assert switch()["command_topic"] == "wagman/1/v042/do/home-assistant"
    assert switch()["retain"] is False


# --- Words that others define -----------------------------------------------------------------------------------------


def test_each_state_of_a_guest_is_known() -> None:
    assert set(STATES) == set(OF_GUESTS)
    assert set(OUTCOMES) == {"accepted", "refused", "expired", "unknown"}


def test_the_page_shows_the_lines_that_the_access_list_has() -> None:
    shipped = (ROOT / "contrib/mosquitto/acl").read_text().splitlines()
    shown = next(each.text for each in blocks(ROOT / "docs/fleet.md") if "user home-assistant" in each.text)
    assert set(shown.splitlines()) <= set(shipped)
