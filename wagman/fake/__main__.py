"""`python -m wagman.fake` is `wagman fake-board`."""

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    del sys.path[0]  # must come first: a file in the current folder that has the name of a module is not to be run

import argparse  # not before the line above

from wagman.fake.process import add_arguments, run

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="wagman fake-board", description="A Wagman board with guests, on a pseudo-terminal.")
    add_arguments(parser)
    sys.exit(run(parser.parse_args()))
