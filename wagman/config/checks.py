"""What must hold between the values of a configuration: each check yields what is wrong and what to do about it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from attrs import frozen

from wagman.config import durations
from wagman.config.boards import BoardConfig
from wagman.config.findings import Finding
from wagman.config.kinds import show
from wagman.config.positions import Path
from wagman.config.schema import RARE_BEAT_S, SILENT_BEATS, Bounds, Config, DeviceConfig
from wagman.config.setting import settings
from wagman.model.facts import Plug

HEARTBEAT_POLLS = 3
"""How many polls fit into the patience with a guest (chosen: a v4 board tells of one beat in each, and one may be lost)."""

LONGEST_POLL_S = 600.0
"""The board waits for an hour for a heartbeat, and gets the controller's, and those of a guest that it has not heard for 45
minutes, with a poll (firmware; chosen: one that is lost costs nobody the power)."""

CONTROLLER_PORT = 0
"""The port that the board's firmware treats as the node controller's (firmware)."""


@frozen
class Subject:
    """What a check looks at: the values, and the document that shows where each was stated."""

    config: Config
    document: Mapping[str, Any]

    def states(self, path: Path) -> bool:
        """Whether the document has this key."""
        table: Any = self.document
        for part in path:
            if not isinstance(table, dict) or part not in table:
                return False
            table = table[part]
        return True

    def source(self, device: DeviceConfig, key: str) -> Path:
        """Where the value that counts for this device comes from: its own table, or `[defaults]` where only that has it."""
        own, shared = ("device", device.name, key), ("defaults", key)
        return shared if self.states(shared) and not self.states(own) else own

    def of_board(self, board: BoardConfig, key: str) -> Path:
        """Where a board has this key: in `[board]`, or in its own table."""
        is_named = isinstance(self.document.get("board", {}).get(board.name), dict)
        return ("board", board.name, key) if is_named else ("board", key)

    def of_place(self, device: DeviceConfig) -> tuple[Path, ...]:
        """What says where a device hangs: its port, its board, and of which kind that is."""
        kinds = (self.of_board(board, "kind") for board in self.config.boards if board.name == device.board)
        return (("device", device.name, "port"), self.source(device, "board"), *kinds)


@frozen
class AtLeast:
    """A rule between two durations of a guest: `key` is at least `times` as long as `other`."""

    key: str
    other: str
    times: int = 1
    of_heartbeats: bool = False  # means nothing to a guest without

    def applies_to(self, device: DeviceConfig) -> bool:
        """Whether this device has to obey it."""
        return not device.is_self and (device.has_heartbeat or not self.of_heartbeats)

    def broken_by(self, subject: Subject, device: DeviceConfig) -> Iterator[Finding]:
        """The finding, blamed on a key that the file states."""
        value, other = _value(device, self.key), _value(device, self.other)
        if durations.is_shorter(value, self.times * other):
            wanted = f"{self.times} times {self.other}" if self.times > 1 else self.other
            message = (
                f"{self.key} is {durations.show(value)}, and must be at least {wanted}, which is "
                f"{durations.show(self.times * other)}: raise {self.key} or lower {self.other}"
            )
            first, second = subject.source(device, self.key), subject.source(device, self.other)
            blamed = first if subject.states(first) else second
            yield Finding(blamed, message, (second, subject.source(device, "heartbeat")))


AT_LEAST = (
    AtLeast("start_timeout_max", "start_timeout"),
    AtLeast("backoff_max", "backoff_min"),
    AtLeast("heartbeat_timeout", "beat_interval", SILENT_BEATS, of_heartbeats=True),
    AtLeast("stop_silence", "beat_interval", SILENT_BEATS, of_heartbeats=True),
)


def check_all(subject: Subject) -> Iterator[Finding]:
    """Every finding of every check."""
    for check in CHECKS:
        yield from check(subject)


def check_durations(subject: Subject) -> Iterator[Finding]:
    """The durations of each guest fit together."""
    for device in subject.config.devices:
        for rule in AT_LEAST:
            if rule.applies_to(device):
                yield from rule.broken_by(subject, device)


def check_poll(subject: Subject) -> Iterator[Finding]:
    """The board is asked often enough for what it waits for, and for a guest that beats to be seen beating."""
    for board in subject.config.boards:
        yield from _check_poll(subject, board)


def _check_poll(subject: Subject, board: BoardConfig) -> Iterator[Finding]:
    if durations.is_shorter(LONGEST_POLL_S, board.poll_s):
        message = (
            f"poll is {durations.show(board.poll_s)}, and must be at most {durations.show(LONGEST_POLL_S)}: "
            "the board cuts what it was not given a heartbeat for in time"
        )
        yield Finding(subject.of_board(board, "poll"), message)
        return
    for device in subject.config.guests_on(board.name):
        if device.has_heartbeat and durations.is_shorter(device.heartbeat_timeout_s, HEARTBEAT_POLLS * board.poll_s):
            yield _rare_poll(subject, board, device)


def _rare_poll(subject: Subject, board: BoardConfig, device: DeviceConfig) -> Finding:
    """Blamed on a key that the file states."""
    poll_s, path, patience = board.poll_s, subject.of_board(board, "poll"), subject.source(device, "heartbeat_timeout")
    message = (
        f"heartbeat_timeout is {durations.show(device.heartbeat_timeout_s)}, and must be at least {HEARTBEAT_POLLS} times poll, "
        f"which is {durations.show(HEARTBEAT_POLLS * poll_s)}: raise heartbeat_timeout or lower poll"
    )
    blamed = path if subject.states(path) else patience
    return Finding(blamed, message, (path, patience, subject.source(device, "heartbeat")))


def check_ports(subject: Subject) -> Iterator[Finding]:
    """No two devices hang on one port."""
    taken = dict[Plug, str]()
    for device in subject.config.devices:
        first = taken.setdefault(device.plug, device.name)
        if first != device.name:
            message = f"{device.plug} is already that of {show(first)}: give each device a port of its own"
            yield Finding(("device", device.name, "port"), message, subject.of_place(device))


def check_self(subject: Subject) -> Iterator[Finding]:
    """At most one device is the controller itself, and it hangs on the controller's port."""
    selves = [device for device in subject.config.devices if device.is_self]
    for device in selves[1:]:
        message = f"{show(selves[0].name)} is already the computer that this service runs on: only one device can be"
        yield Finding(("device", device.name, "self"), message)
    for device in selves:
        if not device.enabled and subject.states(("device", device.name, "enabled")):
            message = "the computer that this service runs on is never switched: remove this key"
            yield Finding(("device", device.name, "enabled"), message)
        if device.port != CONTROLLER_PORT:
            message = f"the computer that this service runs on hangs on port {CONTROLLER_PORT}, not on {device.port}"
            yield Finding(("device", device.name, "self"), message, subject.of_place(device))


