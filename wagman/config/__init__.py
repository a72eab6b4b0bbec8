"""The configuration: a TOML file in; validated, immutable classes out, or everything that is wrong with it at once.

- `schema`      the classes that the rest of the program sees, and what each key is; `enclosure` has those of `[environment]`, and
  `service` those of `[service]`
- `wagman`      a Wagman as a board: its ports, and the media that it selects
- `boards`, `ears`   the keys that the tables of all boards, and of all ears, have; each kind brings a class of its own
- `registry`    which kinds there are, and where their classes are
- `load`        the way in: `load(path)`, `loads(text, name)`
- `document`    a file as text, parsed, with the line of each key; `files` opens it
- `whole`       the file and those beside it in conf.d, as one document
- `sections`    from the tables of a document to the classes, with `board_tables`, `device_tables`, `ear_tables`, and `reading`,
  which reads any table
- `checks`      what must hold between the values
- `commands`    the commands in a configuration
- `changes`     which parts of another configuration count at once, and which wait for a restart
- `kinds`, `durations`, `hosts`, `places`, `secrets`   what a single value may be; `setting`: what an attribute is in the file
- `gauges`      sensors that a command reads
- `as_user`, `runnable`   whether the service's user may read a file, and whether a command can be run at all
- `installer`   who puts in place what the service needs of the system: the Debian package, or a command of ours
- `keys`        keys that are too long to be parsed
- `positions`, `findings`   on which line each key stands, and what was found there
- `check`       the command `check-config`
"""
