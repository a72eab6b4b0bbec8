"""Faults: small stories of what happens, and of what ends it.

- `node`       what a story is, and what it can be about
- `around`     the cable, its bytes, the board, the enclosure
- `guests`     the guests
- `plugs`      plugs, and the network that guests are heard over
- `service`    the service, its memory, and the computer that it runs on
- `operators`  what people do
"""
