"""The JSON objects of the control socket, typed once: the machine-readable description and the page are derived from them.

Each class is the shape of a JSON object, and a plain dict at run time: building and sending one costs nothing more, and a
program that reads one imports nothing heavy. `Annotated` says what a property means if its name does not.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, NotRequired, TypeAlias, TypedDict

Since: TypeAlias = Annotated[str | None, "since when it has been so, by the wall clock"]
ForS: TypeAlias = Annotated[float | None, "for how many seconds it has been so, by the controller's own clock"]
SinceId: TypeAlias = Annotated[int | None, "the id of the event that the state began with"]
Reason: TypeAlias = Annotated[str | None, "why, in words"]
AgeS: TypeAlias = Annotated[float | None, "how many seconds ago that was read"]
Counts: TypeAlias = Annotated[float | None, "the raw reading of the converter, in counts"]
Watts: TypeAlias = Annotated[float | None, "the power that the port draws, in watts, if the board meters it"]
CurrentMa: TypeAlias = Annotated[float | None, "the current that the port draws, if the counts can be converted"]
Stale: TypeAlias = Annotated[bool, "the board does not answer: only `last` has readings"]
PortName: TypeAlias = Annotated[int | str, "the board's port: a number on a Wagman"]
BoardName: TypeAlias = Annotated[str, "the name of the board"]
LogId: TypeAlias = Annotated[str | None, "the name of the log"]
FirstId: TypeAlias = Annotated[int, "the id of the first event that the log still has"]
LastId: TypeAlias = Annotated[int, "the id of the last event in the log"]


# --- Status -----------------------------------------------------------------------------------------------------------


class Alarm(TypedDict):
    """A timer of a machine."""

    name: str
    in_s: Annotated[float, "in how many seconds the timer is due"]
    held: Annotated[bool, "the time is up, and what the timer waits for has not been seen"]
    waits_for: Annotated[str | None, "what the timer waits for besides: `silence` that is proved, or an `answer` of the board"]


class Sensor(TypedDict):
    """A sensor of the enclosure."""

    value: Annotated[float | None, "what the sensor reads; null while that is not known"]
    last: Annotated[float | None, "what the sensor read last"]
    age_s: AgeS
    state: Annotated[
        Literal["normal", "high", "low", "unknown"],
        "how `value` stands against the bounds; unknown if `value` is null, or has yet to be judged",
    ]


class Gauge(Sensor):
    """A number that a command reads."""

    trouble: Annotated[str | None, "why the command gave no number the last time"]


class Service(TypedDict):
    """The service itself."""

    version: str
    uptime_s: Annotated[float, "for how many seconds the service has run"]
    boot_id: Annotated[str, "the name of this run of the service"]


class Board(TypedDict):
    """A board and the way to it."""

    name: Annotated[str, "the name of the board in the configuration"]
    kind: Annotated[str, "the kind of the board, as in the configuration"]
    link: Literal["up", "down"]
    dialect: Annotated[str | None, "the dialect that the board speaks"]
    device: Annotated[str, "where the service looks for the board"]
    firmware: str | None
    board_id: str | None
    boots: Annotated[int | None, "how often the board has started, by its own count"]
    since: Since
    for_s: Annotated[float | None, "for how many seconds the link has been up, or down"]
    reason: Annotated[str | None, "why the board does not answer"]
    blind: Annotated[bool, "the board does not answer: nobody knows which guests have power"]
    last_answer_age_s: Annotated[float | None, "how many seconds ago the board answered last"]
    sensors: Annotated[dict[str, Sensor], "the sensors of the board, by name; a name ends in its unit"]


class Hibernation(TypedDict):
    """An operator's order for all guests."""

    reason: str
    who: Annotated[str, "the process that asked"]
    uid: int | None
    at: Annotated[str, "when it was ordered, by the wall clock of that time"]
    keep: Annotated[list[str], "the guests that go on running"]


class Wagman(TypedDict):
    """The scheduler."""

    state: str
    since: Since
    for_s: ForS
    since_id: SinceId
    device: Annotated[str | None, "the guest whose turn it is"]
    hibernation: Annotated[Hibernation | None, "the hibernation that an operator has ordered; null: only the enclosure decides"]
    alarms: Annotated[list[Alarm], "the next one first"]


class Power(TypedDict):
    """The power of a guest."""

    wanted: Literal["on", "off"]
    confirmed: Annotated[bool, "the board has shown that the power is as ordered"]
    evidence: Annotated[
        Literal["sensed", "told", "assumed", None],  # noqa: PYI061 - one enum in the schema
        "how that was shown. sensed: by the current, or by a sign of life; told: the board says so; assumed: the "
        "board has only replied to the command",
    ]


