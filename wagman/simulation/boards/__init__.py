"""The boards of the simulated node.

- `outlet`   an outlet as it really is
- `board`    what the node needs of a board, whatever it speaks
- `wagman`   a fake Wagman on a cable
- `plain`    a fake rail of plugs, behind all that is wrong with real ones
"""
