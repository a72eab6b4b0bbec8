"""The configuration of the demonstration: a real file, with durations that suit a spectator."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from wagman.config.schema import DeviceConfig, WagmanConfig
from wagman.config.setting import settings

PYTHON: Final = (sys.executable, "-P")
"""The interpreter; it looks for modules where it is installed, and not in the current folder."""

GUESTS: Final = ("gn", "cs", "x1")
"""The guests, in the order of their starts; their ports follow from `PORTS`."""

PORTS: Final = {"nc": 0, "gn": 1, "cs": 2, "x1": 3}

BOOT_S: Final = 25
"""How long gn and cs take from power to their first heartbeat."""

BEAT_S: Final = 8
"""How often gn and cs beat: their pins move once a second."""

FAST_BEAT_S: Final = 0.8
"""How often cs beats on a v4 board, which sees few moves of a pin that is slower (docs/boards.md): ten moves a second."""

WAGMAN: Final[Mapping[str, Any]] = {"normal_interval": "10s", "hibernate_interval": "20s", "hibernate_min": "1min"}

DEFAULTS: Final[Mapping[str, Any]] = {
    "start_timeout": "45s",
    "start_timeout_max": "1min",
    "heartbeat_timeout": "1min",
    "stop_silence": "30s",
    "adopt_window": "20s",
    "command_timeout": "2min",
    "allowed_attempts": 2,
    "backoff_min": "10s",
    "stable_after": "1min",
}
"""Time-outs of commands are longer than by default: the clock runs fast, and commands do not."""


def seconds(key: str, defaults: Mapping[str, Any] = DEFAULTS) -> float:
    """Return a duration of the configuration, in board seconds."""
    return float(settings(DeviceConfig)[key].metadata["setting"].kind.read(defaults[key]))


def deviations(wagman: Mapping[str, Any] = WAGMAN, defaults: Mapping[str, Any] = DEFAULTS) -> Iterator[str]:
    """Yield each key that differs from its default, with the default."""
    for section, table in ((WagmanConfig, wagman), (DeviceConfig, defaults)):
        for key, value in table.items():
            attribute = settings(section)[key]
            default = attribute.metadata["setting"].kind.show(attribute.default)
            yield f"{key} = {json.dumps(value)} (default {default})"


def send_command(control: Path, *words: str) -> Sequence[str]:
    """Return the command line that sends one control command to the fake board."""
    return *PYTHON, "-m", "wagman", "fake-board", "--send", str(control), *words


def fake_guests(dialect: str) -> Sequence[str]:
    """Return the guests as options of the fake board: x1, a modem, gives no heartbeat; the service feeds the controller's."""
    cs_beat_s = FAST_BEAT_S if dialect == "v4" else BEAT_S
    return f"gn:boot={BOOT_S},beat={BEAT_S}", f"cs:boot={BOOT_S},beat={cs_beat_s}", "x1:beat=0", "nc:beat=0"


def config_text(folder: Path, dialect: str) -> str:
    """Return the configuration file."""
    fast = {"cs": {"beat_interval": "10s"}} if dialect == "v4" else {}
    tables: dict[str, Mapping[str, Any]] = {
        "board": {"device": str(folder / "tty"), "dialect": dialect},
        "service": {"socket": str(folder / "wagman.sock"), "state_dir": str(folder / "state")},
        "wagman": {"start_order": list(GUESTS), **WAGMAN},
        "defaults": DEFAULTS,
        "device.nc": {"port": PORTS["nc"], "self": True},
        **{f"device.{name}": {**_beating(name, folder / "control"), **fast.get(name, {})} for name in ("gn", "cs")},
        "device.x1": {"port": PORTS["x1"], "heartbeat": False, "shutdown": []},
    }
    return written(tables)


def written(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Return these tables as TOML."""
    return "\n".join(_table(name, values) for name, values in tables.items())


def _beating(name: str, control: Path) -> Mapping[str, Any]:
    """Return the table of a guest that gives heartbeats, and halts when asked to."""
    return {"port": PORTS[name], "shutdown": list(send_command(control, "halt", name))}


def _table(name: str, values: Mapping[str, Any]) -> str:
    return "\n".join((f"[{name}]", *(f"{key} = {_value(value)}" for key, value in values.items()), ""))


def _value(value: Any) -> str:
    """Return a value as TOML. All values here but tables are the same in JSON."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_value(each)}' for key, each in value.items())} }}"
    return json.dumps(value)
