"""Writes docs/configuration.md from the classes: `python -m docs.make.configuration`, with `--check` to see if it is stale."""

import re
import sys
from collections.abc import Collection, Iterator
from importlib.util import find_spec

import attrs
from attrs import NOTHING

from docs.make.pages import begin, keep, table
from wagman.config.device_tables import OWN_KEYS
from wagman.config.ears import EarConfig
from wagman.config.enclosure import SENSORS, WATCHED_BY_DEFAULT, Bounds, EnvironmentConfig
from wagman.config.gauges import GaugeConfig
from wagman.config.keys import MOST_PARTS
from wagman.config.kinds import DURATION, HEARING, STILL_ON, WITNESS, Kind
from wagman.config.registry import BOARDS, EARS, Registry
from wagman.config.schema import DeviceConfig, NetworkConfig, WagmanConfig
from wagman.config.service import ServiceConfig
from wagman.config.setting import Setting, settings
from wagman.config.whole import MOST_FILES
from wagman.model.words import enumerated

MODULE = "docs.make.configuration"

INTRODUCTION = f"""\
# Configuration

{begin(MODULE)}

The service reads one TOML file, by default `/etc/wagman/wagman.toml`. `wagman check-config FILE` shows every error in a file,
with its line and key. With such a file the service does not start (exit code 2), unless systemd runs the service, and the
service has kept a copy of an earlier file without errors: see [Change the
configuration](installation.md#change-the-configuration). All that you need is a `[device.NAME]` table for each computer: every
other key has a default. `examples/wagman.toml` is a whole file with a comment for each part.

- Unknown keys and tables are errors: a misspelt key never is silently ignored.
- A file is UTF-8.

## In several files

Beside the main file there may be a folder `conf.d`, as in `/etc/wagman/conf.d`. The service also reads every file in it whose
name ends in `.toml` and does not begin with a dot. All files together are one configuration, so each guest may have a file of
its own.

- **Tables add.** `[device.gn]` in one file and `[device.cs]` in another are two guests; likewise `[board.NAME]`,
  `[network.NAME]` and `[environment.NAME]`.
- **The same table or key twice is an error** that names both places: no file takes the place of another.
- **The order does not matter**, neither of the tables nor of the names of the files.
- Each error is shown with its file and line. If one file has an error, or the folder cannot be read, the service takes over
  nothing.
- The service's user must be able to read the folder (`chmod a+rx`) and the files; `check-config` says if that user cannot.
- All files together have at most 64 KiB, and there are at most {MOST_FILES} of them. A key has at most {MOST_PARTS} parts, joined
  by dots.
- The copy that the service keeps of a right configuration (`last-good.toml`) is one file. A version before 0.2.0 does not know
  `conf.d`: **to go back to it, put all tables into the main file first.**

## Durations

A duration is a number of seconds (`90`, `0.5`), or a string of numbers with the units `d`, `h`, `min`, `s`, `ms`, longest
first and without blanks: `"90s"`, `"10min"`, `"1h30min"`, `"500ms"`. Each is from 0.1 s to a century.

## Where the defaults come from

*seed*: the design note that this project implements. *firmware*: the board itself demands it. *chosen*: this project decided
it; change it wherever your node needs another value.
"""

SECTIONS = (
    (
        "[service]",
        ServiceConfig,
        "Where the service keeps its files, how much it keeps, and who may use it. A `control_group` named here must exist.",
    ),
    ("[wagman]", WagmanConfig, "The scheduler: in which order, and how fast, guests start and stop."),
    ("[environment]", EnvironmentConfig, "When the enclosure counts as out of its bounds."),
)

BOARDS_TEXT = """\
What switches the guests on and off. Without this section there is one board, a Wagman. If there is one board, its keys are in
`[board]` itself, and its name is `board`. If there are several, each has a table `[board.NAME]`, and each guest names its board
by the key `board`. `kind` says what a board is; without it, the board is a `"wagman"`. For NAME the same rules hold as for the
name of a guest.
"""

NETWORK = """\
A network that guests are heard through, and its witnesses: who shows that the network works. A guest that does not answer may
be well while the network is down; only if somebody else on that network answers, it is the guest that is silent.
"""

EARS_TEXT = """\
`heartbeat` says how a guest is heard, `witness` who shows that a network works, and `still_on` what else must be silent before
the service takes a guest for halted. Each is a table; one of its keys says who is listened to, as in `{ http =
"http://gn:8081/health" }`. `heartbeat` and `witness` may also be a list of such tables; in a list, `{ board = true }` stands
for the board's own input. The service asks a witness only when it needs one, so a witness has neither `every` nor `network`.
"""

