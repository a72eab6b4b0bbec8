"""The boards of the simulated node.

- `outlet`   the truth of an outlet
- `board`    the interface of a board, for any kind
- `wagman`   a fake Wagman on a cable
- `plain`    a fake rail of plugs, with the faults of real ones
"""
