"""A service without machines: a real journal, and devices that start and stop after a set time."""

import math
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import trio
from attrs import define, field

from wagman.api.service import Asker, UnknownBoardError, UnknownDeviceError
from wagman.model.errors import BoardProtocolError, BoardRefusedError, BoardTimeoutError, CallerError, LinkGoneError
from wagman.model.facts import Draft, Verb
from wagman.store import Blocking, Journal, Limits, Receipt, Store, inline
from wagman.store.event import rfc3339

BOOT_ID = "boot-1"

BOARD_ERRORS = {
    "bad": BoardRefusedError("the board says: invalid command"),
    "gone": LinkGoneError("the link is down"),
    "odd": BoardProtocolError("'7x' is no number"),
    "slow": BoardTimeoutError("the board did not answer in 5 s"),
}


@define
class Guest:
    """What a device of this service does."""

    name: str
    port: int
    is_self: bool = False
    state: str = "stopped"
    wanted: str = "down"
    enabled: bool = True
    on: bool = False
    confirmed: bool = True
    boot: float = 0.05  # seconds to the first heartbeat; inf: never
    halt: float = 0.05
    confirm: float = 0.05  # seconds from stopped to power confirmed off; inf: the relay is stuck
    fails: int = 0  # so many starts fail before one succeeds
    attempts: int = 0
    failures: int = 0
    since: str = "2026-01-31T12:00:00.000Z"
    since_s: float = field(factory=time.monotonic)
    event: Receipt | None = None  # with which the state began
    reason: str = "never started"
    run: int = 0  # a newer command ends what an older one began


def guests() -> dict[str, Guest]:
    named = [Guest("nc", 0, is_self=True, state="started", on=True), Guest("gn", 1), Guest("cs", 2), Guest("x1", 3)]
    return {each.name: each for each in named}


