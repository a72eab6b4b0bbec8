"""Another configuration while the service runs: what can change does, and it is said what waits for a restart."""

from wagman.config.changes import change
from wagman.config.schema import Config
from wagman.model.facts import Draft
from wagman.service.coming_up import review
from wagman.service.parts import Parts, late_s
from wagman.store.decisions import sentences
from wagman.tasks.supervisor import Reconfigured


def reconfigure(parts: Parts, new: Config) -> None:
    """Take over what can change while the service runs, and say what waits for a restart."""
    changed = change(parts.config, new)
    if changed.live:
        parts.config = changed.config
        spread(parts, changed.config)
    parts.conditions.needs_restart = changed.waiting
    parts.hitches.reconfigured()
    tables = list(sentences(parts.recollection.entries, new))
    fields = {"changed": list(changed.live), "needs_restart": list(changed.waiting), "tables": tables}
    parts.journal.record([(Draft("service.reloaded", None, fields), None)])


def spread(parts: Parts, config: Config) -> None:
    """Tell all parts: a guest's numbers count from the next time that each is used."""
    for guest in config.guests:
        parts.guests[guest.name].config = guest
        parts.guests[guest.name].alarms.late_s = late_s(config)
    review(parts)
    parts.io.reconfigure(config)
    parts.supervisor.inbox.tell(Reconfigured(config))
