"""What wagman buys, in virtual time; what the service costs, and how fast it is, with real processes, ptys, sockets and files.

`nox -s bench` runs `python -m benchmarks`, which prints tables in Markdown and, with `--json`, writes the same as JSON.

- `outcome`       what becomes of guests under wagman, and under what one would use otherwise
- `requests`      a board request through the service, beside the least that it could take
- `commands`      a command as a whole process
- `footprint`     the service at rest: processor, memory, and how soon it answers
- `beats`         heartbeats and alarms, while the board and the log are busy
- `log_writes`    events into the log, beside bare SQLite
- `log_size`      what grows with the log
- `subscribers`   what grows with those who watch
- `nodes`         what grows with the number of devices
- `simulated`     the speed of virtual time, and memory over a simulated month
- `peers`         PowerMan and PDUDaemon, where they are installed

What they share: `figures` (what is reported), `scale` (how much is measured), `timing`, `processes`, `node` (what is measured),
and `bare` (the least that it is compared with).
"""
