"""The progress of a drill: events and status rows in, sentences out, and whether it has to be called off. No I/O."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from wagman.model.shapes import Device, Event, Status
from wagman.model.words import duration

STOP_S = 900.0
"""The guest is started once its power is off, or at the latest after this time (chosen: longer than most stops take)."""

RESTS: Final = ("will_hibernate", "hibernating")
"""The states of the node in which it keeps guests down."""

MARGIN_S = 20.0
"""The drill is called off so long before the service would cut the guest (chosen: time for many looks and an answer)."""


class Drill:
    """The drill of one guest, from when it is asked to stop."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.steps: list[str] = []
        self.awaits = "asked to halt"
        self.trouble = ""
        self.wants_start = False
        self.has_to_be_called_off = False
        self._at_s: dict[str, float] = {}  # when each step was, on one clock
        self._boots: dict[str, float] = {}  # the start of each run of the service on that clock
        self._media: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether the drill has failed, or the guest is up again."""
        return bool(self.trouble) or "started" in self._at_s

    @property
    def may_be_called_off(self) -> bool:
        """Whether the guest still has its power."""
        return "silent" not in self._at_s

    @property
    def took_s(self) -> float:
        """The time from the first step to the last."""
        return max(self._at_s.values()) - min(self._at_s.values()) if self._at_s else 0.0

    def heard(self, event: Event, here_s: float) -> None:
        """Take in an event. Within a run of the service its clock counts; runs are placed by our own clock."""
        if event["device"] != self.name or self.is_over:
            return
        zero_s = self._boots.setdefault(event["boot_id"], here_s - event["mono_s"])
        handler = _HANDLERS.get(event["type"])
        if handler is not None:
            handler(self, zero_s + event["mono_s"], event["fields"])

    def seen(self, status: Status) -> None:
        """Take in a status that was asked for meanwhile."""
        row = next((row for row in status["devices"] if row["name"] == self.name), None)
        if row is None:
            self.trouble = "its table is gone from the configuration"
        elif taken := self._taken_over(row, status):
            self.trouble = taken
        elif self.may_be_called_off and row["state"] in ("stopping", "restarting"):
            left_s = next((alarm["in_s"] for alarm in row["alarms"] if alarm["name"] == "timeout"), None)
            if left_s is not None and left_s <= MARGIN_S:
                self._call_off("it was told to halt, and goes on running" if "told" in self._at_s else "it goes on running")

    def _taken_over(self, row: Device, status: Status) -> str:
        """Return what somebody else has ordered meanwhile, so that nothing comes of the drill; empty if nobody has."""
        see, term = f"see wagman why {self.name}", row["term"]
        if row["state"] == "maintenance":
            return f"somebody has put it into maintenance meanwhile: {see}"
        # Our own order to stop has a term, which is never longer than this.
        if row["wanted"] == "down" and (term is None or term["in_s"] > STOP_S):
            return f"somebody else has stopped it meanwhile, and it stays down: {see}"
        if status["wagman"]["state"] in RESTS:
            return f"the guests are being taken down meanwhile, or are kept down: {see}"
        return ""

    def break_off(self, why: str) -> None:
        """End the drill early. A guest that has halted is started again by itself; before that it has to be called off."""
        if self.is_over:
            return
        if self.may_be_called_off:
            self._call_off(why)
        else:
            self.trouble = f"{why}; it is started again by itself"

    def document(self) -> Mapping[str, Any]:
        """The result for programs. Times are in seconds, null for steps that were not reached."""
        return {
            "guest": self.name,
            "outcome": "failed" if self.trouble else "done",
            "told_s": self._after("told", "asked"),
            "silent_s": self._after("silent", "asked"),
            "off_s": self._after("off", "asked"),
            "started_s": self._after("started", "starting"),
            "media": self._media,
            "reason": self.trouble or None,
        }

    def _after(self, step: str, before: str) -> float | None:
        at_s, from_s = self._at_s.get(step), self._at_s.get(before)
        return None if at_s is None or from_s is None else round(max(at_s - from_s, 0.0), 3)

    def _step(self, name: str, at_s: float, text: str, awaits: str) -> None:
        if name not in self._at_s:
            self._at_s[name] = at_s
            self.steps.append(text)
            self.awaits = awaits

    def _call_off(self, why: str) -> None:
        self.trouble, self.has_to_be_called_off = why, True

    # --- What happens -------------------------------------------------------------------------------------------------

    def on_stopping(self, at_s: float, _fields: Mapping[str, Any]) -> None:
        """The guest is asked to halt: the drill begins."""
        self._step("asked", at_s, "asked to halt", "its shutdown command runs")

    def on_message(self, at_s: float, fields: Mapping[str, Any]) -> None:
        """The shutdown command has ended. A command that failed may have reached the guest, but nobody can rely on that."""
        if "told" in self._at_s or "asked" not in self._at_s:
            return
        if fields.get("ok") is not True:
            said = str(fields.get("output") or "").strip().rpartition("\n")[2]
            self._call_off(f"its shutdown command failed: {fields.get('detail')}{': ' if said else ''}{said}")
            return
        took = duration(at_s - self._at_s["asked"])
        self._step("told", at_s, f"its shutdown command reached it after {took}", "halts")

    def on_stopped(self, at_s: float, fields: Mapping[str, Any]) -> None:
        """The power is cut. Without a silence before, the drill has failed."""
        silent_s = fields.get("silent_s")
        if not isinstance(silent_s, int | float):
            self.trouble = f"it did not fall silent: {fields.get('reason') or 'its power goes off'}"
            return
        fell_s = at_s - silent_s
        took = duration(max(fell_s - self._at_s.get("asked", fell_s), 0.0))
        self._step("silent", fell_s, f"it fell silent after {took}, and was for {duration(silent_s)}", "its power goes off")

    def on_off(self, at_s: float, _fields: Mapping[str, Any]) -> None:
        """The power was seen off: the guest is to be started."""
        if "silent" in self._at_s and "off" not in self._at_s:
            self._step("off", at_s, "its power was seen off", "waits for its start")
            self.wants_start = "starting" not in self._at_s

    def on_starting(self, at_s: float, _fields: Mapping[str, Any]) -> None:
        """The power is switched on."""
        if "silent" in self._at_s:
            self._step("starting", at_s, "it is being started", "boots")

    def on_started(self, at_s: float, fields: Mapping[str, Any]) -> None:
        """The guest was heard."""
        if "starting" in self._at_s:
            self._media = fields.get("media")
            source = f", from {self._media}" if self._media else ""
            self._step("started", at_s, f"it was up after {duration(at_s - self._at_s['starting'])}{source}", "")

    def on_start_failed(self, _at_s: float, _fields: Mapping[str, Any]) -> None:
        """The guest was not heard in time."""
        self.trouble = "it halted, and did not come up again; its start is tried again by itself: see wagman why " + self.name

    def on_power_lost(self, _at_s: float, _fields: Mapping[str, Any]) -> None:
        """The power was cut, and not by this service."""
        if "silent" not in self._at_s:
            self.trouble = "its power was lost meanwhile; it is started again by itself"


_Handler: TypeAlias = Callable[[Drill, float, Mapping[str, Any]], None]

_HANDLERS: Mapping[str, _Handler] = {
    "device.stopping": Drill.on_stopping,
    "device.message": Drill.on_message,
    "device.stopped": Drill.on_stopped,
    "device.off": Drill.on_off,
    "device.starting": Drill.on_starting,
    "device.started": Drill.on_started,
    "device.start_failed": Drill.on_start_failed,
    "device.power_lost": Drill.on_power_lost,
}
