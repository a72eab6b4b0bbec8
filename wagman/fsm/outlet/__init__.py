"""The outlet machine: what is known of one outlet of a board, and what is to be done about it. Pure and synchronous.

The theory
----------
An outlet (`outlet`) is in one of five states, each a class of `states`, and has shown some `signs`. Beside the state stands the
command that waits for its evidence, if one does (`Errand`). The signs that a board gives are inputs, as is the level that
the guest's machine wants; each input yields a `Step`: the outlet as it is then, and the facts that its guest is told. Who may
switch when - one relay-on after the other, no board at all - is not known here: `wagman.io.board.power` keeps the turns, and asks
each outlet what is due.

- **A reply is no evidence.** An outlet is on or off once the board shows it; until then the command is repeated, and the
  pauses grow.
- **An off is believed only when the board says so, and no current says otherwise.** After three rounds the relay is stuck.
- **What can be read of no board is assumed** from its reply, once the board has had its time (`settle_s`): never confirmed.
- **Power of unknown origin is reported, and never cut** (`Stray`, or a power cycle that is later than the goal may cut): who
  wants it off must first ask the guest to halt.
- **Power that nobody can be sure of any more is doubted** (`Doubted`): an outlet that should be on is switched on once more,
  in its turn, which moves no relay that is on; one that should be off is reported, and so its guest is asked to halt.
- **Reports are numbered.** A goal says which report its guest has taken last; one that was decided before the latest report
  is ignored, and nothing is switched until the answer is there.
- **Each number of a power cycle is switched on once**, unless it is doubted.
- **What leads to a board is never off for longer than one command says** (`pulse_s`), unless that is the goal: in place of the
  off before a new power cycle leaves a pulse, which the board ends by itself. Nothing that is seen before its end counts. One
  that nobody replied to is repeated once; an on makes sure of one that the board may have forgotten.

States
------
============  ========================================================================================
Unknown       nothing is known of it, or a relay-on has left that was not seen to have its effect
On            on, in a power cycle of its guest
Doubted       it was on in that power cycle, and nobody knows whether it still is
Stray         on, or perhaps on, and not by the service's doing
Off           off; the board keeps it so, or may start it by itself
============  ========================================================================================
"""

from wagman.fsm.outlet.outlet import Fate, Outlet
from wagman.fsm.outlet.signs import Errand, Level, Signs, Step
from wagman.fsm.outlet.states import STATES, Doubted, Off, On, State, Stray, Unknown

__all__ = [
    "STATES",
    "Doubted",
    "Errand",
    "Fate",
    "Level",
    "Off",
    "On",
    "Outlet",
    "Signs",
    "State",
    "Step",
    "Stray",
    "Unknown",
]
