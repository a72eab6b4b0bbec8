"""What must hold for what exists once: the start order, the enclosure, files and ports that only the service may read."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePath

from wagman.config import secrets
from wagman.config.checks.subject import Subject, too_short
from wagman.config.enclosure import SENSORS, Bounds
from wagman.config.findings import Finding, dotted
from wagman.config.kinds import SERIAL_PORT, Kind, show
from wagman.config.positions import Path
from wagman.config.reading import listed, nearest_first
from wagman.config.schema import DeviceConfig
from wagman.config.setting import settings
from wagman.model.order import circles


def check_start_order(subject: Subject) -> Iterator[Finding]:
    """The start order names guests, each once."""
    devices = {device.name: device for device in subject.config.devices}
    seen: Counter[str] = Counter()
    for index, name in enumerate(subject.config.wagman.start_order):
        seen[name] += 1
        path: Path = ("wagman", "start_order", index)
        if name not in devices:
            yield Finding(path, f"{show(name)} is no guest; the guests are {listed(devices)}")
        elif devices[name].is_self:
            yield Finding(path, f"{show(name)} is the computer that this service runs on, which is never started: remove it")
        elif seen[name] == 2:  # noqa: PLR2004 - the second time is the one to report
            yield Finding(path, f"{show(name)} is named more than once: keep one")


def check_after(subject: Subject) -> Iterator[Finding]:
    """A guest comes after other guests, and never, by whatever way, after itself."""
    devices = {device.name: device for device in subject.config.devices}
    for device in devices.values():
        for index, name in enumerate(device.after):
            if message := _not_before(name, device, devices):
                yield Finding(("device", device.name, "after", index), message)
    others = {device.name: [name for name in device.after if name != device.name] for device in devices.values()}
    for circle in circles(others):
        way = ", which comes after ".join(map(show, (*circle[1:], circle[0])))
        yield Finding(
            ("device", circle[0], "after"), f"a circle: it comes after {way}, so that none could be started: remove one of them"
        )


def _not_before(name: str, device: DeviceConfig, devices: Mapping[str, DeviceConfig]) -> str:
    """Why a guest cannot come after the one of that name; empty: it can."""
    if device.is_self:
        return "the computer that this service runs on is never started: remove this key"
    if name == device.name:
        return f"{show(name)} cannot come after itself: remove it"
    if name not in devices:
        guests = [each for each in devices if each != device.name and not devices[each].is_self]
        return f"{show(name)} is no guest; the other guests are {listed(nearest_first(name, guests)) or 'none'}"
    if devices[name].is_self:
        return f"{show(name)} is the computer that this service runs on, which is always up: remove it"
    return ""


def check_environment(subject: Subject) -> Iterator[Finding]:
    """Every sensor with bounds can be measured, and its bounds leave room for normal readings."""
    for sensor, bounds in subject.config.environment.sensors.items():
        if subject.config.enclosure is None and sensor not in subject.config.environment.gauges:
            yield Finding(("environment", sensor), "no board of this file has sensors of the enclosure: remove this table")
        else:
            yield from _check_bounds(("environment", sensor), bounds)


def _check_bounds(path: Path, bounds: Bounds) -> Iterator[Finding]:
    if bounds.high is None or bounds.low is None:
        return
    if bounds.high <= bounds.low:
        yield Finding((*path, "high"), f"high ({bounds.high:g}) must be above low ({bounds.low:g})")
    elif bounds.hysteresis >= bounds.high - bounds.low:
        room = f"the {bounds.high - bounds.low:g} between low and high"
        yield Finding((*path, "hysteresis"), f"hysteresis ({bounds.hysteresis:g}) must be smaller than {room}")


def check_gauges(subject: Subject) -> Iterator[Finding]:
    """A gauge has a name that no board's sensor has, and is read often enough to be known."""
    environment, board = subject.config.environment, subject.config.enclosure
    for name, gauge in environment.gauges.items():
        path = ("environment", name)
        if name in SENSORS and board is not None:
            yield Finding((*path, "command"), f"a board reports {name}: give what this command reads another name")
        if not gauge.command:
            yield Finding((*path, "command"), "[] is no command: give the command that writes the number")
        least_s = 2 * gauge.every_s + gauge.timeout_s
        message = too_short("stale", environment.stale_s, least_s, "twice every and timeout together", "every") or ""
        if message:
            places = (*path, "every"), (*path, "timeout"), ("environment", "stale")
            yield Finding(subject.first_stated(*places), message, places)


def check_secrets(subject: Subject) -> Iterator[Finding]:
    """Files with secrets are not readable by everybody on this machine."""
    for path, value in named_files(subject, secrets.SECRET_FILE):
        if secrets.is_shown_to_others(value):
            yield Finding(path, f"everybody on this machine can read {value}: chmod o-r {value}")


def check_places(subject: Subject) -> Iterator[Finding]:
    """The control socket takes the place of nothing that the service keeps."""
    socket, state = PurePath(subject.config.service.socket), PurePath(subject.config.service.state_dir)
    is_around = socket in (state, *state.parents)
    is_kept = socket.parent == state and socket.name.startswith(KEPT)
    if is_around or is_kept:
        taken = "the folder of state_dir" if is_around else "a file that the service keeps in state_dir"
        yield Finding(
            ("service", "socket"), f"{socket} is {taken}: give the socket a name of its own", (("service", "state_dir"),)
        )


def check_serial_ports(subject: Subject) -> Iterator[Finding]:
    """A serial port is that of one board, or of one guest: two who read it would each get half."""
    taken = dict[PurePath, Path]()
    for path, port in named_files(subject, SERIAL_PORT):
        is_first = PurePath(port) not in taken
        first = taken.setdefault(PurePath(port), path)
        if not is_first:
            whose = "several guests" if first == path else f"{dotted(first)} as well"
            message = f"{port} is the port of {whose}, and only one can open it: give each a port of its own"
            yield Finding(path, message, (first,))


def named_files(subject: Subject, kind: Kind) -> Iterator[tuple[Path, str]]:
    """Each key of a board, an ear or a gauge that names a file of that kind, and the file."""
    for part, path in subject.parts:
        for key, attribute in settings(type(part)).items():
            value = getattr(part, attribute.name)
            if attribute.metadata["setting"].kind is kind and value is not None:
                yield (*path, key), value


KEPT = ("wagman.db", "decisions.json")
"""How the names of the files begin that the service keeps in its state directory."""

CHECKS = (check_start_order, check_after, check_environment, check_gauges, check_secrets, check_places, check_serial_ports)
