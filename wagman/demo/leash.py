"""`python -m wagman.demo.leash COMMAND`: a `wagman` command that ends when the demonstration has ended, however that ended.

Its standard input is a pipe whose other end the demonstration holds, and lets go of even when it is killed.
"""

import os
import signal
import sys
from threading import Thread

from wagman.cli import main


def end_with_parent() -> None:
    """Wait for the end of the standard input, and then end this process in an orderly way."""
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    Thread(target=end_with_parent, daemon=True).start()
    sys.exit(main(sys.argv[1:]))
