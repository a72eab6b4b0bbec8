"""Events in plain words: what happened to a device, as one would tell it."""

from collections.abc import Callable, Mapping
from typing import Any

from wagman.cli.text import duration, ordinal, reading

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


def _sensed(fields: Fields) -> str:
    return f"{reading(str(fields.get('sensor')), fields.get('value'))}, which is {fields.get('state')}"


def _said(fields: Fields) -> str:
    """What the board says; of which of its ports, where no device is configured on it."""
    port = f" of its port {fields['port']} ({fields.get('board_name')})" if fields.get("port") is not None else ""
    return f"the board says{port}: {fields.get('text')}"


def _list(fields: Fields, key: str) -> str:
    return ", ".join(map(str, fields.get(key) or ())) or "nothing"


def _warned(text: str) -> Callable[[Fields], str]:
    return lambda fields: f"{text}; {'; '.join(fields['warnings'])}" if fields.get("warnings") else text


def _failed(what: str) -> Callable[[Fields], str]:
    return lambda fields: f"a defect in {what} {fields.get('task') or fields.get('method')}: {fields.get('error')}"


def _unfed(fields: Fields) -> str:
    when = f"in {duration(fields['in_s'])}" if fields.get("in_s") is not None else "within an hour"
    return f"nobody feeds the controller: the board power-cycles it {when}"


def _going_down(fields: Fields) -> str:
    how = "it shuts down" if fields.get("shut_down") else f"it could not be shut down: {fields.get('error')}"
    return f"the board is about to cut the controller: {how}"


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
    "device.heartbeat_lost": lambda f: f"its heartbeat stopped: silent for {duration(f.get('silent_s') or 0)}",
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
    "environment.abnormal": _sensed,
    "environment.normal": _sensed,
    "environment.unknown": lambda f: reading(str(f.get("sensor")), None),
    "environment.released": lambda _: "no sensor tells any more: going on as if it were normal",
    "board.reset": lambda _: "the board restarted",
    "board.log": _said,
    "board.dialect": lambda f: f"the board speaks {f.get('dialect')}",
    "board.unsupported": _because("the board cannot be supported"),
    "board.unmanaged": lambda f: f"the board has counted {f.get('failures')} failures, and gives it up at {f.get('limit')}",
    "link.up": lambda _: "the link to the board came up",
    "link.down": _because("the link to the board went down"),
    "board.silent": _because("the board does not answer"),
    "service.started": _warned("the service started"),
    "service.stopping": _because("the service ends", "because"),
    "service.task_failed": _failed("the task"),
    "service.task_stuck": lambda f: f"the task {f.get('task')} hangs: the service will be restarted",
    "service.request_failed": _failed("the request"),
    "service.reloaded": lambda f: f"changed: {_list(f, 'changed')}; left for a restart: {_list(f, 'needs_restart')}",
    "service.config_refused": lambda f: f"the configuration is wrong, {f.get('instead')} counts: {_list(f, 'problems')}",
    "service.config_not_kept": _warned("no copy of the configuration could be kept"),
    "controller.going_down": _going_down,
    "controller.unfed": _unfed,
    "problem.began": lambda f: f"{f.get('text')}: {f.get('do')}",
    "problem.ended": lambda f: _with(f"over: {f.get('text')}", _seconds(f, "after_s")),
    "store.opened": lambda f: "a new log was begun" if f.get("new") else "the log was opened",
    "store.damaged": lambda f: f"the log was damaged and set aside as {f.get('set_aside')}: {f.get('reason')}",
    "store.unavailable": _because("the log cannot be written"),
    "store.recovered": lambda f: _with("the log can be written again", _seconds(f, "after_s")),
    "store.dropped": lambda f: f"{f.get('count')} events were lost before they could be written",
    "command.refused": _because("that was refused"),
    "command.denied": lambda f: f"user {f.get('uid')} asked for {f.get('method')}, and may not",
    "command.board": lambda f: f"user {f.get('uid')} forced a command upon the board: {f.get('command')}",
    **{f"command.{verb}": _command(verb) for verb in ("start", "stop", "restart", "kill", "enable", "disable")},
}
