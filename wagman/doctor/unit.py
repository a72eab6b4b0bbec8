"""The service's unit: how systemd looks after it, and what it lets the service do."""

import fnmatch
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attrs import frozen

from wagman.config.installer import installer
from wagman.doctor.asking import output
from wagman.doctor.found import Found
from wagman.systemd.install import COMMAND, UNIT, UNITS, data, own_command

NAME = "wagman.service"

SYSTEMD = Path("/run/systemd/system")
"""The directory that exists where systemd runs (sd_booted(3))."""

_SHOWN = ("LoadState", "ActiveState", "SubState", "Result", "NeedDaemonReload", "WatchdogUSec", "StatusText")

ALWAYS = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "char-pts")
"""Devices that any unit may use, unless its policy is strict (systemd.resource-control(5))."""


@frozen
class Unit:
    """The unit as systemd knows it; `text` is that of its files, with the drop-ins."""

    text: str
    shown: Mapping[str, str]
    enabled: Mapping[str, str]  # the answer of `systemctl is-enabled`, by unit

    @property
    def is_there(self) -> bool:
        """Whether there is such a unit."""
        return self.shown.get("LoadState") == "loaded"


def runs_systemd() -> bool:
    """Whether systemd looks after this machine."""
    return SYSTEMD.is_dir()


def unit() -> Unit | None:
    """Return the unit; None where systemd does not run.

    Raises:
        UnseenError: systemd does not tell.
    """
    if not runs_systemd():
        return None
    shown = _pairs(output("systemctl", "show", NAME, f"--property={','.join(_SHOWN)}"))
    enabled = {name: _pairs(output("systemctl", "show", name, "--property=UnitFileState")) for name in UNITS}
    is_there = shown.get("LoadState") == "loaded"
    text = output("systemctl", "cat", "--no-pager", NAME) if is_there else ""
    return Unit(text, shown, {name: each.get("UnitFileState", "") for name, each in enabled.items()})


