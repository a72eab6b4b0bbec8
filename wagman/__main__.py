"""`python -m wagman` is the `wagman` command."""

import sys

from wagman.cli import main

if __name__ == "__main__":
    sys.exit(main())
