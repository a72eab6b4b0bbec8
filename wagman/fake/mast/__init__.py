"""A fake mast: a rail that speaks as a Shelly, computers that are real processes on it, and the network that they answer over.

- `computer`   one computer: a process that answers HTTP, and the two questions that others ask it
- `guests`     computers as guests of a rail: there is a process while the outlet is on, from the end of its boot
- `network`    what is between the computers and whoever asks them; it can be down

`python -m wagman.fake.mast` runs one. Everything is on 127.0.0.1: it needs neither root nor IPv6.
"""
