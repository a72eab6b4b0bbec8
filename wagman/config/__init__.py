"""The configuration: a TOML file in; validated, immutable classes out, or everything that is wrong with it at once.

- `schema`      the classes that the rest of the program sees, and what each key is
- `load`        the way in: `load(path)`, `loads(text, name)`
- `sections`    from the tables of a document to the classes
- `checks`      what must hold between the values
- `kinds`, `durations`   what a single value may be
- `positions`, `findings`   on which line each key stands, and what was found there
- `check`       the command `check-config`
"""
