"""Events in plain words: what happened to a device, as one would tell it."""

from collections.abc import Callable, Mapping
from typing import Any

from wagman.cli.text import duration, ordinal

Fields = Mapping[str, Any]


def sentence(event: Mapping[str, Any]) -> str:
    """What the event tells; an event of which nothing is known here is told by its type and fields."""
    known = _SENTENCES.get(event["type"])
    fields = event["fields"]
    if known is not None:
        return known(fields)
    what = event["type"].split(".")[-1].replace("_", " ") if event["type"].startswith("device.") else event["type"]
    details = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in fields.items() if value is not None)
    return f"{what}: {details}" if details else what


def start_words(fields: Fields) -> str:
    """From which medium, which attempt; what is not known is left out."""
    attempt, media = fields.get("attempt"), fields.get("media")
    parts = [f"{ordinal(attempt)} attempt"] if attempt else []
    parts += [f"from {media}"] if media else []
    return ", ".join(parts)


def _with(text: str, *more: str | None) -> str:
    """A statement, with what is known about it after commas."""
    return ", ".join([text, *filter(None, more)])


def _because(text: str, key: str = "reason") -> Callable[[Fields], str]:
    return lambda fields: f"{text}: {fields[key]}" if fields.get(key) else text


def _seconds(fields: Fields, key: str) -> str:
    return f"after {duration(fields[key])}" if fields.get(key) is not None else ""


def _command(verb: str) -> Callable[[Fields], str]:
    def told(fields: Fields) -> str:
        who = f"user {fields['uid']}" if fields.get("uid") is not None else "somebody"
        return _with(f"{who} asked to {verb} it", "by force" if fields.get("force") else None)

    return told


def _message(fields: Fields) -> str:
    how = "told to halt by its" if fields.get("ok") else "it could not be told to halt: its"
    return f"{how} {fields.get('message')} command{'' if fields.get('ok') else ' failed'}: {fields.get('detail')}"


_SENTENCES: Mapping[str, Callable[[Fields], str]] = {
    "device.stopped": _because("stopped"),
    "device.starting": lambda f: _with(_because("starting")(f), start_words(f), "to recover it" if f.get("recover") else None),
    "device.started": lambda f: _with("started", start_words(f)),
    "device.stable": lambda _: "up long enough to count as stable",
    "device.will_stop": _because("to be stopped once it has booted"),
    "device.stopping": _because("asked to halt"),
    "device.restarting": _because("asked to halt, for a new start"),
    "device.start_failed": lambda f: _with("start failed: no heartbeat", _seconds(f, "waited_s"), start_words(f)),
    "device.stop_failed": lambda f: _with("did not halt", _seconds(f, "after_s"), "so its power was cut"),
    "device.heartbeat_lost": lambda f: f"its heartbeat stopped: silent for {duration(f.get('silent_s', 0))}",
    "device.adopted": _because("found running, and taken over", "why"),
    "device.unexpected_heartbeat": _because("runs though it should not", "why"),
    "device.unexpected_power": _because("has power though it should not", "why"),
    "device.power_lost": _because("lost its power", "why"),
    "device.message": _message,
    "device.unrecoverable": lambda f: f"failed on both media, {f.get('failures', 'many')} times in a row",
    "device.brownout": lambda _: "the board browned out whenever it was switched on: held off until somebody starts it",
    "device.relay_stuck": lambda _: "its relay is stuck: it stays on",
    "wagman.start_next_device": lambda f: "its turn to be started" + (", to recover it" if f.get("recover") else ""),
    "wagman.start_refused": _because("its start was refused"),
    "wagman.start_stalled": lambda _: "its start came to nothing in time",
    "wagman.will_hibernate": lambda _: "too hot: guests are taken down",
    "wagman.hibernating": lambda _: "all guests are down, until the environment is normal",
    "wagman.normal": lambda _: "the Wagman is in normal operation",
    "environment.abnormal": lambda f: f"{f.get('sensor')} is {f.get('state')}: {f.get('value')}",
    "environment.normal": lambda f: f"{f.get('sensor')} is normal: {f.get('value')}",
    "environment.unknown": lambda f: f"{f.get('sensor')} is not known",
    "environment.released": lambda _: "no sensor tells any more: going on as if it were normal",
    "board.reset": lambda _: "the board restarted",
    "link.up": lambda _: "the link to the board came up",
    "link.down": _because("the link to the board went down"),
    "board.silent": _because("the board does not answer"),
    "service.started": lambda _: "the service started",
    "service.stopping": lambda _: "the service was stopped",
    "command.refused": _because("that was refused"),
    **{f"command.{verb}": _command(verb) for verb in ("start", "stop", "restart", "kill", "enable", "disable")},
}
