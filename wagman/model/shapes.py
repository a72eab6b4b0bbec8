"""The JSON objects of the control socket, typed once: the machine-readable description and the page are derived from them.

Each class is the shape of a JSON object, and a plain dict at run time: building and sending one costs nothing more, and a
program that reads one imports nothing heavy. `Annotated` says what a property means if its name does not.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, NotRequired, TypeAlias, TypedDict

Since: TypeAlias = Annotated[str | None, "since when, by the wall clock"]
ForS: TypeAlias = Annotated[float | None, "for how long, by the controller's own clock"]
SinceId: TypeAlias = Annotated[int | None, "the event that it began with"]
Reason: TypeAlias = Annotated[str | None, "why, in words"]
AgeS: TypeAlias = Annotated[float | None, "how long ago that was read"]
Counts: TypeAlias = Annotated[float | None, "what the converter shows, in counts"]
Watts: TypeAlias = Annotated[float | None, "what it draws, where the board meters it"]
CurrentMa: TypeAlias = Annotated[float | None, "what it draws, where the counts can be converted"]
Stale: TypeAlias = Annotated[bool, "the board is not seen: what was read is in `last` only"]
PortName: TypeAlias = Annotated[int | str, "the port of the board that it is on: a number on a Wagman"]
BoardName: TypeAlias = Annotated[str, "the board that it is on"]
LogId: TypeAlias = Annotated[str | None, "the name of the log"]
FirstId: TypeAlias = Annotated[int, "the first event that the log has"]
LastId: TypeAlias = Annotated[int, "the last event that the log has"]


# --- Status -----------------------------------------------------------------------------------------------------------


class Alarm(TypedDict):
    """A timer of a machine."""

    name: str
    in_s: Annotated[float, "in how long it is due"]
    held: Annotated[bool, "it is due, and what it waits for has not been seen"]
    waits_for: Annotated[str | None, "what that is: `silence` that is proved, or an `answer` of the board"]


class Sensor(TypedDict):
    """A sensor of the enclosure."""

    value: Annotated[float | None, "what it reads, while that is known"]
    last: Annotated[float | None, "what it read last"]
    age_s: AgeS
    state: Annotated[
        Literal["normal", "high", "low", "unknown"], "against its bounds; unknown where `value` is null, or has yet to be judged"
    ]


class Gauge(Sensor):
    """A number that a command reads."""

    trouble: Annotated[str | None, "why it did not the last time"]


class Service(TypedDict):
    """The service itself."""

    version: str
    uptime_s: Annotated[float, "for how long it runs"]
    boot_id: Annotated[str, "names this run of the service"]


class Board(TypedDict):
    """A board and the way to it."""

    name: Annotated[str, "what the configuration calls it"]
    kind: Annotated[str, "what sort of board it is"]
    link: Literal["up", "down"]
    dialect: Annotated[str | None, "what it speaks"]
    device: Annotated[str, "where it is looked for"]
    firmware: str | None
    board_id: str | None
    boots: Annotated[int | None, "how often it has started, by its own count"]
    since: Since
    for_s: Annotated[float | None, "for how long the link is as it is"]
    reason: Annotated[str | None, "why it is not seen"]
    blind: Annotated[bool, "it is not seen: nobody knows how the guests are powered"]
    last_answer_age_s: Annotated[float | None, "how long ago it answered last"]
    sensors: Annotated[dict[str, Sensor], "by name, with the unit"]


class Hibernation(TypedDict):
    """An operator's order for all guests."""

    reason: str
    who: Annotated[str, "the process that asked"]
    uid: int | None
    at: Annotated[str, "when, by the wall clock of then"]
    keep: Annotated[list[str], "guests that go on running"]


class Wagman(TypedDict):
    """The scheduler."""

    state: str
    since: Since
    for_s: ForS
    since_id: SinceId
    device: Annotated[str | None, "the guest whose turn it is"]
    hibernation: Annotated[Hibernation | None, "what an operator has ordered; null: the enclosure alone decides"]
    alarms: Annotated[list[Alarm], "the next one first"]