def check_shutdown(subject: Subject) -> Iterator[Finding]:
    """Each guest can be asked to halt, or may be cut."""
    for device in subject.config.devices:
        if device.shutdown is None and not device.is_self:
            message = "missing: give the command that asks this guest to halt, or [] if its power may simply be cut"
            yield Finding(
                ("device", device.name, "shutdown"), message, (("device", device.name, "self"), ("defaults", "shutdown"))
            )
        elif device.shutdown and device.restart == ():
            message = "[] cuts the power at a restart, and shutdown says that this guest is to be asked first: remove this key"
            yield Finding(subject.source(device, "restart"), message, (subject.source(device, "shutdown"),))


def check_media(subject: Subject) -> Iterator[Finding]:
    """Only a port with a selector has a primary medium."""
    for device in subject.config.devices:
        selectors = {port for board in subject.config.boards if board.name == device.board for port in board.selectors}
        if device.primary is not None and device.port not in selectors:
            message = f"port {device.port} has no boot-media selector of its own: remove this key"
            yield Finding(("device", device.name, "primary"), message, subject.of_place(device))


def check_start_order(subject: Subject) -> Iterator[Finding]:
    """The start order names guests, each once."""
    devices = {device.name: device for device in subject.config.devices}
    seen: Counter[str] = Counter()
    for index, name in enumerate(subject.config.wagman.start_order):
        seen[name] += 1
        path: Path = ("wagman", "start_order", index)
        if name not in devices:
            yield Finding(path, f"{show(name)} is no device; the devices are {_listed(devices)}")
        elif devices[name].is_self:
            yield Finding(path, f"{show(name)} is the computer that this service runs on, which is never started: remove it")
        elif seen[name] == 2:  # noqa: PLR2004 - the second time is the one to report
            yield Finding(path, f"{show(name)} is named more than once: keep one")


def check_environment(subject: Subject) -> Iterator[Finding]:
    """Between the bounds of each sensor there is room for what is normal."""
    for sensor, bounds in subject.config.environment.sensors.items():
        yield from _check_bounds(("environment", sensor), bounds)


def _check_bounds(path: Path, bounds: Bounds) -> Iterator[Finding]:
    if bounds.high is None or bounds.low is None:
        return
    if bounds.high <= bounds.low:
        yield Finding((*path, "high"), f"high ({bounds.high:g}) must be above low ({bounds.low:g})")
    elif bounds.hysteresis >= bounds.high - bounds.low:
        room = f"the {bounds.high - bounds.low:g} between low and high"
        yield Finding((*path, "hysteresis"), f"hysteresis ({bounds.hysteresis:g}) must be smaller than {room}")


def advise(subject: Subject) -> Iterator[Finding]:
    """What is right, and may not be what somebody wants."""
    for device in subject.config.guests:
        rare = device.has_heartbeat and device.port in subject.config.board_of(device).rare_ports
        if rare and not subject.states(subject.source(device, "beat_interval")):
            yield from _short_silence(subject, device)


def _short_silence(subject: Subject, device: DeviceConfig) -> Iterator[Finding]:
    """The file states a silence that a v4 board may show of a guest that beats."""
    wanted_s = SILENT_BEATS * RARE_BEAT_S
    for key in ("stop_silence", "heartbeat_timeout"):
        source, stated_s = subject.source(device, key), _value(device, key)
        if subject.states(source) and durations.is_shorter(stated_s, wanted_s):
            message = (
                f"warning: {key} is {durations.show(stated_s)}, and a v4 board shows the beats of a slow pin on port 2 up to "
                f"{durations.show(RARE_BEAT_S)} apart: a guest that runs may be taken for silent. Take "
                f"{durations.show(wanted_s)}; where it beats faster or over its line, say so with beat_interval"
            )
            yield Finding(source, message)


def _value(device: DeviceConfig, key: str) -> float:
    seconds: float = getattr(device, settings(DeviceConfig)[key].name)
    return seconds


def _listed(names: Iterable[str]) -> str:
    return ", ".join(show(name) for name in names)


CHECKS: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    check_durations,
    check_poll,
    check_ports,
    check_self,
    check_shutdown,
    check_media,
    check_start_order,
    check_environment,
)
