"""The past, from the log and from the file beside it, each of which may be an older copy. Pure.

The one that a later run of the service has written tells which tables there were: a table that only the other one knows was
taken over by another since. Of two decisions about a table the later one counts, wherever it is.
"""

import json
from collections.abc import Container, Mapping
from typing import Any

from attrs import evolve, field, frozen

from wagman.model.errors import StoreError
from wagman.model.facts import DEFAULT_BOARD
from wagman.store.decisions import Entry, Kept, decision_of, heard_of, parse, render

TABLES_KEY = "tables"
"""The name under which the log keeps, from each start on, which tables there are and were: what lies beside it may be lost."""

PREFIX = "device."
"""What the keys begin with under which the log keeps the state of each guest."""

HEARD_PREFIX = "heard."
"""What the keys begin with under which the log keeps which sources of each guest were ever heard."""


@frozen
class Logged:
    """The past as the log tells it."""

    entries: Mapping[str, Entry] = field(factory=dict)  # by the name of the table
    run: int = 0  # of the service, that wrote last which tables there are; 0: an older program, or nobody
    states: frozenset[str] = frozenset()  # tables whose state it has, also those that have been taken over
    untold: frozenset[str] = frozenset()  # tables that an older program wrote last: it told nobody who had decided
    heard: Mapping[str, tuple[str, ...]] = field(factory=dict)  # the sources of each guest that were ever heard


def tables_memory(entries: Mapping[str, Entry], run: int) -> dict[str, Any]:
    """The tables that there are and were, as the log is to keep them."""
    return {TABLES_KEY: json.loads(render(Kept(entries, run=run)))}


def heard_key(guest: str) -> str:
    """The name under which the log keeps which sources of a guest were ever heard."""
    return f"{HEARD_PREFIX}{guest}"


def logged(memory: Mapping[str, Any]) -> Logged:
    """The past in a log's memory; what cannot be read counts as not told."""
    tables = _tables(memory)
    saved = {key.removeprefix(PREFIX): each for key, each in memory.items() if key.startswith(PREFIX)}
    states = {name: entry for name, each in sorted(saved.items(), key=_age) if (entry := logged_entry(each)) is not None}
    untold = frozenset(name for name, entry in states.items() if entry.stays_down and "decision" not in saved[name])
    known = {name: each for name, each in states.items() if name in tables.entries or not tables.run}
    later = {name: each for name, each in known.items() if name in untold or each.serial >= _serial(tables.entries, name)}
    heard = {key.removeprefix(HEARD_PREFIX): each for key, each in memory.items() if key.startswith(HEARD_PREFIX)}
    return Logged({**tables.entries, **later}, tables.run, frozenset(saved), untold, heard_of(heard))


def _tables(memory: Mapping[str, Any]) -> Kept:
    try:
        return parse(json.dumps(memory.get(TABLES_KEY)))
    except StoreError:
        return Kept()


def _serial(entries: Mapping[str, Entry], name: str) -> int:
    return entries[name].serial if name in entries else 0


def _age(named: tuple[str, Any]) -> str:
    return str(named[1].get("since", "")) if isinstance(named[1], dict) else ""


def logged_entry(saved: Any) -> Entry | None:
    """The entry in the saved state of a guest; None where it cannot be read."""
    match saved:
        case {"port": int() | str() as port, "memory": {"wanted": "up" | "down" as wanted, "enabled": bool() as enabled}}:
            board = str(saved.get("board", DEFAULT_BOARD))
            return Entry(port, board, wanted, enabled, decision_of(saved.get("decision")))
        case _:
            return None


def known_before(log: Logged, kept: Kept, names: Container[str]) -> dict[str, Entry]:
    """The entries of all tables that there were. `names` are those that there are now."""
    if log.run > kept.run:
        tables = log.entries
    elif log.run < kept.run:
        tables = kept.entries
    else:  # the same run; or an older program, whose log has all that there ever were
        tables = {name: each for name, each in log.entries.items() if name in names or not kept.entries} | {**kept.entries}
    return {name: _decided(name, each, log, kept) for name, each in tables.items()}


def _decided(name: str, table: Entry, log: Logged, kept: Kept) -> Entry:
    """The table, with the later decision."""
    if name not in log.entries or name not in kept.entries:
        return table
    in_log, beside = log.entries[name], kept.entries[name]
    if name in log.untold:
        in_log = evolve(in_log, decision=beside.decision)
    later = in_log if in_log.serial >= beside.serial else beside
    return evolve(later, port=table.port, board=table.board, left=table.left)
