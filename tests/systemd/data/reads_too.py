"""A program that has the board's port open before the service, and takes what the board says; with `lock` it locks it, too."""

import fcntl
import os
import sys
from pathlib import Path

port = os.open("/run/board/tty", os.O_RDWR | os.O_NOCTTY)
if "lock" in sys.argv:
    fcntl.flock(port, fcntl.LOCK_EX)
Path("/run/reads-too").touch()
while True:
    os.read(port, 100)
