"""How everything is now: the status, and the facts in which problems are found."""

from collections.abc import Sequence

import trio
from attrs import frozen

from wagman.model.shapes import Device, Problem, Status
from wagman.service.board_status import board_status
from wagman.service.parts import Parts
from wagman.service.problems import Facts
from wagman.service.status import Now, device_status, port_status, self_status, service_status, wagman_status
from wagman.tasks.guest import Guest


@frozen
class Overview:
    """Looks at all parts, and changes none."""

    parts: Parts

    def status(self, devices: Sequence[str] | None = None, problems: Sequence[Problem] = ()) -> Status:
        """How everything is, with a row for each of `devices` (None: for all), and with these problems."""
        parts = self.parts
        now = Now(trio.current_time(), parts.seams.stamp(), parts.journal.log_id)
        by_name = {name: self._row(guest, now) for name, guest in parts.guests.items()}
        own = {each.name: self_status(each, parts.io, parts.began, now) for each in parts.config.devices if each.is_self}
        table = sorted((by_name | own).values(), key=lambda row: row["port"])
        return {
            "service": service_status(now.s - parts.began_s, parts.boot_id),
            "board": board_status(parts.io, parts.supervisor.situation.environment, parts.routes.link_since, now),
            "wagman": wagman_status(parts.supervisor, now),
            "devices": [row for row in table if devices is None or row["name"] in devices],
            "ports": [port_status(name, each.port, parts.io, now.s) for name, each in parts.recollection.decided.left.items()],
            "problems": list(problems),
        }

    def _row(self, guest: Guest, now: Now) -> Device:
        hitch = self.parts.hitches.found.get(guest.config.name)
        return device_status(guest, self.parts.io, self.parts.supervisor.situation.environment, hitch, now)

    def facts(self) -> Facts:
        """What problems are found in."""
        parts, conditions, recollection = self.parts, self.parts.conditions, self.parts.recollection
        sensors = parts.supervisor.situation.environment.sensors
        return Facts(
            parts.config,
            self.status(),
            link_reason=parts.io.connection.down_reason if parts.io.connection else None,
            silent_reason=parts.io.silent_reason,
            unsteady_reason=parts.io.unsteady_reason,
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
