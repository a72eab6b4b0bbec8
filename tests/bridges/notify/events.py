"""Events as the service tells them."""

from collections.abc import Mapping
from typing import Any

from wagman.bridges.notify.rules import DAY_S, Moment


def event(number: int | None, type_: str = "device.start_failed", device: str | None = "gn", **fields: Any) -> dict[str, Any]:
    """An event of the first day of 2026; what happened at the same `at_s` after its midnight is told apart by its number."""
    at_s = fields.pop("at_s", number or 0)
    hour, rest = divmod(int(at_s), 3600)
    time = f"2026-01-01T{hour % 24:02}:{rest // 60:02}:{rest % 60:02}.000Z"
    return {
        "id": number,
        "time": time,
        "clock": "set",
        "boot_id": "b",
        "mono_s": float(at_s),
        "type": type_,
        "device": device,
        "cause": None,
        "fields": fields,
    }


def problem(id_: str, severity: str = "critical", text: str = "it is not fed", do: str = "feed it") -> Mapping[str, Any]:
    return {"id": id_, "severity": severity, "text": text, "do": do, "device": None, "since": "2026-01-01T00:00:00.000Z"}


def began(number: int | None, id_: str, severity: str = "critical", text: str = "it is not fed") -> dict[str, Any]:
    fields = {key: value for key, value in problem(id_, severity, text).items() if key not in ("device", "since")}
    return event(number, "problem.began", None, **fields)


def ended(number: int | None, id_: str, text: str = "it is not fed") -> dict[str, Any]:
    return event(number, "problem.ended", None, id=id_, severity="critical", text=text, after_s=90.0)


def at(seconds: float) -> Moment:
    """A moment of the first day, or of a later one."""
    return Moment(seconds, seconds % DAY_S)