class Readings(TypedDict):
    """The latest readings of a port's converters."""

    current_ma: CurrentMa
    watts: Watts
    current_raw: Counts
    temperature_raw: Counts
    age_s: AgeS


class PortReadings(TypedDict):
    """The readings of a port's converters."""

    current_ma: CurrentMa
    watts: Watts
    current_raw: Counts
    temperature_raw: Counts
    stale: Stale
    last: Readings


class Lasting(TypedDict):
    """Since when a state lasts."""

    since: Since
    for_s: ForS
    since_id: SinceId


class Source(TypedDict):
    """One source of a guest's signs of life."""

    name: Annotated[str, "who or what is listened to"]
    heard: Annotated[bool, "the guest was heard there at least once; the silence of a source that never heard it proves nothing"]
    age_s: Annotated[
        float | None, "how many seconds ago the guest was heard there; null if this run of the service never heard it"
    ]
    trouble: Annotated[str | None, "why the service cannot listen there"]
    still_on: Annotated[
        bool, "this source counts only while the guest halts: it has to be silent, too, before the guest counts as halted"
    ]


class Network(TypedDict):
    """A network that guests are heard through."""

    name: str
    unproved: Annotated[bool, "none of the network's witnesses has answered for a while: no guest counts as silent there"]


class Term(TypedDict):
    """An operator's order for one guest that holds for a while."""

    kind: Literal["stop", "maintenance"]
    in_s: Annotated[float, "in how many seconds the order ends, by the controller's own clock"]


class DeviceWords(TypedDict):
    """A guest in the words of the commands; only if `words` asks for them."""

    lasting: Annotated[str, "for how long the guest has been in its state, as in `for 4 min 57 s`; empty if that is not known"]
    beat: Annotated[str, "how long ago the guest was heard, with a mark while its board does not answer"]
    current: Annotated[str, "what the guest draws, or drew when its board answered last"]
    notes: Annotated[list[str], "what else there is to know of the guest"]
    unseen: Annotated[str | None, "a sentence if the board does not answer: that, and for how long"]
    not_started: Annotated[str | None, "what keeps a stopped guest from being started"]
    coming: Annotated[list[str], "what the service will do next about the guest, and when"]


class StatusWords(TypedDict):
    """The node in the words of the commands; only if `words` asks for them."""

    boards: Annotated[dict[str, str], "a sentence for each board: where it is, and whether it answers"]
    sensors: Annotated[list[str], "the readings of the sensors"]
    wagman: Annotated[str, "what the scheduler does, for how long, and by whose order"]
    problems: Annotated[list[str], "each problem, and for how long it has lasted"]
    devices: Annotated[dict[str, DeviceWords], "the words for each guest that was asked for"]


class Device(TypedDict):
    """A guest, or the computer that the service runs on."""

    name: str
    board: BoardName
    port: PortName
    self: Annotated[bool, "this is the computer that the service runs on"]
    state: str
    since: Since
    for_s: ForS
    since_id: SinceId
    reason: Reason
    wanted: Annotated[Literal["up", "down"], "what the operator wants"]
    enabled: Annotated[bool, "the guest may be started"]
    disabled_by: Annotated[
        Literal["configuration", "operator", None],  # noqa: PYI061 - one enum in the schema
        "who has disabled the guest",
    ]
    power: Power
    media: Annotated[str | None, "the medium that the guest boots from"]
    attempts: Annotated[int, "how often the guest was started since it was last stable"]
    failures: Annotated[int, "how many of these starts failed"]
    unrecoverable: Annotated[
        bool, "the guest failed as often as is allowed, from every medium that it has, and that was reported"
    ]
    heartbeat_age_s: Annotated[float | None, "how many seconds ago the guest was heard last"]
    sources: Annotated[list[Source], "the sources that the guest is heard by; empty if only its board hears it"]
    current_ma: CurrentMa
    watts: Watts
    current_raw: Counts
    temperature_raw: Counts
    stale: Stale
    last: Readings
    after: Annotated[list[str], "the guests that have to be up before this one starts"]
    waits_for: Annotated[list[str], "the guests that the start, or the stop, of this one waits for now"]
    alarms: Annotated[list[Alarm], "the next one first"]
    next_start_in_s: Annotated[
        float | None, "in how many seconds the guest is started; null if it waits for something else than time"
    ]
    term: Annotated[Term | None, "the order for a while that holds for the guest"]
    held: Annotated[bool, "the guest is locked out: the board restarts whenever it switches the guest on"]
    relay_stuck: Annotated[bool, "the guest's relay stays on, however often the service switches it off"]
    relay_dead: Annotated[bool, "the guest's relay stays off, however often the service switches it on"]
    heard_off: Annotated[bool, "the guest is heard though its outlet was off, and is shown off ever since"]
    command_trouble: Annotated[str | None, "why the command that asks the guest to halt fails"]
    has_shutdown: Annotated[
        bool, "there is a command that asks the guest to halt; without one, a stop cuts the power of a running guest"
    ]


