"""Faults: small stories of what goes wrong, each with its end.

- `node`       the interface of a story, and the parts of a node that it can be about
- `around`     the cable, its bytes, the board, the enclosure
- `guests`     the guests
- `plugs`      plugs, and the network through which guests are heard
- `service`    the service, its memory, and the computer that it runs on
- `operators`  what people do
"""
