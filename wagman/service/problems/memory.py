"""Problems of the saved state: a disk that cannot be written, and decisions that cannot be read."""

from collections.abc import Iterator

from wagman.config import durations
from wagman.model.errors import FILE_TAKEN, PLACE_GONE
from wagman.service.problems.facts import Facts, Problem

MAKE_PLACE = (
    "note what wagman status shows as stopped or disabled, then systemctl restart wagman, which makes {place} anew;"
    " a restart forgets those, and starts them: wagman disable GUEST at once"
)

DISK_REMEDIES: tuple[tuple[str, str], ...] = (
    (PLACE_GONE, MAKE_PLACE),
    (FILE_TAKEN, "find out who deletes files under {place}; the log goes on by itself"),
    ("sudo ", "type the command that the reason names: the service then goes on by itself; do not restart it before"),
)
"""What to do where nothing can be written, by a phrase in the reason."""

MAKE_ROOM = "make room on the disk of {place}, or mend it: the service then goes on by itself; do not restart it before"


def disk_remedy(reason: str, place: str) -> str:
    """Return what to do where nothing can be written, for this reason."""
    return next((do for said, do in DISK_REMEDIES if said in reason), MAKE_ROOM).format(place=place)


def log_not_written(facts: Facts) -> Iterator[Problem]:
    """The log cannot be written."""
    if facts.log_reason is not None:
        text = f"the log cannot be written: {facts.log_reason}"
        yield Problem("log", "warning", text, disk_remedy(facts.log_reason, facts.config.service.state_dir))


def decisions_unread(facts: Facts) -> Iterator[Problem]:
    """The decisions of earlier runs exist and cannot be read."""
    if facts.unread_reason is not None:
        text = f"earlier decisions cannot be read, so guests that are off stay off: {facts.unread_reason}"
        do = f"make the file readable, as the reason says; wagman start GUEST starts one guest all the same; {_what_next(facts)}"
        yield Problem("memory", "critical", text, do)


def _what_next(facts: Facts) -> str:
    names, release_s = ", ".join(facts.unread_off) or "guests that are off", facts.config.service.unreadable_release_s
    if not release_s:
        return f"without that {names} will not be started"
    return f"{durations.show(release_s)} after its start the service starts {names} without it"


def decisions_not_kept(facts: Facts) -> Iterator[Problem]:
    """The decisions file cannot be written."""
    if facts.unkept_reason is not None:
        text = f"decisions are not kept beside the log: {facts.unkept_reason}"
        yield Problem("decisions", "warning", text, disk_remedy(facts.unkept_reason, facts.config.service.state_dir))


def first_day(facts: Facts) -> Iterator[Problem]:
    """Guests are about to be started although no saved state was found."""
    if facts.unknown_guests:
        names = ", ".join(facts.unknown_guests)
        text = f"there is no saved state: {names} will be started, unless found running"
        yield Problem(
            "memory", "warning", text, "on the first day nothing; else wagman disable GUEST at once for each that is to stay off"
        )
