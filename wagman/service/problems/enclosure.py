"""Problems of the enclosure: hibernation, and sensors that give no readings."""

from collections.abc import Iterator, Mapping
from typing import Any

from wagman.service.problems.facts import Facts, Problem

ENCLOSURE_S = 120.0
"""How long a sensor may give no reading after the link has come up (chosen: a v4 board reports every minute)."""


def hibernating(facts: Facts) -> Iterator[Problem]:
    """The guests are down or being stopped, because the enclosure is too hot or too cold or an operator ordered it."""
    if facts.status["wagman"]["state"] not in ("will_hibernate", "hibernating"):
        return
    if (order := facts.status["wagman"]["hibernation"]) is not None:
        kept = f", but for {', '.join(order['keep'])}" if order["keep"] else ""
        text = f"hibernating: no guest runs until somebody wakes them{kept} ({order['reason']})"
        yield Problem("hibernating", "warning", text, "wagman wake; wagman start --force GUEST starts one guest all the same")
        return
    bad = [name for name, sensor in facts.status["sensors"].items() if sensor["state"] in ("high", "low")]
    look = f"look at what {' and '.join(bad)} measures" if bad else "check the fan, the filter and the shade"
    text = f"hibernating: no guest runs {_until(facts)}"
    yield Problem("hibernating", "warning", text, f"{look}; wagman start --force GUEST starts one guest all the same")


def _sensors(facts: Facts) -> Mapping[str, Any]:
    """Return all sensors: those of the enclosure's board, and the gauges."""
    of_board = facts.enclosure["sensors"] if facts.enclosure else {}
    return {**of_board, **facts.status["sensors"]}


def _until(facts: Facts) -> str:
    board = facts.enclosure or facts.status["board"]
    states = {name: sensor["state"] for name, sensor in _sensors(facts).items()}
    if bad := ", ".join(f"{name} {state}" for name, state in states.items() if state in ("high", "low")):
        return f"until the enclosure is as it should be again ({bad})"
    if (facts.enclosure and board["blind"]) or facts.unknown_sensors or "normal" not in states.values():
        return "until the enclosure is as it should be again (it was not, when last seen)"
    return "before hibernate_min is over, though the enclosure is as it should be again"


def sensor_unknown(facts: Facts) -> Iterator[Problem]:
    """A watched sensor of the enclosure's board gives no readings."""
    board = facts.enclosure
    if board is None or board["blind"]:
        return  # a board that is not seen gives no readings either, and is a problem of its own
    for name in facts.unknown_sensors:
        if name in facts.status["sensors"]:
            continue
        text = f"the sensor {name} gives no reading; its last reading goes on to count"
        do = "check the sensor and its plug; wagman status shows its last reading, and when that was"
        patience_s = 0.0 if _told_since_link_up(board, name) else ENCLOSURE_S
        yield Problem(f"sensor:{name}", "warning", text, do, board=board["name"], patience_s=patience_s)


def gauge_unknown(facts: Facts) -> Iterator[Problem]:
    """A gauge's command does not give its number."""
    for name, sensor in facts.status["sensors"].items():
        trouble, is_watched = sensor["trouble"], name in facts.config.environment.sensors
        is_silent = name in facts.unknown_sensors if is_watched else trouble is not None
        if not is_silent:
            continue
        counts = "; its last reading goes on to count" if is_watched else ""
        text = f"the sensor {name} gives no reading: {trouble or 'its command has not ended for a long time'}{counts}"
        do = f"run the command of [environment.{name}] as the service's user: it has to write one number"
        # A watched gauge counts as silent only after several tries, so no more patience is needed.
        yield Problem(f"sensor:{name}", "warning", text, do, patience_s=0.0 if is_watched else facts.config.environment.stale_s)


def _told_since_link_up(board: Mapping[str, Any], sensor: str) -> bool:
    age_s, link_for_s = board["sensors"].get(sensor, {}).get("age_s"), board["for_s"]
    return age_s is not None and link_for_s is not None and age_s < link_for_s
