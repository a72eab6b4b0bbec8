"""The configuration: a TOML file in, validated and immutable classes out.

- `schema`      the classes that the rest of the program sees
- `load`        the file, and everything that is wrong with it, at once
"""
