"""What holds for every kind of board.

- `task`        greets the board, polls it, and sends the switching commands that are due
- `power`       whose turn it is to be switched on this board; `pace`: among all boards
- `sightings`   when each guest was last heard, according to everything that the board shows
- `driver`      what a dialect has to do for the task, and what it may be able to do
- `plain`       the driver for all boards that can be asked one thing at a time
- `connection`  how a board is reached
"""
