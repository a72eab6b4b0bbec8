"""What earlier runs left, in the log and in the file beside it, either of which may be an older copy. Pure.

The copy that was written by a later run of the service decides which tables there were: a table that only the other copy knows
has been taken over by another one since. Of two decisions about a table the later one counts, in whichever copy it is.
"""

import json
from collections.abc import Container, Iterable, Mapping
from typing import Any, Final

from attrs import evolve, field, frozen

from wagman.model.errors import StoreError
from wagman.model.facts import DEFAULT_BOARD, restored_stamp, term_of
from wagman.store.decisions import Command, Entry, Kept, command_of, decision_of, heard_of, parse, plain_entry

TABLES_KEY = "tables"
"""The key under which the log keeps the number of the run that last wrote which tables there are and were.

Up to 0.2.0 all tables were in this value. An older release that comes back finds none in it, takes the states of the guests for
all that there is, and writes its tables there; these count then.
"""

TABLE_PREFIX: Final = "table."
"""How the keys begin under which the log keeps each table, from each start on: the file beside the log may be lost."""

PREFIX = "device."
"""How the keys begin under which the log keeps the state of each guest."""

HEARD_PREFIX = "heard."
"""How the keys begin under which the log keeps which sources of each guest were ever heard."""

WAGMAN_KEY = "wagman"
"""The key under which the log keeps the state of the scheduler, and the last command to all guests."""


def may_decide(key: str) -> bool:
    """Whether the log keeps decisions of operators under that key."""
    return key in (TABLES_KEY, WAGMAN_KEY) or key.startswith((TABLE_PREFIX, PREFIX))


@frozen
class Logged:
    """What the log knows of earlier runs."""

    entries: Mapping[str, Entry] = field(factory=dict)  # by the name of the table
    run: int = 0  # number of the run that last wrote which tables there are; 0: an older program, or none
    names: frozenset[str] = frozenset()  # tables of which the log has something, also those that have been taken over
    command: Command | None = None  # to all guests
    untold: frozenset[str] = frozenset()  # tables that an older program wrote last, without saying who had decided
    heard: Mapping[str, tuple[str, ...]] = field(factory=dict)  # for each guest, its sources that were ever heard


def tables_memory(entries: Mapping[str, Entry], run: int, past: Iterable[str] = ()) -> dict[str, Any]:
    """The tables that there are and were, as the log keeps them; those of `past` that are not among them are forgotten.

    Each value may be written by itself, in this order: where a power cut leaves the last ones out, the next run writes them.
    """
    rows = {f"{TABLE_PREFIX}{name}": plain_entry(entry) for name, entry in entries.items()}
    stale = [f"{prefix}{name}" for name in sorted(past) if name not in entries for prefix in (TABLE_PREFIX, PREFIX)]
    return {**rows, **dict.fromkeys(stale), TABLES_KEY: {"run": run}}


def heard_key(guest: str) -> str:
    """The key under which the log keeps which sources of a guest were ever heard."""
    return f"{HEARD_PREFIX}{guest}"


def logged(memory: Mapping[str, Any]) -> Logged:
    """What a log's lasting state knows of earlier runs; what cannot be read counts as missing."""
    tables = _tables(memory)
    saved = _of(memory, PREFIX)
    states = {name: entry for name, each in sorted(saved.items(), key=_age) if (entry := logged_entry(each)) is not None}
    untold = frozenset(name for name, entry in states.items() if entry.stays_down and "decision" not in saved[name])
    known = {name: each for name, each in states.items() if name in tables.entries or not tables.run}
    later = {name: each for name, each in known.items() if name in untold or each.serial >= _serial(tables.entries, name)}
    heard = _of(memory, HEARD_PREFIX)
    names = frozenset({*saved, *_of(memory, TABLE_PREFIX)})
    return Logged({**tables.entries, **later}, tables.run, names, _command(memory), untold, heard_of(heard))


def _of(memory: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The values whose keys begin with the prefix, by the rest of the key."""
    return {key.removeprefix(prefix): each for key, each in memory.items() if key.startswith(prefix)}


def _command(memory: Mapping[str, Any]) -> Command | None:
    match memory.get(WAGMAN_KEY):
        case {"command": command}:
            return command_of(command)
        case _:
            return None


def _tables(memory: Mapping[str, Any]) -> Kept:
    match memory.get(TABLES_KEY):
        case {"devices": _} as document:  # an older release wrote last
            pass
        case {"run": run}:
            document = {"run": run, "devices": _of(memory, TABLE_PREFIX)}
        case _:
            return Kept()
    try:
        return parse(json.dumps(document))
    except StoreError:
        return Kept()


def _serial(entries: Mapping[str, Entry], name: str) -> int:
    return entries[name].serial if name in entries else 0


def _age(named: tuple[str, Any]) -> str:
    return str(named[1].get("since", "")) if isinstance(named[1], dict) else ""


def logged_entry(saved: Any) -> Entry | None:
    """The entry in the saved state of a guest; None: it cannot be read."""
    match saved:
        case {"port": int() | str() as port, "memory": {"wanted": "up" | "down" as wanted, "enabled": bool() as enabled}}:
            board = str(saved.get("board", DEFAULT_BOARD))
            for_a_while = term_of(saved["memory"].get("term")), restored_stamp(saved.get("stamp"))
            return Entry(port, board, wanted, enabled, decision_of(saved.get("decision")), None, *for_a_while)
        case _:
            return None


def known_before(log: Logged, kept: Kept, names: Container[str]) -> dict[str, Entry]:
    """The entries of all tables that there were; `names` are the tables that there are now."""
    if log.run > kept.run:
        tables = log.entries
    elif log.run < kept.run:
        tables = kept.entries
    else:  # the same run; or an older program, whose log has every table that there ever was
        tables = {name: each for name, each in log.entries.items() if name in names or not kept.entries} | {**kept.entries}
    return {name: _decided(name, each, log, kept) for name, each in tables.items()}


def _decided(name: str, table: Entry, log: Logged, kept: Kept) -> Entry:
    """The table, with the later of the two decisions."""
    if name not in log.entries or name not in kept.entries:
        return table
    in_log, beside = log.entries[name], kept.entries[name]
    if name in log.untold:
        in_log = evolve(in_log, decision=beside.decision)
    later = in_log if in_log.serial >= beside.serial else beside
    return evolve(later, port=table.port, board=table.board, left=table.left)
