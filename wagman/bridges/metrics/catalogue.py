"""All metrics. Names, units and labels are public: a dashboard breaks where one changes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from wagman.bridges.metrics.exposition import exposed
from wagman.bridges.metrics.family import Family, Sample, moment, number, number_at, one_of, scaled, words
from wagman.bridges.metrics.subject import Snapshot, Subject, Thing
from wagman.model.shapes import Board, Device, Excerpt, Gauge, Network, Port, Problem, Sensor, Service, Source, Wagman

T = TypeVar("T")

GUEST_STATES = ("stopped", "starting", "started", "will_stop", "stopping", "restarting", "maintenance")
WAGMAN_STATES = ("start_devices", "start_next_device", "normal", "will_hibernate", "hibernating")
SENSOR_STATES = ("normal", "high", "low", "unknown")
SEVERITIES = ("critical", "warning", "notice")

MILLI, CENTI = 1e-3, 1e-2


# --- What they are about ----------------------------------------------------------------------------------------------


def _boards(snapshot: Snapshot) -> Iterator[Thing[Board]]:
    for board in snapshot.status["boards"]:
        yield Thing({"board": board["name"]}, board)


def _sensors(snapshot: Snapshot) -> Iterator[Thing[Sensor]]:
    for labels, board in _boards(snapshot):
        for name, sensor in board["sensors"].items():
            yield Thing({**labels, "sensor": name}, sensor)
    for labels, gauge in _gauges(snapshot):
        yield Thing({"board": "", **labels}, gauge)


def _gauges(snapshot: Snapshot) -> Iterator[Thing[Gauge]]:
    for name, gauge in snapshot.status["sensors"].items():
        yield Thing({"sensor": name}, gauge)


def _devices(snapshot: Snapshot) -> Iterator[Thing[Device]]:
    for device in snapshot.status["devices"]:
        yield Thing({"device": device["name"]}, device)


def _sources(snapshot: Snapshot) -> Iterator[Thing[Source]]:
    for labels, device in _devices(snapshot):
        for source in device["sources"]:
            yield Thing({**labels, "source": source["name"]}, source)


def _networks(snapshot: Snapshot) -> Iterator[Thing[Network]]:
    for network in snapshot.status["networks"]:
        yield Thing({"network": network["name"]}, network)


def _ports(snapshot: Snapshot) -> Iterator[Thing[Port]]:
    for port in snapshot.status["ports"]:
        yield Thing({"board": port["board"], "port": str(port["port"]), "was": port["was"]}, port)


def _problems(snapshot: Snapshot) -> Iterator[Thing[Problem]]:
    for problem in snapshot.status["problems"]:
        about = {"device": problem["device"] or "", "board": problem["board"] or ""}
        yield Thing({"id": problem["id"], "severity": problem["severity"], **about}, problem)


def _since_1970(problem: Problem, now_s: float) -> float | None:
    return None if problem["for_s"] is None else round(now_s - problem["for_s"])


def _totals(problems: Sequence[Problem], _now_s: float) -> Iterator[Sample]:
    for severity in SEVERITIES:
        yield Sample({"severity": severity}, float(sum(each["severity"] == severity for each in problems)))


def _counted(events: Mapping[str, int], _now_s: float) -> Iterator[Sample]:
    for type_, count in events.items():
        yield Sample({"type": type_}, float(count))


def _ends(device: Device, now_s: float) -> Iterator[Sample]:
    if (term := device["term"]) is not None:
        yield Sample({"kind": term["kind"]}, float(round(now_s + term["in_s"])))


def _board_sensor(name: str) -> Callable[[Board], float | None]:
    return lambda board: None if (sensor := board["sensors"].get(name)) is None else sensor["value"]


# --- Themselves -------------------------------------------------------------------------------------------------------

UP: Family[bool] = number(
    "wagman_up", "1 while the service answers. While it does not, this is 0, and there is no other metric.", lambda is_up: is_up
)

SERVICE = Subject[Service](
    (),
    lambda snapshot: [Thing({}, snapshot.status["service"])],
    (
        words("wagman_build_info", "The version of the service.", ("version",), lambda it: {"version": it["version"]}),
        moment("wagman_start_time_seconds", "When the service started.", lambda it: it["uptime_s"]),
    ),
)

LOG = Subject[Excerpt](
    (),
    lambda snapshot: [Thing({}, snapshot.log)],
    (
        number(
            "wagman_log_events_total",
            "The number of events that the log has ever had, which is the id of the last one. It goes on over restarts, "
            "and begins anew with a new log.",
            lambda it: it["last_id"],
            "counter",
        ),
        number("wagman_log_first_event", "The id of the oldest event that the log still has.", lambda it: it["first_id"]),
    ),
)

EVENTS = Subject[Mapping[str, int]](
    (),
    lambda snapshot: [] if snapshot.events is None else [Thing({}, snapshot.events)],
    (
        Family(
            "wagman_events_total",
            "The number of events since wagman metrics began, by type; with --listen only.",
            _counted,
            ("type",),
            "counter",
        ),
    ),
)

WAGMAN = Subject[Wagman](
    (),
    lambda snapshot: [Thing({}, snapshot.status["wagman"])],
    (
        one_of(
            "wagman_state",
            "The state of the scheduler, which starts the guests one after the other.",
            "state",
            WAGMAN_STATES,
            lambda it: it["state"],
        ),
        moment("wagman_state_since_timestamp_seconds", "Since when the scheduler is in that state.", lambda it: it["for_s"]),
        number(
            "wagman_hibernation_ordered",
            "An operator has ordered all guests to hibernate.",
            lambda it: it["hibernation"] is not None,
        ),
    ),
)

BOARDS = Subject[Board](
    ("board",),
    _boards,
    (
        words(
            "wagman_board_info",
            "The kind of the board, its dialect and its firmware.",
            ("kind", "dialect", "firmware"),
            lambda it: {"kind": it["kind"], "dialect": it["dialect"] or "", "firmware": it["firmware"] or ""},
        ),
        number("wagman_board_link_up", "The service has a connection to the board.", lambda it: it["link"] == "up"),
        moment(
            "wagman_board_link_since_timestamp_seconds",
            "Since when the service has, or has not, a connection to the board.",
            lambda it: it["for_s"],
        ),
        number(
            "wagman_board_blind",
            "The board does not answer: nobody knows which of its guests have power.",
            lambda it: it["blind"],
        ),
        moment("wagman_board_last_answer_timestamp_seconds", "When the board answered last.", lambda it: it["last_answer_age_s"]),
        number(
            "wagman_board_boots_total", "How often the board has started, by its own count.", lambda it: it["boots"], "counter"
        ),
        scaled(
            "wagman_board_current_amperes",
            "The current that the board and its guests draw together.",
            MILLI,
            _board_sensor("current_ma"),
        ),
        number("wagman_enclosure_temperature_celsius", "The temperature in the enclosure.", _board_sensor("temperature_c")),
        scaled(
            "wagman_enclosure_humidity_ratio",
            "The relative humidity in the enclosure, 0 to 1.",
            CENTI,
            _board_sensor("humidity_pct"),
        ),
    ),
)

SENSORS = Subject[Sensor](
    ("board", "sensor"),
    _sensors,
    (
        one_of(
            "wagman_sensor_state",
            "Whether a sensor is within its bounds. A sensor that a command reads has no board.",
            "state",
            SENSOR_STATES,
            lambda it: it["state"],
        ),
        moment("wagman_sensor_last_reading_timestamp_seconds", "When the sensor was read last.", lambda it: it["age_s"]),
    ),
)

GAUGES = Subject[Gauge](
    ("sensor",),
    _gauges,
    (
        number("wagman_sensor_reading", "The number that a command reads, in a unit of its own.", lambda it: it["value"]),
        number(
            "wagman_sensor_failing", "The sensor's command failed when it was run last.", lambda it: it["trouble"] is not None
        ),
    ),
)

DEVICES = Subject[Device](
    ("device",),
    _devices,
    (
        words(
            "wagman_device_info",
            "Which outlet powers the guest, and whether the guest is the computer that the service runs on.",
            ("board", "port", "self"),
            lambda it: {"board": it["board"], "port": str(it["port"]), "self": str(it["self"]).lower()},
        ),
        one_of("wagman_device_state", "The state of the guest.", "state", GUEST_STATES, lambda it: it["state"]),
        moment("wagman_device_state_since_timestamp_seconds", "Since when the guest is in that state.", lambda it: it["for_s"]),
        number("wagman_device_wanted", "The operator wants the guest up.", lambda it: it["wanted"] == "up"),
        number("wagman_device_enabled", "The guest may be started.", lambda it: it["enabled"]),
        number("wagman_device_power_wanted", "The guest's power should be on.", lambda it: it["power"]["wanted"] == "on"),
        number(
            "wagman_device_power_confirmed",
            "The board has shown that the guest's power is as ordered.",
            lambda it: it["power"]["confirmed"],
        ),
        Family(
            "wagman_device_medium",
            "The medium that the guest boots from.",
            lambda it, _now_s: [Sample({"medium": it["media"]}, 1.0)] if it["media"] else [],
            ("medium",),
        ),
        number("wagman_device_attempts", "How often the guest was started since it was last stable.", lambda it: it["attempts"]),
        number("wagman_device_failures", "How many of these starts failed.", lambda it: it["failures"]),
        number(
            "wagman_device_unrecoverable",
            "The guest failed as often as is allowed, from every medium that it has.",
            lambda it: it["unrecoverable"],
        ),
        moment(
            "wagman_device_last_heartbeat_timestamp_seconds", "When the guest was heard last.", lambda it: it["heartbeat_age_s"]
        ),
        scaled("wagman_device_current_amperes", "The current that the guest draws.", MILLI, lambda it: it["current_ma"]),
        number("wagman_device_power_watts", "The power that the guest draws, if the board meters it.", lambda it: it["watts"]),
        number_at(
            "wagman_device_next_start_timestamp_seconds",
            "When the guest is started next. There is no sample if the guest waits for something else than time.",
            lambda it, now_s: None if (in_s := it["next_start_in_s"]) is None else round(now_s + in_s),
        ),
        Family(
            "wagman_device_order_end_timestamp_seconds",
            "When a stop or a maintenance ends that an operator has ordered for a while.",
            _ends,
            ("kind",),
        ),
        number(
            "wagman_device_held_off",
            "The guest is locked out: the board restarts whenever it switches the guest on.",
            lambda it: it["held"],
        ),
        number(
            "wagman_device_relay_stuck",
            "The guest's relay stays on, however often the service switches it off.",
            lambda it: it["relay_stuck"],
        ),
        number(
            "wagman_device_relay_dead",
            "The guest's relay stays off, however often the service switches it on.",
            lambda it: it["relay_dead"],
        ),
        number(
            "wagman_device_command_failing",
            "The command that asks the guest to halt fails.",
            lambda it: it["command_trouble"] is not None,
        ),
    ),
)

SOURCES = Subject[Source](
    ("device", "source"),
    _sources,
    (
        number("wagman_source_heard", "The source has heard the guest at least once.", lambda it: it["heard"]),
        moment("wagman_source_last_heard_timestamp_seconds", "When the source heard the guest last.", lambda it: it["age_s"]),
        number("wagman_source_failing", "The service cannot listen at this source.", lambda it: it["trouble"] is not None),
    ),
)

NETWORKS = Subject[Network](
    ("network",),
    _networks,
    (
        number(
            "wagman_network_unproved",
            "None of the network's witnesses answers, so no guest counts as silent there.",
            lambda it: it["unproved"],
        ),
    ),
)

PORTS = Subject[Port](
    ("board", "port", "was"),
    _ports,
    (
        one_of(
            "wagman_unmanaged_port_power",
            "The power of a port that has no table in the configuration any more.",
            "power",
            ("on", "unknown"),
            lambda it: it["power"],
        ),
        scaled(
            "wagman_unmanaged_port_current_amperes", "The current that such a port draws.", MILLI, lambda it: it["current_ma"]
        ),
        number(
            "wagman_unmanaged_port_power_watts",
            "The power that such a port draws, if the board meters it.",
            lambda it: it["watts"],
        ),
    ),
)

PROBLEMS = Subject[Problem](
    ("id", "severity", "device", "board"),
    _problems,
    (
        number("wagman_problem", "A problem, something that calls for a person; 1 while it lasts.", lambda _: 1),
        number_at("wagman_problem_since_timestamp_seconds", "Since when the problem lasts.", _since_1970),
    ),
)

TOTALS = Subject[Sequence[Problem]](
    (),
    lambda snapshot: [Thing({}, snapshot.status["problems"])],
    (Family("wagman_problems", "The number of problems.", _totals, ("severity",)),),
)

SUBJECTS: tuple[Subject[Any], ...] = (
    *(SERVICE, LOG, WAGMAN, BOARDS, SENSORS, GAUGES, DEVICES, SOURCES, NETWORKS, PORTS, TOTALS, PROBLEMS, EVENTS),
)


def text_of(snapshot: Snapshot | None) -> str:
    """Return all metrics as Prometheus reads them; None for a service that does not answer.

    Raises:
        LookupError, TypeError, ValueError, AttributeError: the answer is no status.
    """
    up = exposed(UP.name, UP.kind, UP.text, UP.samples(snapshot is not None, 0.0))
    return up if snapshot is None else up + "".join(_texts(snapshot))


def _texts(snapshot: Snapshot) -> Iterator[str]:
    for subject in SUBJECTS:
        for family in subject.families:
            yield exposed(family.name, family.kind, family.text, subject.samples(family, snapshot))
