"""`python -m wagman` is the `wagman` command."""

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    del sys.path[0]  # the current folder: what lies there under the name of a module is not ours to execute

from wagman.cli import main  # not before the line above

if __name__ == "__main__":
    sys.exit(main())
