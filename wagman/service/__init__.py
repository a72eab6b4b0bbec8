"""The composition root: who starts whom, who hears what, and what is told to those who ask. Knows all other rooms.

- `daemon`        the process: configuration, signals, sockets, how it ends
- `root`          the nurseries of all tasks
- `parts`         what the service consists of, made and connected; `routes`: who hears what
- `requests`      what the socket asks; `overview`: how everything is now
- `coming_up`     taking up what was kept; `reconfiguration`: another configuration while it runs
- `seams`         what a simulation replaces: clocks, transports, processes, threads
- `recollection`  what is taken up of earlier runs: the log's memory, and the decisions beside it
- `status`        the answer to `status`
- `problems`      what calls for a person: the verdict; `spells`: since when it stands; `hitches`: commands that cannot work
- `health`        which tasks still get on
- `controller`    the computer that this runs on: its heartbeat, its restart
- `orphans`       children that nobody waits for
"""
