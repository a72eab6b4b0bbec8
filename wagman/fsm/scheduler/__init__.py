"""The scheduler: it starts the guests one after the other, and takes them down when the enclosure is too hot.

`states` has the states, `inputs` their inputs and effects, `situation` what they look at, `machine` the step.

The theory
----------
The machine sees each guest as a `View` (its state, whether it is due) and the enclosure as an `Environment`. It never
touches power: its effects are requests to the guests' own machines, which check them again. A guest is *due* if it is stopped,
wanted up, enabled, not locked out, and its backoff is over. A guest whose board cannot be seen is never due.

- StartDevices is the choice of the next due guest after the cursor, round robin, so that a guest that never comes up starves no
  other. It is left at once: to StartNextDevice, or to Normal when no guest is due.
- StartNextDevice waits until that guest is no longer Starting, whatever it became. `guard` bounds the wait.
- Normal looks around every minute (`look`).
- A restart of all guests begins with the first: a board that takes the power of all that run puts the cursor back. After such a
  loss, and when the service comes up, no guest is started before it is known how the earlier ones are; `order` bounds that wait.
- A guest that comes after others is due once they are up. `after:NAME` bounds the wait for each of them, and no guest waits for
  one that is not to run, or whose start has failed. A guest that is to stop goes on while those that come after it are on their
  way down; `before:NAME` bounds that, and `ReviewGuest` ends it.
- WillHibernate stops one guest at each alarm `stop` (`hibernate_interval`), in reverse start order. Hibernating keeps them down,
  after heat for at least `minimum`. A guest that the operator started by force is exempt. A hot enclosure leads to WillHibernate
  from every other state, and so does an operator's order (`HibernationOrder`) until somebody ends it. Both count at the same
  time: heat for as long as it would without the order. If only the order is left, the guests that it keeps run, and one of them
  that has stopped is started again.

A start is a request with an answer. It has a number, which the guest's view shows once the guest carries the start out: from then
on the view tells what came of this start (it started, or failed). A guest that is not due refuses.

Each state has one handler for each input and for each of its alarms. Heat, its end and orders have no handler, because the
situation alone decides: after each step, and when the service comes up, the state is asked where it leads (`State.leads_to`).
"""

from wagman.fsm.scheduler.inputs import View
from wagman.fsm.scheduler.machine import restored, step, taken_up
from wagman.fsm.scheduler.situation import Situation
from wagman.fsm.scheduler.states import STATES, State, Step

__all__ = ["STATES", "Situation", "State", "Step", "View", "restored", "step", "taken_up"]
