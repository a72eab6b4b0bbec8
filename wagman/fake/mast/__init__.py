"""A fake mast: a rail that speaks as a Shelly, computers on it that are real processes, and the network to them.

- `computer`   one computer: a process that answers HTTP, and the two requests that others send it
- `guests`     computers as guests of a rail: a process runs while the outlet is on, from the end of its boot
- `network`    the network between the computers and those who ask them; it can be down

`python -m wagman.fake.mast` runs one. Everything is on 127.0.0.1: it needs neither root nor IPv6.
"""
