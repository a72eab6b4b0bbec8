"""Deterministic simulation: the whole, unmodified service in virtual time, against fake boards, with faults.

From the bottom up:

- `schedule`    one seed, one order of tasks
- `script`      what happens to a node, as text
- `records`     what can be seen of a node from outside
- `requests`    what the service asks a board for, in the same words whatever the board speaks
- `boards`, `network`, `cable`, `disk`, `file`, `operators`, `life`   the seams: what the service is given in place of the world
- `world`       the whole node; `actions` is what can happen to it, in words
- `scene`       what a careful onlooker knows from the records; `scene_port`: of one outlet; `scene_troubles`: of one board;
                `scene_tables`: under which names decisions are kept
- `promises`    a checker for each promise; `settle` is the one that looks after the faults have ended
- `play`        one run of a script, up to the first promise that breaks
- `faults`      small stories of what goes wrong; `profiles`: random scripts: which of them, and how often
- `sites`       the nodes that can be asked for by name
- `shrink`      the shortest script that still breaks a promise
- `asked`       what is asked for on the command line
- `cores`, `seeds`   many runs at once: in several processes, with many seeds
- `report`, `timeline`, `command`   what `wagman simulate` shows
"""

from wagman.simulation.command import run

__all__ = ["run"]