class Port(TypedDict):
    """A port whose table in the configuration is gone, and that may have power."""

    board: BoardName
    port: PortName
    board_name: Annotated[str, "the board's own name of the port"]
    was: Annotated[str, "the guest that was on the port"]
    power: Literal["on", "unknown"]
    current_ma: CurrentMa
    watts: Watts
    current_raw: Counts
    temperature_raw: Counts
    stale: Stale
    last: Readings


class Problem(TypedDict):
    """Something that calls for a person."""

    id: Annotated[str, "the name of the problem: the same trouble always has the same id"]
    severity: Annotated[
        Literal["critical", "warning", "notice"],
        "critical: a guest is down, or may lose its power, or nobody can tell; notice: nobody has to do anything, as "
        "in maintenance",
    ]
    since: Annotated[str, "since when it has been so, by the wall clock"]
    for_s: ForS
    device: Annotated[str | None, "the guest that the problem is about; null if it is about none"]
    board: Annotated[str | None, "the board that the problem is about; null if it is about none"]
    text: Annotated[str, "what is wrong"]
    do: Annotated[str, "what to do about the problem"]


class Status(TypedDict):
    """The node and everything on it."""

    service: Service
    board: Annotated[Board, "the first of `boards`"]
    boards: Annotated[list[Board], "all boards, in the order of the configuration"]
    wagman: Wagman
    devices: Annotated[list[Device], "the guests, in the order of their ports"]
    networks: Annotated[list[Network], "the networks that guests are heard through"]
    sensors: Annotated[dict[str, Gauge], "the sensors that commands read, by name; those of a board are in `boards`"]
    ports: Annotated[list[Port], "the ports that have no table any more, and may have power"]
    problems: Annotated[list[Problem], "the problems, the worst first"]
    words: NotRequired[Annotated[StatusWords, "the same in sentences for people"]]


# --- What else the methods give ---------------------------------------------------------------------------------------


class Versions(TypedDict):
    """Who answers, and what the caller may do."""

    service: str
    version: str
    boot_id: Annotated[str, "the name of this run of the service"]
    role: Annotated[Literal["read", "operate", "control"], "the role of the caller; each method says which role it needs"]
    may: Annotated[list[str], "the methods that the caller may call"]


class Decision(TypedDict):
    """The answer to a command: accepted or not. Its outcome comes later, as events."""

    accepted: bool
    state: Annotated[str, "the state of the guest after the request"]
    reason: Annotated[str, "why, in words"]
    event_id: Annotated[int | None, "the id of the event about the request"]


class Event(TypedDict):
    """Something that happened."""

    id: Annotated[int | None, "the event's place in the log; null while the log cannot be written"]
    time: Annotated[str, "when it happened, by the wall clock"]
    boot_id: Annotated[str, "the name of the run of the service"]
    mono_s: Annotated[float, "how many seconds that run had lasted"]
    type: str
    device: str | None
    cause: Annotated[int | None, "the id of the event that led to this one"]
    fields: Annotated[Mapping[str, Any], "the details; docs/events.md lists them"]
    durable: NotRequired[Annotated[bool, "false: the event has no id yet"]]
    clock: NotRequired[Annotated[str, "`unset`: the wall clock had not been set"]]
    words: NotRequired[Annotated[str, "what happened, in a sentence"]]
    severity: NotRequired[Annotated[Literal["info", "warning", "critical"], "how grave it is"]]


class Excerpt(TypedDict):
    """A part of the log."""

    log_id: LogId
    first_id: FirstId
    last_id: LastId
    events: Annotated[list[Event], "the events, the oldest first"]


class Causes(TypedDict):
    """An event, and what led to it."""

    events: Annotated[list[Event], "the events, the newest first"]


class Subscription(TypedDict):
    """A subscription that has begun."""

    subscription: Annotated[int, "the number of the subscription on this connection"]
    log_id: LogId
    first_id: FirstId
    last_id: LastId


class Unsubscribed(TypedDict):
    """A subscription that has ended."""

    subscription: int


class Lines(TypedDict):
    """The lines that the board answered."""

    lines: list[str]


class OpenRPC(TypedDict):
    """The description of the socket in the OpenRPC format, whose shape is not ours."""


SHAPES: Final = (
    *(Versions, Status, StatusWords, Hibernation, Port, Problem, Sensor, Gauge, Device, DeviceWords, Term, Alarm),
    *(Decision, Event, Excerpt, Causes, Subscription, Unsubscribed, Lines, OpenRPC),
)
"""The shapes that are named in the description; the others are described in place."""
