"""Deterministic simulation: the whole, unmodified service in virtual time, against fake boards, with faults.

From the bottom up:

- `clock`       virtual time
- `schedule`    one seed, one order of tasks
- `script`      a script of what happens to a node, as text
- `records`     what can be seen of a node from outside
- `requests`    the service's requests to a board, in the same words for every dialect
- `boards`, `network`, `cable`, `disk`, `file`, `operators`, `life`   the seams: what the service gets in place of the world
- `world`       the whole node; `actions`: what can happen to it, in words
- `scene`       what a careful onlooker knows from the records; `scene_port`: about one outlet; `scene_troubles`: of a board, of
    the heat; `scene_tables`: under which names decisions are kept
- `promises`    a checker for each promise; `settle`: the one that looks after the faults have ended
- `play`        one run of a script, up to the first promise that breaks
- `faults`      small stories of what goes wrong; `profiles`: random scripts of them, each story at its rate
- `sites`       the nodes that have a name on the command line
- `shrink`      the shortest script that still breaks a promise
- `asked`       the request on the command line
- `cores`, `seeds`   many runs at once: in several processes, with many seeds
- `report`, `timeline`, `command`   the output of `wagman simulate`
"""

from wagman.simulation.command import run

__all__ = ["run"]
