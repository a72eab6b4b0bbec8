"""The machine of a guest: the life of one supervised computer, pure and synchronous.

The theory
----------
A guest is in one of seven states. Each family of states has a file of its own (`stopped`, `booting`, `started`, `halting`,
`maintenance`), and `state` is what they share. `machine` says which handler takes an input, `inputs` what an input is,
`situation` what a handler looks at and returns.
Each state handles every input, so the table is total. A handler gets the `Situation` as `now` (the guest's configuration and
memory) and returns a `Step`: the next state, the memory, the complete set of alarms, and the effects. Nothing else happens: no
clock, no I/O, no await. Whoever drives the machine commits the step, arms the alarms and carries the effects out.

- **Handlers are called as in the design note, and stand in its order**: `on_enter`, `on_heartbeat`, one `on_ALARM` for each
  alarm, then the facts about power, then the requests. `goto(states.stopping, now, ...)` makes the new state and runs its
  `on_enter`; a step that stays in its state uses `stay`.
- **Power is a level.** No handler switches a relay. Each state says by `power()` what its relay should be; the
  reconciler beside the link makes it so and answers with facts: `RelayAsked` (it may be on from now), `RelayOn`,
  `RelayOff`, `PowerLost`, `PowerFound`. Each power cycle has a number. An *off* names the last cycle that it may cut, so
  that power which came on by itself is reported and never cut.
- **Only a guest that was asked to halt is cut.** The ways into Stopped with power on are: silence after a message (Stopping;
  without a heartbeat, a wait), the stop time-out, a start that failed or was given up and was listened to all the time, the
  operator's `kill`, and `shutdown = []`.
- **Silence must be proved.** Alarms with `proof` fire only once an ear shows it (`wagman.tasks.loop`). The stop time-out needs
  no silence, but a board that answers. If it is late because nobody could look, the guest is asked again and has all of
  its time again: the board may have started it anew meanwhile, and nobody has asked what runs now. A beat re-arms an alarm
  from the beat's own time, not from the time at which it was reported.
- **An attempt is counted when the relay is seen on, a failure when a start fails**: by its time-out, or because the heartbeat
  stopped before the guest was stable. Both return to zero when the guest is stable, that is, at the first beat at least
  `stable_after` after the one that made it Started; and when an operator starts a guest that is Stopped.
- **A guest through which boards are reached is never left off** (`leads_to`): in Stopped its power is *untouched* unless an
  operator insisted, and its start asks for a new power cycle without an off before it.
- **A timed order ends by itself.** One alarm, `term`, runs beside those of whatever state the guest is in, until the order's
  time is over by the controller's own clock; each later decision ends it sooner.
- **Who asks matters.** The operator's commands change `wanted` and `enabled` first; the scheduler's own start and
  stop never do, and its start is checked again here.

States and alarms
-----------------
===========  =====================================================================================
Stopped      `settle` (beats are leftovers), `backoff` (not due yet), `adopt` (power untouched until then)
Starting     `timeout`, armed when the relay is seen on
WillStop     `timeout`, kept from Starting
Started      `heartbeat` (silence); without a heartbeat input `stable`
Stopping     `heartbeat` (silence), `timeout` (armed when the message was delivered, or could not be), `resend`
Restarting   as Stopping
Maintenance  `heartbeat` (silence, which is only told)
===========  =====================================================================================
"""

from wagman.fsm.guest.machine import STATES, TERM, goal, restored, resume, step, untrusted, withheld
from wagman.fsm.guest.situation import Memory, Situation, Step
from wagman.fsm.guest.started import Started
from wagman.fsm.guest.state import State
from wagman.fsm.guest.stopped import Stopped

__all__ = [
    "STATES",
    "TERM",
    "Memory",
    "Situation",
    "Started",
    "State",
    "Step",
    "Stopped",
    "goal",
    "restored",
    "resume",
    "step",
    "untrusted",
    "withheld",
]
