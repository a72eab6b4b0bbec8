"""The start of the service: each part restores its saved state; a part whose state cannot be used begins anew."""

from collections.abc import Sequence
from typing import Any

from wagman import __version__
from wagman.model.backend import Identity
from wagman.model.errors import StoreError
from wagman.model.facts import Draft
from wagman.service.decisions_file import Found
from wagman.service.parts import Parts
from wagman.service.watch import Watch
from wagman.store import Loaded
from wagman.store.remembered import WAGMAN_KEY
from wagman.tasks.guest import Guest
from wagman.tasks.moments import place_key


async def resume(parts: Parts, watch: Watch, loaded: Loaded, found: Found, warnings: Sequence[str]) -> None:
    """Restore the state from the log (`loaded`) and from the file beside it (`found`), and record `service.started`."""
    anew = [name for name, guest in parts.guests.items() if not await restored(parts, guest, loaded)]
    await parts.recollection.take_up(loaded, found)
    if WAGMAN_KEY in loaded.memory and not parts.supervisor.restore(
        loaded.memory[WAGMAN_KEY], loaded.memory.get(place_key(WAGMAN_KEY))
    ):
        anew.append(WAGMAN_KEY)
    watch.restore(loaded.memory)
    for board in parts.boards.values():
        board.known = known_board(loaded.memory.get(board.task))
    await parts.hitches.look_first()
    fields = {"version": __version__, "begun_anew": anew, "warnings": [*warnings, *parts.hitches.warnings]}
    pace = {} if parts.seams.speed == 1 else {"speed": parts.seams.speed}
    parts.journal.record([(Draft("service.started", None, {**fields, **pace}), None)])
    review(parts)


async def restored(parts: Parts, guest: Guest, loaded: Loaded) -> bool:
    """Restore a guest from the log; return whether that worked."""
    saved = loaded.memory.get(guest.key)
    if saved is None:
        return False
    return guest.restore(saved, loaded.memory.get(place_key(guest.key)), await latest_event(parts, guest))


async def latest_event(parts: Parts, guest: Guest) -> int | None:
    """Return the latest event about a guest, or None.

    The event is only named as a cause: where the disk fails, nobody waits for it.
    """
    try:
        latest = await parts.journal.page(limit=1, device=guest.config.name)
    except StoreError:
        return None
    return latest[-1].id if latest else None


def known_board(saved: Any) -> Identity | None:
    """Return the identity that was saved for a board, or None where nothing readable was saved."""
    try:
        return Identity(**saved)
    except TypeError:
        return None


def review(parts: Parts) -> None:
    """Have each guest compare its state with the configuration, which may forbid what the guest does."""
    for guest in parts.guests.values():
        guest.review()
