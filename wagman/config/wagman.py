"""A Wagman as a board: its ports, and the boot media that it selects."""

PORTS = range(5)
"""The ports of a Wagman: 0 (node controller) to 4 (firmware)."""

PING_AGE_S = 45 * 60.0
"""A running port that the board has not heard for this long is pinged (specified: at an hour the board would stop it)."""

SELECTOR_PORTS = (0, 1)
"""The ports of a Wagman with a boot-media selector of their own (firmware)."""

MEDIA = ("emmc", "sd")
"""The boot media that a selector knows, the firmware's own primary first (firmware)."""


def other_medium(medium: str) -> str:
    """The medium that is not `medium`: the recovery medium of a guest whose primary it is."""
    return MEDIA[1 - MEDIA.index(medium)]
