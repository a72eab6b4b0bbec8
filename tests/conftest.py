"""What all tests share."""

from hypothesis import settings

# No deadline: how long an example takes says more of the machine and its load than of the code.
settings.register_profile("wagman", deadline=None, print_blob=True)
settings.load_profile("wagman")
