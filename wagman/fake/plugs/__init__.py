"""Fake plugs: rails of outlets with guests on them, behind the protocols of real ones.

- `rail`     the truth: contacts, registers, meters, guests, and every fault that a rail can have
- `server`   HTTP/1.1 on any stream, and the faults of a connection
- `shelly`   what a Shelly of the second generation answers
- `tasmota`  what a plug with Tasmota answers
- `control`  every fault as a line of text
- `console`  these lines on the standard input of a fake by itself

`python -m wagman.fake.plugs` runs one by itself.
"""
