"""The command `doctor`."""

import argparse
import json
import textwrap
from pathlib import Path
from typing import Any

from attrs import Attribute, asdict, evolve, field, frozen

from wagman import __version__
from wagman.cli.outcome import UNREACHABLE, CommandError
from wagman.cli.text import WIDTH
from wagman.client.blocking import SOCKET, default_socket
from wagman.config.load import load
from wagman.config.schema import Config
from wagman.doctor import clock, devices, service, unit
from wagman.doctor.asking import UnseenError
from wagman.doctor.bundle import Bundle
from wagman.doctor.found import CODES, Found, in_order, lines, worst
from wagman.doctor.gather import gathered
from wagman.doctor.inside import contained
from wagman.doctor.state import written_at
from wagman.doctor.under import Looked, looked
from wagman.model.errors import ConfigError
from wagman.model.words import plain

UNTOLD = UNREACHABLE
"""The exit code if the bundle could not be written; the same as for an unknown verdict."""


@frozen
class Seen:
    """Everything that was found."""

    path: str
    config: Config | None
    looked: Looked
    service: service.Service
    found: tuple[Found, ...] = field(default=())

    def document(self) -> dict[str, Any]:
        """Return the results for programs."""
        return {
            "verdict": worst(self.found),
            "version": __version__,
            "configuration": self.path,
            "looked_as": self.looked.whom,
            "as_service": self.looked.is_as_service,
            "sandboxed": self.looked.is_sandboxed,
            "checks": [asdict(each, filter=_is_told) for each in in_order(self.found)],
        }


def _is_told(attribute: "Attribute[object]", _: object) -> bool:
    return attribute.name != "for_want_of_right"


def run(args: argparse.Namespace) -> int:
    """Make the checks, print the results, and write the bundle, if one is wanted."""
    if args.bundle is None:
        seen = seen_from(args.config)
        _show(seen, as_json=args.json)
        return CODES[worst(seen.found)]
    with Bundle.begun(args.bundle) as bundle:  # before any check: if the file exists, nothing is done
        seen = seen_from(args.config)
        _show(seen, as_json=args.json)
        try:
            bundle.write(gathered(seen.path, seen.config, seen.document(), seen.service))
        except OSError as error:
            raise CommandError(f"{args.bundle}: {error.strerror or error}", UNTOLD) from error
    if not args.json:
        print(plain(f"written: {args.bundle}; what is missing in it, and why, is told in {bundle.MANIFEST}"))
    return CODES[worst(seen.found)]


def _show(seen: Seen, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(seen.document()))
        return
    head = plain(f"{seen.path}, looked at by wagman {__version__} as {seen.looked.whom}")
    print(*textwrap.wrap(head, WIDTH, break_on_hyphens=False), "", *lines(seen.found), sep="\n", flush=True)


def seen_from(path: str) -> Seen:
    """Return everything that can be found out about the node with the configuration at `path`."""
    path = str(Path(path).absolute())
    config, unseen = _config(path), tuple[Found, ...]()
    try:
        known = unit.unit()
    except UnseenError as error:
        known, unseen = None, (Found("unit", "unknown", f"what systemd makes of the service: {error}"),)
    seen = looked(path, known, unseen[0].text if unseen else "")
    given = (config or Config()).service
    asked = service.ask(_socket(config))
    found = [
        *seen.found,
        *contained("port", lambda: unit.barred(known.text, devices.named(config)) if known and config else ()),
        *asked.found,
        *(unseen or contained("unit", lambda: unit.judged(known))),
        *contained("clock", lambda: clock.clock(asked.last_event or written_at(given.state_dir))),
    ]
    if not unit.runs_systemd():
        found = [each.without_systemd() for each in found]
    return evolve(Seen(path, config, seen, asked), found=tuple(found))


def _socket(config: Config | None) -> str:
    """Return the socket that the configuration names; where it names none, the one that the other commands would use."""
    named = (config or Config()).service.socket
    return default_socket() if named == SOCKET else named


def _config(path: str) -> Config | None:
    """Return the configuration as this user may read it, or None; its errors are found by `inside`."""
    try:
        return load(path)
    except ConfigError:
        return None
