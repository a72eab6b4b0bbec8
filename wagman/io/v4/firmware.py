"""What v4 firmware does by itself, and how soon, in figures."""

UNMANAGED_FAILURES = 30
"""From this many heartbeat time-outs on the board stops managing a port (firmware)."""

CLAIM_S = 3 * 3600.0
"""How often an unmanaged port is claimed (chosen): after four hours the board would power-cycle it (firmware)."""

REPARK_S = 7 * 86_400.0
"""How often a parked port is parked anew (chosen: well before 49.7 days)."""

EDGE_PORT = 2
"""The only port whose heartbeats may come from a pin (firmware)."""

LOOKS = 3
"""How often a port's state is read before a command counts as lost (chosen: it is carried out within one pass)."""

LATE_S = 2.0
"""How long after its reply a request is carried out at the latest (firmware: a start, in the next pass, and the switching)."""

AGAIN_S = 55.0
"""For this long after a kill the board starts nothing again (firmware: 60 s, less a pass or two)."""
