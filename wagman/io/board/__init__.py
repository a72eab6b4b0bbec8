"""What holds for boards of any dialect.

- `task`        greets the board, polls it, and switches what is to be switched
- `power`       whose turn it is to be switched on this board; `pace`: among all boards
- `sightings`   when each guest was last heard, out of all that tells of it
- `driver`      what a dialect has to do for the task, and what it may be able to do
- `plain`       the driver for all boards that can be asked one thing at a time
- `connection`  how a board is reached
"""