def _pairs(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


# --- How it is looked after --------------------------------------------------------------------------------------------


def judged(seen: Unit | None) -> Iterator[Found]:
    """Check the unit."""
    if seen is None:
        yield Found("unit", "ok", "systemd does not run here: whoever starts the service has to look after it")
    elif not seen.is_there:
        state = seen.shown.get("LoadState")
        yield Found("unit", "wrong", f"there is no unit {NAME}: nobody starts the service ({state})", f"{installer()}, as root")
    else:
        yield _active(seen)
        yield from _enabled(seen)
        yield from _settings(seen)


def _active(seen: Unit) -> Found:
    state, result = seen.shown.get("ActiveState", ""), seen.shown.get("Result", "")
    if state == "active":
        return Found("unit", "ok", f"{NAME} runs")
    if state in {"activating", "reloading", "deactivating"}:
        status = seen.shown.get("StatusText", "")
        text = f"{NAME} is {state} ({seen.shown.get('SubState')}){': ' if status else ''}{status}"
        return Found("unit", "warning", text, f"systemctl status {NAME} tells what it waits for")
    text = f"{NAME} is {state or 'in a state that systemd does not tell'} ({result})"
    return Found("unit", "wrong", text, f"journalctl -u {NAME} -n 20 tells why; systemctl start {NAME}")


def _enabled(seen: Unit) -> Iterator[Found]:
    for name, state in seen.enabled.items():
        if state in {"enabled", "enabled-runtime", "linked", "static"}:
            yield Found("enabled", "ok", f"{name} is started when this computer boots")
        else:
            text = f"{name} is not started when this computer boots ({state or 'not found'})"
            yield Found("enabled", "warning", text, f"systemctl enable --now {name}")


def _settings(seen: Unit) -> Iterator[Found]:
    if seen.shown.get("NeedDaemonReload") == "yes":
        text = f"the files of {NAME} were changed, and systemd has not read them anew"
        yield Found("reload", "warning", text, "systemctl daemon-reload; systemctl restart wagman, which no guest notices")
    if seen.shown.get("WatchdogUSec", "infinity") in {"0", "infinity"}:
        text = f"{NAME} has no watchdog: a service that hangs is not restarted"
        yield Found("watchdog", "warning", text, "say WatchdogSec=60s in a drop-in: systemctl edit wagman")
    else:
        yield Found("watchdog", "ok", f"a service that hangs is restarted after {seen.shown['WatchdogUSec']}")
    if (differs := _differs()) is not None:
        yield differs


def _differs() -> Found | None:
    """Return a warning if the unit in place is not the one of this version."""
    try:
        if Path(UNIT).read_text(encoding="utf-8") == data(NAME).replace(COMMAND, own_command()):
            return None
    except OSError:
        return None  # it is in another directory, as a package has it
    text = f"{UNIT} is not as this wagman puts it in place ({own_command()})"
    do = "wagman install-service renews it; what is yours belongs in a drop-in: systemctl edit wagman"
    return Found("unit", "warning", text, do)


# --- What it lets the service do ---------------------------------------------------------------------------------------


def settings(text: str) -> list[tuple[str, str]]:
    """Return the settings of `[Service]`, in their order; as for systemd, an empty one cancels those before it."""
    found, section = list[tuple[str, str]](), ""
    for line in _whole_lines(text):
        key, is_setting, value = line.partition("=")
        if line.startswith("["):
            section = line
        elif section == "[Service]" and is_setting:
            found.append((key.strip(), value.strip()))
    return found


def _whole_lines(text: str) -> Iterator[str]:
    kept = ""
    for line in text.splitlines():
        if line.lstrip().startswith(("#", ";")):
            continue
        if line.endswith("\\"):
            kept += line[:-1] + " "
            continue
        yield (kept + line).strip()
        kept = ""
    yield kept.strip()


def user(text: str) -> str | None:
    """Return the user of the unit; None if it does not say."""
    return next((value for key, value in reversed(settings(text)) if key == "User" and value), None)


def barred(text: str, devices: Mapping[str, str]) -> Iterator[Found]:
    """Yield the devices that the unit keeps from the service; `devices` says what each is for, by path."""
    given = settings(text)
    policy = next((value for key, value in reversed(given) if key == "DevicePolicy"), "auto")
    allowed = _lasting([value for key, value in given if key == "DeviceAllow"])
    if policy == "auto" and not allowed:
        return
    rules = [*allowed, *(() if policy == "strict" else ALWAYS)]
    for path, what in devices.items():
        kinds = _kinds(path)
        if kinds is not None and not any(_admits(rule, path, kinds) for rule in rules):
            do = f"systemctl edit wagman: DeviceAllow=char-{kinds[-1] if kinds else '*'} rw below [Service]; then restart it"
            yield Found("port", "wrong", f"{what}: the unit keeps {path} from the service (DevicePolicy={policy})", do)


def _lasting(values: Sequence[str]) -> list[str]:
    """Return the values after the last empty one, which cancels those before it."""
    last = max((place for place, value in enumerate(values) if not value), default=-1)
    return list(values[last + 1 :])


def _admits(rule: str, path: str, kinds: Sequence[str]) -> bool:
    """Whether a value of DeviceAllow= lets the service read and write the device."""
    name, _, rights = rule.partition(" ")
    if not {"r", "w"} <= set(rights.strip() or "rwm"):
        return False
    if name.startswith("char-"):
        return bool(fnmatch.filter(kinds, name.removeprefix("char-")))
    try:
        return Path(name).stat().st_rdev == Path(path).stat().st_rdev
    except OSError:
        return False


def _kinds(path: str) -> list[str] | None:
    """Return the names of a device's drivers, as DeviceAllow= has them; None if it is no character device."""
    try:
        held = Path(path).stat()
        text = Path("/proc/devices").read_text(encoding="utf-8").partition("Block devices")[0]
    except (OSError, ValueError):
        return None
    if not stat.S_ISCHR(held.st_mode):
        return None
    words = [line.split() for line in text.splitlines()]
    major = str(os.major(held.st_rdev))
    return [each[1] for each in words if len(each) == 2 and each[0] == major]  # noqa: PLR2004 - number and name
