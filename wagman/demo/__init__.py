"""`wagman demo`: the service at work on fake hardware, in front of one's eyes and checked while it runs.

- `node`       a controller for the occasion: a temporary folder, the configuration, the service and the fake board as processes
- `settings`   its configuration, and what in it is not the default
- `mast_site`  the same without a Wagman: a fake rail, and guests that are processes
- `leash`      a command that ends when the demonstration does, however that ends
- `wire`       connections that speak in lines of JSON: the service's socket, the fake board's control socket
- `stage`      what a scenario does and waits for, and the claims that it checks
- `scenarios`  the scenarios, by name; `node_scenes` and `mast_scenes` are what happens in them
- `lines`, `table`   the two ways to show it
- `show`       puts them together
"""

from wagman.demo.show import run

__all__ = ["run"]
