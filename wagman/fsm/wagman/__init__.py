"""The scheduler: it starts the guests one after the other, and takes them down when the enclosure is too hot.

`states` has the states, `inputs` what they hear and ask for, `situation` what they look at, `machine` the step.

The theory
----------
The machine sees each guest as a `View` (its state, whether it is due) and the enclosure as an `Environment`. It never
touches power: its effects are requests to the guests' own machines, which check them again. *Due* means: stopped, wanted
up, enabled, not held, and with its backoff behind it; and nobody is due whose board cannot be seen.

- StartDevices is the choice of the next due guest after the cursor, round robin, so that one dead guest never starves the
  others. It is left at once: to StartNextDevice, or to Normal when nobody is due.
- StartNextDevice waits until that guest is no longer Starting, whatever it became. `guard` bounds the wait.
- Normal looks around every minute (`look`).
- A restart of all begins with the first: a board that takes the power of all that runs puts the cursor back. Nobody is started
  before those that come first have said how they are, after such a loss or when the service comes up; `order` bounds that wait.
- A guest that comes after others is due once they are up. `after:NAME` bounds the wait for one, and nobody waits for one that is
  not to run, or whose start has failed. A guest that is to stop goes on while those that come after it are on their way down;
  `before:NAME` bounds that, and `ReviewGuest` ends it.
- WillHibernate stops one guest each 30 s (`stop`), in reverse start order; Hibernating keeps them down, for at least
  `minimum`. What is forced up by the operator is exempt. A hot enclosure leads to WillHibernate from every state but these, and
  so does an operator's order (`Rest`), until somebody ends it. Both count: heat for as long as it would without the order. Where
  only the order is left, the guests that it keeps run, and one of them that has stopped is started again.

A start is a request with an answer. It bears a number, which the guest's view shows once the guest carries the start out: what
the view tells of the guest from then on has come of this start (it started, or failed). A guest that is not due refuses.

Each state has one handler for each input and for each of its alarms. Where the situation alone decides (heat, or its end), no
handler asks for it: after each step, and when the service comes up, the state is asked where it leads (`State.leads_to`).
"""

from wagman.fsm.wagman.inputs import View
from wagman.fsm.wagman.machine import restored, step, taken_up
from wagman.fsm.wagman.situation import Situation
from wagman.fsm.wagman.states import STATES, State, Step

__all__ = ["STATES", "Situation", "State", "Step", "View", "restored", "step", "taken_up"]
