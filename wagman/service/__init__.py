"""The composition root: who starts whom, who hears what, and what is told to those who ask. Knows all other rooms.

- `daemon`        the process: configuration, signals, sockets, how it ends; `port`: the serial port that it opens;
                  `claim`: the state directory, which no other service may have at the same time
- `root`          the nurseries of all tasks
- `parts`         what the service consists of, made and connected; `routes`: who hears what
- `requests`      what the socket asks; `overview`: how everything is now
- `coming_up`     taking up what was kept; `reconfiguration`: the operator's file while it runs
- `seams`         what a simulation replaces: clocks, transports, processes, threads
- `recollection`  what was decided before, read as soon as it can be; `decided`: which decision counts, for each table;
                  `decisions_file`: the file beside the log
- `status`        the answer to `status`; `board_status`, `self_status`: parts of it; `plugs`: how it names outlets;
                  `worded`: the same in the words of the commands
- `ears`, `meter`, `gauges`   guests that are heard otherwise than by their board, and sensors that a command reads
- `problems`      what calls for a person: the verdict; `spells`: since when it stands; `watch`: the task that looks
- `hitches`       commands of guests that cannot work
- `health`        which tasks still get on
- `controller`    the computer that this runs on: its heartbeat, its restart
- `orphans`       children that nobody waits for
"""
