"""`wagman notify`: tells people what calls for them, and calls an address while all is well.

Pure functions of events, problems and times:

- `rules`     which events are told, how many, and when
- `entries`   what is told of one event or problem, in words
- `plan`      what is to be told to a destination: gathered, collapsed, limited, held until quiet hours are over
- `message`   the message that people read

Around them, under trio:

- `config`    `/etc/wagman/notify.toml`
- `threads`   work that may hang, in a thread, with its bound
- `memory`    what is remembered over restarts, and the promise that rests on it
- `sinks`     the ways out: Apprise, a command
- `watch`     whether the service answers, and which problems stand
- `courier`   one destination: reads the log, sends, tries again
- `alive`     calls an address while all is well
- `command`   the program
"""
