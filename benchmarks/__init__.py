"""Benchmarks: what wagman buys, in virtual time; what the service costs and how fast it is, with real processes.

`nox -s bench` runs `python -m benchmarks`, which prints tables in Markdown and, with `--json`, writes the same as JSON.

- `outcome`       guests under wagman, and under what one would use otherwise
- `requests`      a board request through the service, beside the least that could be in its place
- `commands`      a command as a whole process
- `footprint`     the service at rest: processor, memory, and the time until its first answer
- `beats`         heartbeats and timers, while the board and the log are busy
- `log_writes`    events into the log, beside bare SQLite
- `log_size`      the cost of a longer log
- `report`        `wagman report` over a full log
- `subscribers`   the cost of more subscribers
- `attached`      the cost of programs beside the service that have stopped
- `outlets`       the cost of more boards and outlets
- `plugs`         rails that speak HTTP, and a board that is a program; `rails` serves the rails
- `hang`          the time from a hang to running again
- `simulated`     the speed of virtual time, and memory over a simulated month
- `peers`         PowerMan and PDUDaemon, where they are installed

These run on their own, as `python -m benchmarks.NAME`:

- `fleet_faults`, `fleet_orders`   events and orders of a fleet under kill -9 and dead links
- `fleet_link`, `fleet_nodes`, `fleet_status`   a fleet over a bad link, with many nodes, and its status; `fleet_mix` has events

Shared by the measurements: `figures` (the report), `scale` (sample sizes), `timing`, `processes`, `node` (the measured node), and
`bare` (the least that it is compared with).
"""
