"""What must hold for each board and the guests on it."""

from collections.abc import Hashable, Iterator

from wagman.config import durations
from wagman.config.boards import BoardConfig
from wagman.config.checks.subject import Subject, too_short
from wagman.config.findings import Finding
from wagman.config.kinds import show
from wagman.config.positions import Path
from wagman.config.reading import listed, nearest_first
from wagman.config.schema import DeviceConfig
from wagman.model.facts import Port

HEARTBEAT_POLLS = 3
"""How many polls must fit into the patience with a guest (chosen: a v4 board shows one beat in each, and one may be lost)."""


def check_kinds(subject: Subject) -> Iterator[Finding]:
    """The checks of each board's own kind."""
    for board in subject.boards:
        for finding in board.findings(subject.config, subject.config.devices_on(board.name)):
            path, *rests_on = (_placed(subject, board, each) for each in (finding.path, *finding.rests_on))
            yield Finding(subject.first_stated(path, *rests_on, path), finding.message, (path, *rests_on))


def _placed(subject: Subject, board: BoardConfig, path: Path) -> Path:
    """The path in the document of a path that a kind of board gave."""
    if path[0] == "device" and len(path) == len(("device", "NAME", "KEY")):
        by_name = {device.name: device for device in subject.config.devices}
        return subject.source(by_name[str(path[1])], str(path[2]))
    return (*subject.of_board(board, str(path[0])), *path[1:])


def check_poll(subject: Subject) -> Iterator[Finding]:
    """A board is polled often enough to see that a guest on it beats."""
    for guest, board in subject.hung:
        if not guest.is_self and guest.hears_board:
            yield from _check_poll(subject, guest, board)


def _check_poll(subject: Subject, guest: DeviceConfig, board: BoardConfig) -> Iterator[Finding]:
    least_s = HEARTBEAT_POLLS * board.poll_s
    message = too_short("heartbeat_timeout", guest.heartbeat_timeout_s, least_s, f"{HEARTBEAT_POLLS} times poll", "poll")
    if message:
        path, patience = subject.of_board(board, "poll"), subject.source(guest, "heartbeat_timeout")
        blamed = subject.first_stated(path, patience)
        yield Finding(blamed, message, (path, patience, subject.source(guest, "heartbeat")))


def check_ports(subject: Subject) -> Iterator[Finding]:
    """No two guests are on one port, also if two tables describe one board."""
    boards = {board.name: board for board in subject.boards}
    units = {name: board.unit for name, board in boards.items() if board.unit is not None}
    taken = dict[tuple[Hashable, Port], DeviceConfig]()
    for device in subject.config.devices:
        first = taken.setdefault((units.get(device.board, device.board), device.port), device)
        if first is not device:
            whose = "" if first.board == device.board else f"{first.plug} by another table of the same board, and "
            message = f"{device.plug} is {whose}already that of {show(first.name)}: give each guest a port of its own"
            tables = [subject.of_board(boards[each.board], "")[:-1] for each in (first, device) if each.board in boards]
            yield Finding(("device", device.name, "port"), message, (*subject.of_place(device), *tables))


def check_self(subject: Subject) -> Iterator[Finding]:
    """At most one guest is the controller itself, and it is on the controller's port, if its board has one."""
    selves = [device for device in subject.config.devices if device.is_self]
    for device in selves[1:]:
        message = f"{show(selves[0].name)} is already the computer that this service runs on: only one guest can be"
        yield Finding(("device", device.name, "self"), message)
    for device, board in subject.hung:
        if device.is_self:
            yield from _check_self(subject, device, board)


def _check_self(subject: Subject, device: DeviceConfig, board: BoardConfig) -> Iterator[Finding]:
    if not device.enabled and subject.states(("device", device.name, "enabled")):
        message = "the computer that this service runs on is never switched: remove this key"
        yield Finding(("device", device.name, "enabled"), message)
    if board.self_port is not None and device.port != board.self_port:
        message = f"the computer that this service runs on is on port {board.self_port}, not on {device.port}"
        yield Finding(("device", device.name, "self"), message, subject.of_place(device))


def check_media(subject: Subject) -> Iterator[Finding]:
    """Only a port with a selector has a primary medium."""
    for device, board in subject.hung:
        if device.primary is not None and device.port not in board.selectors:
            message = f"port {device.port} has no boot-media selector of its own: remove this key"
            yield Finding(("device", device.name, "primary"), message, subject.of_place(device))


def check_ways(subject: Subject) -> Iterator[Finding]:
    """A guest through which boards are reached can always be switched on again, and is never switched off for long."""
    boards = [board.name for board in subject.config.boards]
    for device, board in subject.hung:
        own = ("device", device.name, "leads_to")
        for index, name in enumerate(device.leads_to):
            if name not in boards:
                wanted = listed(nearest_first(name, boards))
                yield Finding((*own, index), f"there is no board called {show(name)}; those that there are: {wanted}")
        if device.leads_to and device.is_self:
            yield Finding(own, "the computer that this service runs on is never switched: remove this key")
        elif board.name in _led_to(subject, device) and not board.pulses:
            message = (
                f"it leads to its own board {show(board.name)}, which nobody could reach once this guest is off: put it on a "
                "board that switches a port off and on by one command (shelly, tasmota, or mqtt with pulse), or on one that is "
                "reached otherwise"
            )
            yield Finding(own, message, subject.of_place(device))
        elif device.leads_to and board.pulses and durations.is_shorter(board.longest_pulse_s, device.off_time_s):
            yield _too_long(subject, device, board)
        if device.leads_to and not device.enabled:
            message = f"it leads to {listed(device.leads_to)}, not reached while it is off: remove this key, or leads_to"
            yield Finding(subject.source(device, "enabled"), message, (own,))


def _too_long(subject: Subject, device: DeviceConfig, board: BoardConfig) -> Finding:
    longest = durations.show(board.longest_pulse_s)
    message = (
        f"off_time is {durations.show(device.off_time_s)}, and what leads to a board is switched off and on by one command of "
        f"its own, {show(board.name)}, which can wait for {longest} at most"
    )
    return Finding(subject.source(device, "off_time"), message, (("device", device.name, "leads_to"),))


def _led_to(subject: Subject, device: DeviceConfig) -> set[str]:
    """The boards that are not reached while a guest is off, also because what is on those boards is off as well."""
    found, ahead = set[str](), list(device.leads_to)
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += [each for other in subject.config.devices_on(name) for each in other.leads_to]
    return found


CHECKS = (check_poll, check_ports, check_self, check_media, check_ways)
