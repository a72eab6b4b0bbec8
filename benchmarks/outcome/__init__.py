"""What wagman buys: the same sites, seeds and faults in virtual time, under wagman and under what one would use otherwise.

- `sites`      the sites
- `faults`     what happens there, drawn from a seed
- `policies`   who looks after the guests: nobody, the board, a recipe, wagman
- `hands`      how a recipe switches: as a script in the unit itself, or as a program on the node controller
- `governed`   a simulated node under any of them
- `measuring`  what becomes of the guests
- `table`      all of it, as tables
"""

from benchmarks.outcome.table import measure

__all__ = ["measure"]
