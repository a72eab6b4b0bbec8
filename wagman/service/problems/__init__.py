"""The one verdict: what calls for a person, found in how everything is. Pure: (facts) -> problems.

Each problem has its function, in the module of what it is about (`board`, `guests`, `hearing`, `enclosure`, `memory`,
`service`), and a place in FINDERS. A function looks at `Facts` (`facts`) and yields a `Problem` for as long as there is one.
`wagman.service.spells` knows since when it stands, and tells of its beginning and its end.

- `id` is stable: the same trouble has the same id whenever it is found.
- `text` says what is wrong, with the true reason, and holds no durations: for how long it stands is shown beside it.
- `do` says what to type or to look at; there is no problem without it.
- *critical*: a guest is down, or may lose its power, or nobody can tell. *warning*: all runs, and something is to be mended.
  *notice*: it calls for nobody now. Whatever is wrong with a guest in maintenance is a notice: somebody is at it.
"""

from collections.abc import Container

from attrs import evolve

from wagman.service.problems import board, enclosure, guests, hearing, memory, service
from wagman.service.problems.facts import SEVERITIES, Facts, Finder, Problem, Refusal, Unseen

__all__ = ["FINDERS", "SEVERITIES", "Facts", "Problem", "Refusal", "Unseen", "problems"]

FINDERS: tuple[Finder, ...] = (
    board.board_unseen,
    guests.relay_stuck,
    guests.held,
    guests.command_trouble,
    guests.power_in_doubt,
    guests.failing,
    guests.on_recovery_medium,
    guests.in_maintenance,
    hearing.never_heard,
    hearing.deaf,
    hearing.unproved,
    enclosure.hibernating,
    enclosure.sensor_unknown,
    enclosure.gauge_unknown,
    memory.log_not_written,
    service.config_refused,
    service.restart_pending,
    service.socket_lost,
    service.controller_unfed,
    service.task_stuck,
    service.clock_unset,
    memory.decisions_unread,
    memory.decisions_not_kept,
    memory.first_day,
    board.port_left,
)
"""All finders; of problems that are equally grave, the first one found is shown first."""


def problems(facts: Facts) -> dict[str, Problem]:
    """All problems by id, the worst first."""
    found = [eased(problem, facts.maintained) for finder in FINDERS for problem in finder(facts)]
    found.sort(key=lambda problem: SEVERITIES.index(problem.severity))
    return {problem.id: problem for problem in found}


def eased(problem: Problem, maintained: Container[str]) -> Problem:
    """A problem of a guest in maintenance calls for nobody else."""
    if problem.severity == "notice" or problem.device not in maintained:
        return problem
    return evolve(problem, severity="notice", text=f"in maintenance: {problem.text}")
