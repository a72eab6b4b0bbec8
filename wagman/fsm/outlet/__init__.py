"""The outlet machine: what is known of the power of one outlet, and which command is due. Pure and synchronous.

The theory
----------
An outlet (`outlet`) is in one of five states, each a class of `states`. Beside the state stand its `signs` (what it showed, and
when) and the command that waits for evidence, if there is one (`PendingCommand`). Inputs are what the board shows and the level
that the guest's machine wants. Each input yields a `Step`: the next outlet, and facts for the guest's machine. When a command may
leave (one relay-on after the other, no board at all) is not known here: `wagman.io.board.power` keeps the turns, and asks each
outlet what is due.

- **A reply is no evidence.** An outlet is on or off once the board shows it. Until then the command is repeated, after longer
  and longer pauses.
- **An off is believed only when the board says so, and no current says otherwise.** After three rounds the relay is stuck.
- **If nothing can be read of a board**, its reply is believed once the board has had its time (`settle_s`). Power known only
  by a reply is *assumed*, and never confirmed.
- **Power of unknown origin is reported, and never cut** (`Stray`, or a power cycle that is later than the goal may cut): whoever
  wants it off must first ask the guest to halt.
- **Power that nobody can be sure of any more is doubted** (`Doubted`). An outlet that should be on is switched on once more, in
  its turn, which moves no relay that is on. One that should be off is reported, and so its guest is asked to halt.
- **A guest that is heard though its outlet is off belies it** (`Signs.belied`): the looks are wrong, or it has another supply.
  That it goes on to be shown off is no loss of power then. Who is to be down is asked to halt; who is to run is switched on.
- **Reports are numbered.** A goal says which report the guest's machine has taken last. A goal from before the latest report is
  ignored, and nothing is switched until the answer is there.
- **Each power cycle is switched on once**, unless it is doubted.
- **An outlet through which a board is reached is switched off only by a pulse** (`pulse_s`), unless off is the goal: the board
  ends the pulse by itself. Nothing that is seen before its end counts. A pulse without a reply is repeated once; then an on makes
  sure of the power, in case the board has forgotten the pulse.

States
------
============  ========================================================================================
Unknown       nothing is known of it, or a relay-on has left and its effect was not seen
On            on, in a power cycle of its guest
Doubted       it was on in that power cycle, and nobody knows whether it still is
Stray         on, or perhaps on, and not switched on by the service
Off           off; the board keeps it so, or may start it by itself
============  ========================================================================================
"""

from wagman.fsm.outlet.outlet import Fate, Outlet
from wagman.fsm.outlet.signs import Level, PendingCommand, Signs, Step
from wagman.fsm.outlet.states import STATES, Doubted, Off, On, State, Stray, Unknown

__all__ = [
    "STATES",
    "Doubted",
    "Fate",
    "Level",
    "Off",
    "On",
    "Outlet",
    "PendingCommand",
    "Signs",
    "State",
    "Step",
    "Stray",
    "Unknown",
]
