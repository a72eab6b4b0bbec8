"""Writes docs/configuration.md from the classes: `python -m docs.make.configuration`, with `--check` to see if it is stale."""

import sys
from collections.abc import Iterator

import attrs
from attrs import NOTHING

from docs.make.pages import begin, keep, table
from wagman.config.boards import WagmanBoard
from wagman.config.device_tables import OWN_KEYS
from wagman.config.kinds import DURATION, Kind
from wagman.config.schema import SENSORS, WATCHED_BY_DEFAULT, Bounds, DeviceConfig, EnvironmentConfig, ServiceConfig, WagmanConfig
from wagman.config.setting import Setting, settings

MODULE = "docs.make.configuration"

INTRODUCTION = f"""\
# Configuration

{begin(MODULE)}

The service reads one TOML file, by default `/etc/wagman/wagman.toml`. `wagman check-config FILE` shows everything that is
wrong with a file, each with its line and key; the service does not start on such a file (exit code 2), unless systemd runs it
and a copy of a right one was kept: see [Change the configuration](installation.md#change-the-configuration). A
`[device.NAME]` table for each computer is all that is needed: every other key has a default. `examples/wagman.toml` is a
whole file with a comment for each part.

- Unknown keys and tables are errors, so that a misspelt one is not silently without effect.
- A file has at most 64 KiB and is UTF-8.

## Durations

A duration is a number of seconds (`90`, `0.5`), or a string of numbers with the units `d`, `h`, `min`, `s`, `ms`, longest
first and without blanks: `"90s"`, `"10min"`, `"1h30min"`, `"500ms"`. Each is from 0.1 s to a century.

## Where the defaults come from

*seed* is the design note that this project implements, *firmware* is what the board itself dictates, and *chosen* is a
decision of this project, to be changed without much ado where a node needs it.
"""

SECTIONS = (
    ("[board]", WagmanBoard, "Where the board is, and how it speaks."),
    ("[service]", ServiceConfig, "The service's own places and bounds. A `control_group` that is named here must exist."),
    ("[wagman]", WagmanConfig, "The machine that starts and stops the guests."),
    ("[environment]", EnvironmentConfig, "What counts as a verdict on the enclosure."),
)

ENVIRONMENT = f"""\
The bounds of one sensor: {", ".join(f"`{name}`" for name in SENSORS)}. A table states all its bounds: what it leaves out is
unbounded, and an empty table leaves the sensor unwatched. A sensor without a table is not watched either, except these:
"""

DEVICE = """\
One computer on a port of the board. `[defaults]` holds the same keys, except {own}, for every device that does not say
otherwise. NAME has 1 to 32 of the characters a-z, 0-9, _ and -, does not begin with -, and is neither a number nor `all`.

At most one device is the computer that the service itself runs on (`self = true`, on port 0). A device that gives no
heartbeat (`heartbeat = false`) is cut `stop_silence` after its shutdown message.
"""


def page() -> str:
    """The reference page."""
    return "\n".join([INTRODUCTION, *_sections(), *_environment(), *_device()])


def _sections() -> Iterator[str]:
    for title, section, text in SECTIONS:
        yield f"## `{title}`\n\n{text}\n\n{_table(section)}"


def _environment() -> Iterator[str]:
    yield f"## `[environment.SENSOR]`\n\n{ENVIRONMENT}"
    for name, bounds in WATCHED_BY_DEFAULT.items():
        stated = "\n".join(f"{key} = {_shown(attribute, getattr(bounds, key))}" for key, attribute in settings(Bounds).items())
        yield f"```toml\n[environment.{name}]\n{stated}\n```\n"
    yield _table(Bounds)


def _device() -> Iterator[str]:
    own = " and ".join(f"`{key}`" for key in sorted(OWN_KEYS))
    yield f"## `[device.NAME]` and `[defaults]`\n\n{DEVICE.format(own=own)}\n{_table(DeviceConfig)}"


def _table(section: type) -> str:
    rows = [_row(key, attribute) for key, attribute in settings(section).items()]
    return table(("key", "default", "value", "what it is for"), rows)


def _row(key: str, attribute: "attrs.Attribute[object]") -> tuple[str, ...]:
    setting: Setting = attribute.metadata["setting"]
    return f"`{key}`", _default(attribute, setting), _wanted(setting.kind), setting.doc


def _default(attribute: "attrs.Attribute[object]", setting: Setting) -> str:
    match attribute.default:
        case None | ():
            return "none"
        case default if default is NOTHING:
            return "*required*"
        case default:
            return f"`{_shown(attribute, default)}` ({setting.source})"


def _shown(attribute: "attrs.Attribute[object]", value: object) -> str:
    return attribute.metadata["setting"].kind.show(value)  # type: ignore[no-any-return]


def _wanted(kind: Kind) -> str:
    return "[a duration](#durations)" if kind is DURATION else kind.wants


if __name__ == "__main__":
    sys.exit(keep(MODULE, lambda _: {"configuration.md": page()}))