class Power(TypedDict):
    """The power of a guest."""

    wanted: Literal["on", "off"]
    confirmed: Annotated[bool, "the board has shown that it is as wanted"]
    evidence: Annotated[
        Literal["sensed", "told", "assumed", None],  # noqa: PYI061 - one enum in the schema
        "sensed: its current, or a sign of life; told: the board says so; assumed: the board has only replied to the command",
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

    name: Annotated[str, "what is listened to"]
    heard: Annotated[bool, "it was heard at least once; one that never was proves nothing"]
    age_s: Annotated[float | None, "how long ago this run of the service heard it last"]
    trouble: Annotated[str | None, "why nobody can listen to it"]
    still_on: Annotated[bool, "no sign of life: it has to be silent, too, before a guest counts as halted"]


class Network(TypedDict):
    """A network that guests are heard through."""

    name: str
    unproved: Annotated[bool, "none of its witnesses has answered for a while: no silence is proved there"]


class Term(TypedDict):
    """An operator's order for one guest that holds for a while."""

    kind: Literal["stop", "maintenance"]
    in_s: Annotated[float, "in how long it ends, by the controller's own clock"]


class DeviceWords(TypedDict):
    """A guest in the words of the commands; only if `words` asks for them."""

    lasting: Annotated[str, "for how long it is as it is, as in `for 4 min 57 s`; empty where that is not known"]
    beat: Annotated[str, "how long ago it was heard, with a mark where its board is not seen"]
    current: Annotated[str, "what it draws, or drew when its board was seen last"]
    notes: Annotated[list[str], "what is worth knowing beside its state"]
    unseen: Annotated[str | None, "that its board is not seen, and for how long"]
    not_started: Annotated[str | None, "what keeps it from being started, where it is stopped"]
    coming: Annotated[list[str], "what happens next if nothing else does"]


class StatusWords(TypedDict):
    """The node in the words of the commands; only if `words` asks for them."""

    boards: Annotated[dict[str, str], "each board: where it is, and whether it can be seen"]
    sensors: Annotated[list[str], "what the enclosure is like"]
    wagman: Annotated[str, "what goes on, for how long, and by whose order"]
    problems: Annotated[list[str], "each problem, and for how long it stands"]
    devices: Annotated[dict[str, DeviceWords], "each device of those that were asked about"]


class Device(TypedDict):
    """A guest, or the computer that the service runs on."""

    name: str
    board: BoardName
    port: PortName
    self: Annotated[bool, "it is the computer that the service runs on"]
    state: str
    since: Since
    for_s: ForS
    since_id: SinceId
    reason: Reason
    wanted: Annotated[Literal["up", "down"], "what the operator wants"]
    enabled: Annotated[bool, "it may be started"]
    disabled_by: Annotated[
        Literal["configuration", "operator", None],  # noqa: PYI061 - one enum in the schema
        "who keeps it from being started",
    ]
    power: Power
    media: Annotated[str | None, "what it boots from"]
    attempts: Annotated[int, "how often its power was switched on since it was stable last"]
    failures: Annotated[int, "failed starts since then"]
    unrecoverable: Annotated[bool, "it does not come up, from whichever medium, and that was reported"]
    heartbeat_age_s: Annotated[float | None, "how long ago it was heard last"]
    sources: Annotated[list[Source], "how it is heard, where that is not on its board alone"]
    current_ma: CurrentMa
    watts: Watts
    current_raw: Counts
    temperature_raw: Counts
    stale: Stale
    last: Readings
    after: Annotated[list[str], "those that it is started after"]
    waits_for: Annotated[list[str], "those that its start, or its stop, waits for now"]
    alarms: Annotated[list[Alarm], "the next one first"]
    next_start_in_s: Annotated[float | None, "in how long it is started; null where something else than time is in its way"]
    term: Annotated[Term | None, "what is ordered for a while"]
    held: Annotated[bool, "it is locked out: the board browns out whenever it is switched on"]
    relay_stuck: Annotated[bool, "its relay stays on, however often it is switched off"]
    command_trouble: Annotated[str | None, "why it cannot be asked to halt"]
    has_shutdown: Annotated[bool, "there is a command that asks it to halt; without one, a stop cuts it while it runs"]


class Port(TypedDict):
    """A port whose table in the configuration is gone, and that may have power."""

    board: BoardName
    port: PortName
    board_name: Annotated[str, "what the board calls it"]
    was: Annotated[str, "the guest that was on it"]
    power: Literal["on", "unknown"]
    current_ma: CurrentMa
    watts: Watts
    current_raw: Counts
    temperature_raw: Counts
    stale: Stale
    last: Readings


class Problem(TypedDict):
    """Something that calls for a person."""

    id: Annotated[str, "the same whenever the same trouble is found"]
    severity: Annotated[
        Literal["critical", "warning", "notice"],
        "critical: a guest is down, or may lose its power, or nobody can tell; notice: it calls for nobody, as in maintenance",
    ]
    since: Annotated[str, "since when, by the wall clock"]
    for_s: ForS
    device: Annotated[str | None, "what it is about"]
    board: Annotated[str | None, "what it is about"]
    text: Annotated[str, "what is wrong"]
    do: Annotated[str, "what to do about it"]


class Status(TypedDict):
    """The node and everything on it."""

    service: Service
    board: Annotated[Board, "the first of them"]
    boards: Annotated[list[Board], "in the order of the configuration"]
    wagman: Wagman
    devices: Annotated[list[Device], "in the order of their ports"]
    networks: Annotated[list[Network], "those that guests are heard through"]
    sensors: Annotated[dict[str, Gauge], "those that commands read, by name; what a board reports is in `boards`"]
    ports: Annotated[list[Port], "those that have no table any more, and may have power"]
    problems: Annotated[list[Problem], "the worst first"]
    words: NotRequired[Annotated[StatusWords, "the same for people"]]


# --- What else the methods give ---------------------------------------------------------------------------------------


class Versions(TypedDict):
    """Who answers, and what the caller may do."""

    service: str
    version: str
    boot_id: Annotated[str, "names this run of the service"]
    role: Annotated[Literal["read", "operate", "control"], "what who asks may do, as each method says what it needs"]
    may: Annotated[list[str], "the methods that who asks may call"]


class Decision(TypedDict):
    """The answer to a command: accepted or not. Its outcome comes later, as events."""

    accepted: bool
    state: Annotated[str, "the state of the guest by now"]
    reason: Annotated[str, "why, in words"]
    event_id: Annotated[int | None, "the event that tells of it"]


class Event(TypedDict):
    """Something that happened."""

    id: Annotated[int | None, "its place in the log; null while the log cannot be written"]
    time: Annotated[str, "by the wall clock"]
    boot_id: Annotated[str, "names the run of the service"]
    mono_s: Annotated[float, "how long that run had lasted"]
    type: str
    device: str | None
    cause: Annotated[int | None, "the event that led to it"]
    fields: Annotated[Mapping[str, Any], "docs/events.md lists them"]
    durable: NotRequired[Annotated[bool, "false: it has no id yet"]]
    clock: NotRequired[Annotated[str, "`unset`: the wall clock had not been set"]]
    words: NotRequired[Annotated[str, "what happened, in a sentence"]]
    severity: NotRequired[Annotated[Literal["info", "warning", "critical"], "how grave it is"]]


class Excerpt(TypedDict):
    """A part of the log."""

    log_id: LogId
    first_id: FirstId
    last_id: LastId
    events: Annotated[list[Event], "the oldest first"]


class Causes(TypedDict):
    """An event, and what led to it."""

    events: Annotated[list[Event], "the newest first"]


class Subscription(TypedDict):
    """A subscription that has begun."""

    subscription: Annotated[int, "names it on this connection"]
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
