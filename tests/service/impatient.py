"""`wagman`, whose patience with what calls for a person, and with a network that nobody shows to work, is that of a test."""

import sys

import wagman.config.checks.hearing
import wagman.io.board.plain
import wagman.io.ears.network
import wagman.service.problems.hearing
from wagman.cli import main

wagman.config.checks.hearing.LEAST_UNWITNESSED_S = 3.0
wagman.io.board.plain.PAUSE_S = 1.0
wagman.io.ears.network.UNPROVED_S = 3.0
wagman.io.ears.network.UNSURE_LOOK_S = 1.0
wagman.io.ears.network.SURE_LOOK_S = 2.0
wagman.service.problems.hearing.NEVER_S = 2.0
wagman.service.problems.hearing.DEAF_S = 2.0

if __name__ == "__main__":
    sys.exit(main())
