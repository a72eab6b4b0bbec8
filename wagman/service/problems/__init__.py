"""Problems, everything that calls for a person, found in the state of everything. Pure: (facts) -> problems.

Each kind of problem has a function in the module of what it is about (`board`, `guests`, `hearing`, `enclosure`, `memory`,
`service`), and a place in FINDERS. The function looks at `Facts` (`facts`) and yields a `Problem` for as long as there is one.
`wagman.service.spells` keeps since when each problem stands, and tells of its beginning and its end.

- `id` is stable: the same trouble has the same id whenever it is found.
- `text` says what is wrong, with the true reason, and holds no durations: how long it has stood is shown beside it.
- `do` says what to type or to look at; each problem has one.
- *critical*: a guest is down, or may lose its power, or nobody can tell. *warning*: everything runs, and something is to be
  mended. *notice*: nobody has to act now. All problems of a guest in maintenance are notices: somebody is working on it.
"""

from collections.abc import Container

from attrs import evolve

from wagman.service.problems import board, enclosure, guests, hearing, memory, service
from wagman.service.problems.facts import SEVERITIES, Facts, Finder, Problem, Refusal, Unseen

__all__ = ["FINDERS", "SEVERITIES", "Facts", "Problem", "Refusal", "Unseen", "problems"]

FINDERS: tuple[Finder, ...] = (
    board.board_unseen,
    guests.relay_stuck,
    guests.relay_dead,
    guests.heard_off,
    guests.held,
    guests.command_trouble,
    guests.power_in_doubt,
    guests.power_unshown,
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
"""All finders. Of equally grave problems, those of the first finder are shown first."""


def problems(facts: Facts) -> dict[str, Problem]:
    """Return all problems by id, the worst first."""
    found = [eased(problem, facts.maintained) for finder in FINDERS for problem in finder(facts)]
    found.sort(key=lambda problem: SEVERITIES.index(problem.severity))
    return {problem.id: problem for problem in found}


def eased(problem: Problem, maintained: Container[str]) -> Problem:
    """Make a notice of a problem of a guest in maintenance: the person who is called is there already."""
    if problem.severity == "notice" or problem.device not in maintained:
        return problem
    return evolve(problem, severity="notice", text=f"in maintenance: {problem.text}")
