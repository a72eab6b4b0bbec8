"""`wagman demo`: the service at work on a fake board, in front of one's eyes and checked while it runs.

- `node`       a controller for the occasion: a temporary folder, the configuration, the service and the fake board as processes
- `settings`   its configuration, and what in it is not the default
- `wire`       connections that speak in lines of JSON: the service's socket, the fake board's control socket
- `stage`      what a scenario does and waits for, and the claims that it checks
- `scenarios`  the scenarios themselves
- `lines`, `table`   the two ways to show it
- `show`       puts them together
"""

from wagman.demo.show import run

__all__ = ["run"]
