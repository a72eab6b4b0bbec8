"""The outcome: the same sites, seeds and faults in virtual time, under wagman and under what one would use otherwise.

- `sites`      the sites
- `faults`     the faults of a site, drawn from a seed
- `policies`   the ways to look after guests: nobody, the board, a recipe, wagman
- `hands`      the ways of a recipe to switch: a script in the unit itself, or a program on the node controller
- `governed`   a simulated node under any policy
- `measuring`  the states and power cuts of the guests
- `table`      all results, as tables
"""

from benchmarks.outcome.table import measure

__all__ = ["measure"]
