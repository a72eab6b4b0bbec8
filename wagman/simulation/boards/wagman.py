"""A fake Wagman of the simulated node, on a cable."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from random import Random

import trio
from attrs import define, evolve, field

from wagman.config.boards import RARE_PORT, BoardConfig, WagmanBoard, as_wagman
from wagman.config.ears import RARE_BEAT_S
from wagman.config.schema import DeviceConfig
from wagman.config.wagman import PORTS, SELECTOR_PORTS
from wagman.fake.control import ControlError
from wagman.fake.guests import GuestSpec
from wagman.fake.hardware import DirtyCut, RelayChange
from wagman.fake.serve import FakeBoard
from wagman.io.board.connection import Connector
from wagman.io.serial.transport import stream_opener
from wagman.io.serial.wired import Wired
from wagman.model.errors import CallerError
from wagman.model.facts import Port
from wagman.service.port import dialect_of
from wagman.simulation.boards.board import End, Onlookers
from wagman.simulation.boards.outlet import Outlet
from wagman.simulation.cable import Cable
from wagman.simulation.requests import requests_in
from wagman.simulation.scene_port import BEAT_S

HEARD = {"v3": (0, 1, 2, 3, 4), "v4": (0, 1, 2)}
"""The ports whose guests a board can hear: by a pin, or over serial lines (firmware). On port 2 a v4 board has a pin."""

LINES = {"v4": (0, 1)}
"""The ports whose guests have only a serial line."""

LAG_S = 0.25
"""How late the host notices the board's output, so that a reply comes in a few pieces and not in one for each value, which would
double the time of a run (chosen: about a main loop of the board).
"""


@define(eq=False, repr=False)
class Wagman:
    """A Wagman, its cable, and its guests."""

    config: WagmanBoard
    devices: Sequence[DeviceConfig]  # those on it
    rng: Random
    onlookers: Onlookers
    board: FakeBoard = field(init=False)
    cable: Cable = field(init=False)
    outlets: Mapping[Port, Outlet] = field(init=False)

    def __attrs_post_init__(self) -> None:
        guests = {device.port: self._spec(device) for device in self.devices}
        self.board = FakeBoard(dialect=self.dialect, guests=guests, rng=self.rng, lag_s=LAG_S, observe=self._moved)
        self.cable = Cable(self.board, self.rng, self._sent, self._heard)
        hardware = self.board.hardware
        self.outlets = {port: Outlet(hardware.guests[port], hardware.relays[port]) for port in PORTS}

    @property
    def dialect(self) -> str:
        """The dialect: the configured one; v3 if the service is to find out."""
        return "v4" if self.config.dialect == "v4" else "v3"

    def _spec(self, device: DeviceConfig) -> GuestSpec:
        """Return how a guest behaves: it beats unless it is configured without a heartbeat, as the controller is."""
        line = device.port in LINES.get(self.dialect, ()) and not device.is_self
        return evolve(GuestSpec(), beat_s=GuestSpec().beat_s if device.has_heartbeat else 0.0, line=line)

    @property
    def hears(self) -> Collection[Port]:
        """The ports whose guests it hears, by a pin or over a line."""
        return HEARD[self.dialect]

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the firmware."""
        await self.board.run(task_status)

    def connector(self, end: End, config: BoardConfig) -> Connector:
        """Return the way to it, a cable, for one life of the service."""
        wagman = as_wagman(config)
        return Wired(dialect_of(wagman.dialect), stream_opener(partial(self.cable.open, end)), wagman.device)

    # --- What is seen --------------------------------------------------------------------------------------------

    def _moved(self, change: RelayChange | DirtyCut) -> None:
        self.onlookers.moved(change)

    def _sent(self, data: bytes) -> None:
        for verb, *words in requests_in(data):
            about = words[0] if words else ""
            self.onlookers.sent(verb, int(about) if about.isdecimal() and int(about) in PORTS else None)

    def _heard(self, told_s: Mapping[int, float]) -> None:
        for port in told_s.keys() & self.outlets.keys():  # a v4 board numbers more than its ports
            self.outlets[port].tells(self.onlookers.now_s(), told_s[port])

    def can_be_seen(self, port: Port) -> bool:
        """Return whether its current sensor works, and its relay follows."""
        return f"cu{port}" not in self.board.hardware.dead_sensors and not self.outlets[port].relay.stuck

    def medium(self, port: Port) -> str | None:
        """Return the position of the port's selector; None without one."""
        return self.board.hardware.selectors[int(port)] if port in SELECTOR_PORTS else None

    def apart_s(self, port: Port) -> float:
        """Return the longest time between two beats: a v4 board misses most of the beats on its one pin."""
        return RARE_BEAT_S if port == RARE_PORT and self.dialect == "v4" else BEAT_S

    # --- What happens --------------------------------------------------------------------------------------------

    def happens(self, words: str) -> None:
        """Carry out a control command of the fake board."""
        with suppress(ControlError):  # a guest that does not follow
            self.board.control(words)

    def way(self, words: str) -> None:
        """Pull the cable, put it back, or have it delay or split the bytes."""
        match words.split():
            case ["out"]:
                self.board.unplug()
            case ["in"]:
                self.board.replug()
            case ["late", late_s]:
                self.cable.late_s = float(late_s)
            case ["pieces" | "whole" as how]:
                self.cable.pieces = how == "pieces"
            case _:
                raise CallerError(f"'cable {words}': nobody knows what that is")

    def halt(self, port: Port) -> bool:
        """Ask the guest on a port to shut down."""
        return self.board.halt(int(port))

    def catch_up(self) -> None:
        """Let the firmware run up to now."""
        self.board.status()

    def mend(self, doomed: Collection[Port]) -> None:
        """End all faults of board, cable, enclosure and guests."""
        self.board.fault("clear")
        for port in PORTS:
            self.board.control(f"eeprom failures {port} 0")
        self.board.temp(23.5)
        self.board.humidity(41)
        self.cable.late_s, self.cable.pieces = 0.0, False
        for device in self.devices:
            if device.port not in doomed:
                beat_s = self._spec(device).beat_s
                self.board.guest(device.port, f"boot=30,beat={beat_s:g},halt=10,hush=0,ignore=0,good=emmc+sd,flap=0")
        if not self.board.plugged:
            self.board.replug()
