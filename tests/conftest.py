"""What all tests share."""

import signal

from hypothesis import settings

# No deadline: how long an example takes says more of the machine and its load than of the code.
settings.register_profile("wagman", deadline=None, print_blob=True)
settings.load_profile("wagman")

# A shell has what it starts in the background ignore ^C, and so would the commands that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
