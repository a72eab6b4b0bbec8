"""The sizes of the samples: for real figures, or just enough to see that each measurement works."""

from attrs import frozen


@frozen
class Scale:
    """The sizes of the samples.

    Alternatives take turns, `rounds` times, and the best round counts, since others use the machine, too.
    """

    rounds: int = 5
    requests: int = 1000  # in each round
    processes: int = 15  # in each round
    idle_s: float = 60.0
    beats_per_s: float = 0.5  # of a node at rest: each of four guests beats every 8 s
    settle_s: float = 12.0  # after the start, until the service is at rest
    loaded_s: float = 15.0
    log_events: int = 2000  # in each round
    log_rows: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)
    queries: int = 100
    watched_events: int = 200
    subscribers: tuple[int, ...] = (1, 10, 100)
    outlets: tuple[int, ...] = (5, 25, 100, 500)
    outlets_s: float = 60.0
    rails: tuple[int, ...] = (1, 20)
    plugs_s: float = 120.0
    program_s: float = 60.0  # the poll interval of a board that is a program
    simulated_h: float = 6.0
    phases: int = 13  # different times of the hang, between beats and polls
    days: int = 0  # of all faults, and twelve quiet ones for each; 30 take two hours, so 0 by default
    outcome_days: float = 1.0  # of faults in each run, unless `days` is set
    seeds: int = 10  # runs of each policy of the outcome


FULL = Scale()

QUICK = Scale(
    rounds=1,
    requests=20,
    processes=1,
    idle_s=0.2,
    beats_per_s=50,
    settle_s=0.0,
    loaded_s=0.3,
    log_events=50,
    log_rows=(100,),
    queries=3,
    watched_events=3,
    subscribers=(1, 9),
    outlets=(5, 10),
    outlets_s=0.1,
    rails=(1,),
    plugs_s=0.1,
    program_s=1.0,
    simulated_h=0.1,
    phases=1,
    outcome_days=0.02,
    seeds=1,
)
"""For the test that each measurement still works; its figures mean nothing."""
