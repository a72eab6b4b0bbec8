"""Wagmans of version 4, which speak sensorgrams.

- `codec`      lines and CRCs: bytes in, events out
- `requests`   what the ids mean
- `asking`     several requests in one line
- `run`        since when the board runs
- `firmware`   what the board does by itself, and how soon
- `driver`     how to live with that firmware
"""
