"""Wagmans of version 3, which speak text.

- `codec`     framing and requests: bytes in, events out
- `payload`   what the lines mean
- `driver`    how to live with that firmware
"""
