"""`python -m wagman.io.fake` is `wagman fake-board`."""

import argparse
import sys

from wagman.io.fake.process import add_arguments, run

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="wagman fake-board", description="A Wagman board with guests, on a pseudo-terminal.")
    add_arguments(parser)
    sys.exit(run(parser.parse_args()))