ENVIRONMENT = f"""\
The bounds of one sensor: of {", ".join(f"`{name}`" for name in SENSORS)}, which a Wagman reports, or of a number that a command
reads. A table states all bounds of its sensor: a bound that is missing does not exist, and the service does not watch a sensor
whose table has no bounds. Nor does it watch a sensor of the Wagman that has no table, except these:
"""

GAUGE = """\
A table with a `command` has these keys as well. NAME is as that of a guest. The charge of a battery, the volts of a panel: any
number will do, whatever boards there are. Without bounds the number is only shown. With bounds it counts as the sensors of a
Wagman do: the first start waits (at most `first_verdict`) until the service knows whether the number is within its bounds, and
`samples` readings in a row change that. A number that cannot be read is unknown: that changes nothing, and raises the problem
`sensor:NAME` with the reason.

A UPS through [NUT](https://networkupstools.org): below 30 % of charge the guests are halted one by one, and started again once
it is above 60 %. `upsc` says `Error: Data stale` and ends with 1 when the UPS does not answer; that is *unknown*, never 0 %.

```toml
[environment.ups_charge_pct]
command = ["upsc", "ups@localhost", "battery.charge"]
low = 30
hysteresis = 30
low_action = "hibernate"
```
"""

DEVICE = """\
One guest: a computer on a port of a board. `[defaults]` holds the same keys, except {own}, for all guests whose own table does
not have the key. NAME has 1 to 32 of the characters a-z, 0-9, _ and -, does not begin with -, and is neither a number nor
`all`.

At most one guest is the computer that the service itself runs on (`self = true`): on a Wagman that computer is on port 0, and
on any other board the service never switches its port. The service cuts the power of a guest without a heartbeat (`heartbeat =
false`) `stop_silence` after its shutdown message.
"""


def page() -> str:
    """The reference page."""
    return "\n".join([INTRODUCTION, *_boards(), *_sections(), *_environment(), *_device(), *_network(), *_ears()])


def existing(registry: Registry) -> list[type]:
    """The classes of the kinds of this package, as far as they are written."""
    modules = {kind: place.partition(":")[0] for kind, place in registry.built_in.items()}
    return [registry.load(kind) for kind, module in modules.items() if _exists(module)]


def _exists(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package that it is in
        return False


def _boards() -> Iterator[str]:
    yield f"## `[board]` and `[board.NAME]`\n\n{BOARDS_TEXT}"
    for section in existing(BOARDS):
        yield f'### `kind = "{section.kind}"`\n\n{section.about}\n\n{table_of(section)}'  # type: ignore[attr-defined]


def _sections() -> Iterator[str]:
    for title, section, text in SECTIONS:
        yield f"## `{title}`\n\n{text}\n\n{table_of(section)}"


def _environment() -> Iterator[str]:
    yield f"## `[environment.NAME]`\n\n{ENVIRONMENT}"
    for name, bounds in WATCHED_BY_DEFAULT.items():
        stated = "\n".join(f"{key} = {_shown(attribute, getattr(bounds, key))}" for key, attribute in settings(Bounds).items())
        yield f"```toml\n[environment.{name}]\n{stated}\n```\n"
    yield f"{table_of(Bounds)}\n{GAUGE}\n{table_of(GaugeConfig)}"


def _device() -> Iterator[str]:
    own = enumerated([f"`{key}`" for key in sorted(OWN_KEYS)])
    yield f"## `[device.NAME]` and `[defaults]`\n\n{DEVICE.format(own=own)}\n{table_of(DeviceConfig)}"


def _network() -> Iterator[str]:
    yield f"## `[network.NAME]`\n\n{NETWORK}\n{table_of(NetworkConfig)}"


def _ears() -> Iterator[str]:
    yield f"## Ears\n\n{EARS_TEXT}\nEach kind has these keys, and its own:\n\n{table_of(EarConfig)}"
    for section in existing(EARS):
        # What a kind has as all have is not said again.
        shared = {key for key, attribute in settings(EarConfig).items() if settings(section)[key] == attribute}
        yield f"### `{section.kind}`\n\n{section.about}\n\n{table_of(section, shared)}"  # type: ignore[attr-defined]


def table_of(section: type, without: Collection[str] = ()) -> str:
    """The keys that a table of this class may hold."""
    rows = [_row(key, attribute) for key, attribute in settings(section).items() if key not in without]
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
    if kind in (HEARING, STILL_ON, WITNESS):
        return re.sub(r"\bears?\b", r"[\g<0>](#ears)", kind.wants)
    return "[a duration](#durations)" if kind is DURATION else kind.wants


if __name__ == "__main__":
    sys.exit(keep(MODULE, lambda _: {"configuration.md": page()}))
