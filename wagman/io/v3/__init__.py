"""Wagmans of version 3, which speak text.

- `codec`     framing and requests: bytes in, events out
- `payload`   what the lines mean; `ages`: which of the ages that are told can be believed
- `driver`    how to live with that firmware
"""