@define(eq=False)
class FakeService:
    """Implements `wagman.api.service.Service`."""

    journal: Journal
    nursery: trio.Nursery
    guests: dict[str, Guest] = field(factory=guests)
    wagman: str = "normal"
    link: str = "up"
    boot_id: str = BOOT_ID
    asked: list[tuple[Any, ...]] = field(factory=list)
    looks: int = 0  # how often the status was asked for
    trouble: Exception | None = None  # raised by `hello`
    problems: list[Mapping[str, Any]] = field(factory=list)
    began_s: float = field(factory=trio.current_time)

    def hello(self) -> Mapping[str, Any]:
        if self.trouble is not None:
            raise self.trouble
        return {"service": "wagman", "version": "0.1", "boot_id": self.boot_id}

    def device_name(self, device: str) -> str:
        for each in self.guests.values():
            if device in (each.name, str(each.port)):
                return each.name
        raise UnknownDeviceError(device)

    def status(self, devices: Sequence[str] | None = None, *, words: bool = False) -> Mapping[str, Any]:
        self.looks += 1
        since = "2026-01-31T12:00:00.000Z"
        sensors = {
            "temperature_c": {"value": 23.5, "last": 23.5, "age_s": 2.0, "state": "normal"},
            "humidity_pct": {"value": None, "last": None, "age_s": None, "state": "unknown"},
            "current_ma": {"value": 640, "last": 640, "age_s": 2.0, "state": "normal"},
        }
        up = self.link == "up"
        board = {
            "name": "board",
            "kind": "wagman",
            "link": self.link,
            "dialect": "v3",
            "device": "/dev/waggle_sysmon",
            "firmware": "1.0.4",
            "board_id": None,
            "boots": 1,
            "since": since,
            "for_s": 3600.0,
            "reason": None if up else "Permission denied: /dev/waggle_sysmon",
            "blind": not up,
            "last_answer_age_s": 2.0 if up else None,
            "sensors": sensors,
        }
        return {
            "service": {"version": "0.1", "uptime_s": round(trio.current_time() - self.began_s, 3), "boot_id": self.boot_id},
            "board": board,
            "boards": [board],
            "wagman": {
                "state": self.wagman,
                "since": since,
                "for_s": 3600.0,
                "since_id": None,
                "device": None,
                "hibernation": None,
                "alarms": [],
            },
            "problems": self.problems,
            "networks": [],
            "sensors": {},
            "ports": [],
            "devices": [row(each) for each in self.guests.values() if devices is None or each.name in devices],
        }

    async def command(
        self, verb: Verb, device: str, *, force: bool, asker: Asker, for_s: float | None = None
    ) -> Mapping[str, Any]:
        self.asked.append((verb, device, force, asker.uid))
        guest = self.guests[device]
        obstacle = self.obstacle(verb, guest, force)
        ref = self.record(f"command.{verb}", device, **asker.fields, accepted=not obstacle)
        await ref.settled(1)
        if not obstacle:
            self.carry_out(verb, guest)
        reason = obstacle or "so be it"
        return {"accepted": not obstacle, "state": guest.state, "reason": reason, "event_id": ref.refs[0].id}

    async def hibernate(self, reason: str, keep: Sequence[str], *, asker: Asker) -> Mapping[str, Any]:
        return await self.command_all("hibernate", {**asker.fields, "reason": reason, "keep": sorted(keep)})

    async def wake(self, *, asker: Asker) -> Mapping[str, Any]:
        return await self.command_all("wake", asker.fields)

    async def command_all(self, verb: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        ref = self.record(f"command.{verb}", None, **fields, accepted=True)
        await ref.settled(1)
        return {"accepted": True, "state": self.wagman, "reason": "so be it", "event_id": ref.refs[0].id}

    def obstacle(self, verb: Verb, guest: Guest, force: bool) -> str:
        if guest.is_self:
            return "it is the computer that the service runs on"
        if verb in ("start", "restart") and not guest.enabled:
            return "it is disabled: enable it first"
        if verb in ("start", "restart") and self.wagman == "hibernating" and not force:
            return "hibernating: the environment forbids it"
        return ""

    def carry_out(self, verb: Verb, guest: Guest) -> None:
        guest.run += 1
        guest.enabled = guest.enabled if verb not in ("enable", "disable") else verb == "enable"
        if verb in ("start", "restart"):
            guest.wanted = "up"
        elif verb != "enable":
            guest.wanted = "down"
        match verb:
            case "start" if guest.state != "started":
                guest.failures = 0
                guest.attempts = 0
                self.enter(guest, "starting")
                self.nursery.start_soon(self.started, guest, guest.run)
            case "restart":
                self.enter(guest, "restarting")
                self.nursery.start_soon(self.restarted, guest, guest.run)
            case "stop" | "disable" if guest.state != "stopped":
                self.enter(guest, "stopping")
                self.nursery.start_soon(self.stopped, guest, guest.run)
            case "kill":
                self.enter(guest, "stopped", reason="killed by the operator")
                self.nursery.start_soon(self.cut, guest, guest.run)

    async def restarted(self, guest: Guest, run: int) -> None:
        await trio.sleep(guest.halt)
        if guest.run == run:
            self.enter(guest, "starting")
            await self.started(guest, run)

    async def started(self, guest: Guest, run: int) -> None:
        guest.on, guest.confirmed = True, True
        guest.attempts += 1
        await sleep(guest.boot)
        if guest.run != run:
            return
        if guest.failures < guest.fails:
            guest.failures += 1
            self.record("device.start_failed", guest.name, attempt=guest.attempts, media="emmc", waited_s=guest.boot)
            self.enter(guest, "stopped", reason="its start failed", due_in_s=0.1)
            await trio.sleep(0.1)
            self.enter(guest, "starting")
            await self.started(guest, run)
        else:
            self.enter(guest, "started", attempt=guest.attempts, media="sd" if guest.attempts > 1 else "emmc")

    async def stopped(self, guest: Guest, run: int) -> None:
        await sleep(guest.halt)
        if guest.run == run:
            self.enter(guest, "stopped", reason="asked by the operator")
            await self.cut(guest, run)

    async def cut(self, guest: Guest, run: int) -> None:
        guest.confirmed = False
        await sleep(guest.confirm)
        if guest.run == run:
            guest.on, guest.confirmed = False, True
            self.record("device.off", guest.name)

    def enter(self, guest: Guest, state: str, **fields: Any) -> None:
        guest.state, guest.reason, guest.since = state, fields.get("reason", ""), rfc3339(datetime.now(UTC))
        guest.since_s = time.monotonic()
        guest.event = self.record(f"device.{state}", guest.name, **fields)

    def record(self, type_: str, device: str | None = None, **fields: Any) -> Receipt:
        return self.journal.record([(Draft(type_, device, fields), None)])

    async def heartbeat(self, device: str, *, uid: int) -> Mapping[str, Any]:
        self.asked.append(("heartbeat", device, uid))
        return {"accepted": True, "state": self.guests[device].state, "reason": "counted", "event_id": None}

    async def board(self, command: str, *, force: bool, uid: int, board: str | None = None) -> Sequence[str]:
        """Some words make it fail, some arrange what happens next; to all others it answers two lines."""
        if board not in (None, "board"):
            raise UnknownBoardError(board, ["board"])
        first, *words = command.split()
        if first in ("start", "stop", "ping") and not force:
            raise CallerError("it would fight the service: use --force to send it all the same")
        if first in BOARD_ERRORS:
            raise BOARD_ERRORS[first]
        if first == "defect":
            raise ZeroDivisionError
        return self.arrange(first, *words)

    def arrange(self, what: str, *words: str) -> Sequence[str]:
        match what, words:
            case "guest", (name, *pairs):
                for key, value in (pair.split("=") for pair in pairs):
                    self.set(self.guests[name], key, value)
            case "looks", ():
                return [str(self.looks)]
            case "reset", ():
                self.guests, self.wagman, self.link, self.problems = guests(), "normal", "up", []
            case "wagman" | "link", (state,):
                setattr(self, what, state)
            case "record", (type_, *device):
                self.record(type_, *device)
            case "problem", (severity, id_, *text):
                self.problems.append(problem(severity, id_, " ".join(text)))
            case _:
                return ["7187", "100"]
        return []

    def set(self, guest: Guest, key: str, value: str) -> None:
        kind = type(getattr(guest, key))
        setattr(guest, key, value == "True" if kind is bool else kind(value.replace("_", " ")))


def problem(severity: str, id_: str, text: str) -> dict[str, Any]:
    """The device is what stands behind the colon of the id."""
    told = {"id": id_, "severity": severity, "text": text, "do": f"mend {id_}", "board": None}
    return {**told, "since": "2026-01-31T12:00:00.000Z", "for_s": 200.0, "device": id_.partition(":")[2] or None}


async def sleep(seconds: float) -> None:
    if seconds == math.inf:
        await trio.sleep_forever()
    await trio.sleep(seconds)


def row(guest: Guest) -> dict[str, Any]:
    up = guest.state != "stopped"
    return {
        "name": guest.name,
        "board": "board",
        "port": guest.port,
        "self": guest.is_self,
        "state": guest.state,
        "since": guest.since,
        "for_s": round(time.monotonic() - guest.since_s, 3),
        "since_id": guest.event.refs[0].id if guest.event else None,
        "reason": guest.reason,
        "wanted": guest.wanted,
        "enabled": guest.enabled,
        "disabled_by": None if guest.enabled else "operator",
        "power": {"wanted": "on" if up else "off", "confirmed": guest.confirmed and guest.on == up, "evidence": None},
        "media": "emmc" if guest.port < 2 else None,
        "attempts": guest.attempts,
        "failures": guest.failures,
        "unrecoverable": False,
        "heartbeat_age_s": 3.0 if guest.state == "started" else None,
        "sources": [],
        "current_ma": 480 if guest.on else 0,
        "watts": None,
        "current_raw": None,
        "temperature_raw": 512,
        "stale": False,
        "last": {"current_ma": 480 if guest.on else 0, "watts": None, "current_raw": None, "temperature_raw": 512, "age_s": 2.0},
        "after": [],
        "waits_for": [],
        "alarms": [{"name": "heartbeat", "in_s": 297.0, "held": False, "waits_for": None}] if guest.state == "started" else [],
        "next_start_in_s": None,
        "term": None,
        "held": False,
        "relay_stuck": False,
        "relay_dead": False,
        "heard_off": False,
        "command_trouble": None,
        "has_shutdown": True,
    }


@asynccontextmanager
async def fake_service(
    path: Path | None = None, boot_id: str = BOOT_ID, blocking: Blocking = inline
) -> AsyncIterator[FakeService]:
    """The service, with its journal running; without a path its log is gone in the end."""
    with tempfile.TemporaryDirectory() as directory:
        path = path or Path(directory) / "wagman.db"
        store = Store(path, Limits(5000, 2**24), new_log_id=lambda: uuid4().hex)
        journal = Journal(store, boot_id=boot_id, tell=lambda event: None, blocking=blocking)
        await journal.load()
        async with trio.open_nursery() as outer:
            await outer.start(journal.run)
            async with trio.open_nursery() as inner:
                yield FakeService(journal, inner, boot_id=boot_id)
                inner.cancel_scope.cancel()
            outer.cancel_scope.cancel()
