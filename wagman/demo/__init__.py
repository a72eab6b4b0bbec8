"""`wagman demo`: the service at work on fake hardware, to be watched, and checked while it runs.

- `node`       a temporary node: a folder, the configuration, the service and the fake board as processes
- `settings`   its configuration, and what in it differs from the defaults
- `mast_site`  the same without a Wagman: a fake rail, and guests that are processes
- `leash`      a command that ends when the demonstration does, however that ends
- `wire`       connections with lines of JSON: to the fake board's control socket, or to a fake mast
- `stage`      what a scenario does and waits for, and the claims that it checks
- `scenarios`  the scenarios, by name; `node_scenes` and `mast_scenes` are their scenes
- `lines`, `table`   the two ways to show it
- `show`       puts them together
"""

from wagman.demo.show import run

__all__ = ["run"]
