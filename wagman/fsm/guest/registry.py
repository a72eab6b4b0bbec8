"""The classes of the six states, for one another: `states.stopped` is Stopped.

The families refer to one another in circles. Each file of a family is imported without the others and takes their classes from
here when a handler runs; `machine` puts in what `checked_graph` has built.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wagman.fsm.guest.booting import Starting, WillStop
    from wagman.fsm.guest.halting import Restarting, Stopping
    from wagman.fsm.guest.started import Started
    from wagman.fsm.guest.stopped import Stopped


class States:
    """Each class under the name of its state."""

    stopped: "type[Stopped]"
    starting: "type[Starting]"
    will_stop: "type[WillStop]"
    started: "type[Started]"
    stopping: "type[Stopping]"
    restarting: "type[Restarting]"


states = States()
