"""The row of the controller, the computer that the service runs on, in the `status` of the control interface."""

from wagman.config.schema import DeviceConfig
from wagman.io.board.task import Board
from wagman.model.shapes import Device
from wagman.service.status import Now, lasting, port_readings
from wagman.tasks.moments import Beginning


def self_status(device: DeviceConfig, board: Board, since: Beginning, now: Now) -> Device:
    """Return the row of the controller. No machine looks after it; it is up, since the service runs on it."""
    return {
        "name": device.name,
        "board": device.board,
        "port": device.port,
        "self": True,
        "state": "started",
        **lasting(since, now),
        "reason": "the service runs on it",
        "wanted": "up",
        "enabled": True,
        "disabled_by": None,
        "power": {"wanted": "on", "confirmed": True, "evidence": "sensed"},
        "media": device.primary,
        "attempts": 0,
        "failures": 0,
        "unrecoverable": False,
        "heartbeat_age_s": None,
        "sources": [],
        **port_readings(device.port, board, now.s),
        "after": [],
        "waits_for": [],
        "alarms": [],
        "next_start_in_s": None,
        "term": None,
        "held": False,
        "relay_stuck": False,
        "relay_dead": False,
        "heard_off": False,
        "command_trouble": None,
        "has_shutdown": False,
    }
