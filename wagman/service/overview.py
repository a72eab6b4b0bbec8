"""The present state of everything: the status, and the facts that the finders of problems read."""

from collections.abc import Sequence

import trio
from attrs import evolve, frozen

from wagman.config.schema import DeviceConfig
from wagman.io.board.task import Board
from wagman.model import shapes
from wagman.model.shapes import Device, Problem, Status
from wagman.service.board_status import board_status, unseen
from wagman.service.parts import Parts
from wagman.service.problems import Facts
from wagman.service.self_status import self_status
from wagman.service.status import Now, device_status, port_status, service_status, wagman_status


@frozen
class Overview:
    """Looks at all parts, and changes none."""

    parts: Parts

    def status(self, devices: Sequence[str] | None = None, problems: Sequence[Problem] = ()) -> Status:
        """Return the status of everything.

        Args:
            devices: the guests to have a row each; None: all.
            problems: the problems to show.
        """
        parts = self.parts
        now = Now(trio.current_time(), parts.seams.stamp(), parts.journal.log_id)
        boards = [self._board(board, now) for board in parts.boards.values()]
        left = parts.recollection.decided.left
        return {
            "service": service_status(now.s - parts.began_s, parts.boot_id),
            "board": boards[0],
            "boards": boards,
            "wagman": wagman_status(parts.supervisor, now),
            "devices": [self._row(each, now) for each in parts.config.devices if devices is None or each.name in devices],
            "networks": [] if parts.hearings is None else parts.hearings.shown_networks(),
            "sensors": parts.gauges.shown(parts.supervisor.situation.environment, now.s),
            "ports": [port_status(name, each.port, parts.boards[each.board], now.s) for name, each in left.items()],
            "problems": list(problems),
        }

    def _board(self, board: Board, now: Now) -> shapes.Board:
        is_judged = board.name == self.parts.config.enclosure
        environment = self.parts.supervisor.situation.environment
        since = self.parts.routes.link_since[board.name]
        return board_status(board, environment if is_judged else evolve(environment, sensors={}), since, now)

    def _row(self, device: DeviceConfig, now: Now) -> Device:
        parts, board = self.parts, self.parts.boards[device.board]
        if device.is_self:
            return self_status(device, board, parts.began, now)
        hitch = parts.hitches.found.get(device.name)
        row = device_status(parts.guests[device.name], board, parts.supervisor.situation.environment, hitch, now)
        row["waits_for"] = list(parts.routes.waits_for(device.name))
        if parts.hearings is not None:
            row["sources"] = parts.hearings.shown(device.name, now.s)
        return row

    def facts(self) -> Facts:
        """Return the facts that the finders of problems read."""
        parts, conditions, recollection = self.parts, self.parts.conditions, self.parts.recollection
        sensors = parts.supervisor.situation.environment.sensors
        return Facts(
            parts.config,
            self.status(),
            unseen={name: unseen(board) for name, board in parts.boards.items()},
            log_reason=parts.journal.broken,
            refusal=conditions.refusal,
            needs_restart=conditions.needs_restart,
            socket_reason=conditions.socket_reason,
            stuck_tasks=parts.progress.stuck(),
            unknown_sensors=tuple(name for name, sensor in sensors.items() if sensor.silent),
            clock_set=parts.journal.clock_set,
            unfed_s=parts.controller.unfed_s(),
            unread_reason=None if recollection.unread is None else recollection.unread.reason,
            unread_off=recollection.held_off,
            unkept_reason=recollection.file.keeper.broken,
            unknown_guests=recollection.first_day,
        )
