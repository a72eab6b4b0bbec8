"""The device machine: the life of one guest, pure and synchronous.

The theory
----------
A guest is in one of six states. Each is a class below; each handles every input, so the table is total. A handler gets a
`Case` (the device's configuration and memory) and returns a `Step`: the next state, the memory, the complete set of
alarms, and the effects. Nothing else happens: no clock, no I/O, no await. Whoever drives the machine commits the step,
arms the alarms and carries the effects out.

- **Power is a level.** No handler switches a relay. Each state says by `power()` what its relay should be; the
  reconciler beside the link makes it so and answers with facts: `RelayAsked` (it may be on from now), `RelayOn`,
  `RelayOff`, `PowerLost`, `PowerFound`. Each power cycle has a number; an *off* names the last cycle that it may cut, so
  that power which came on by itself is reported and never cut.
- **Only a guest that was asked to halt is cut.** The ways into Stopped with power on are: silence after a message
  (Stopping), the stop time-out, a start that failed and was listened to all the time, the operator's `kill`, and
  `shutdown = []`.
- **Silence must be proved.** Alarms with `proof` fire only on a poll that shows it (`wagman.tasks.loop`). The stop time-out needs
  no silence, but a board that answers; where it is late, because nobody could look, the guest is asked again and has all of
  its time again: the board may have started it anew meanwhile, and nobody has asked what runs now. A beat re-arms
  from its own time, not from the time at which it was told.
- **An attempt is counted when the relay is seen on, a failure when a start fails**: by its time-out, or by the heart
  beat stopping before the device was stable. Both return to zero only when the device is stable, that is, at the first
  beat at least `stable_after` after the one that made it Started.
- **Who asks matters.** The operator's commands change `wanted` and `enabled` first; the Wagman machine's own start and
  stop never do, and its start is checked again here.

States and alarms
-----------------
===========  =====================================================================================
Stopped      `settle` (beats are leftovers), `backoff` (not due yet), `adopt` (power untouched until then)
Starting     `timeout`, armed when the relay is seen on
WillStop     `timeout`, kept from Starting
Started      `heartbeat`; without a heartbeat input `stable`
Stopping     `heartbeat` (silence), `timeout` (armed when the message was delivered, or could not be), `resend`
Restarting   as Stopping
===========  =====================================================================================
"""

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from wagman.fsm.alarms import Fired
from wagman.fsm.case import Case, Memory, Step
from wagman.fsm.device_states import STATES, State, Stopped
from wagman.fsm.inputs import Decided, Hibernation, Input, MessageDone, Operator, StartRefused, WagmanStart, WagmanStop
from wagman.model.errors import StoreError
from wagman.model.facts import Beat, BoardStopping, PowerFound, PowerLost, RelayAsked, RelayOff, RelayOn, RelayStuck

__all__ = ["STATES", "Case", "Memory", "State", "Step", "Stopped", "restored", "step", "untrusted"]


def step(state: State, case: Case, item: Input) -> Step:
    """One transition of the machine.

    Raises:
        IllegalTransitionError: a defect; nothing was changed.
    """
    match item:
        case Beat():
            return state.heartbeat(case, item)
        case Fired():
            return state.alarm(case, item)
        case Operator():
            return command(state, case, item)
        case Decided():
            return decided(state, case, item)
        case WagmanStart() if obstacle := withheld(case):
            return state.stay(case, StartRefused(obstacle))
        case WagmanStart():
            return state.wagman_start(case)
        case WagmanStop():
            return wagman_stop(state, case)
        case MessageDone() if item.cycle != case.memory.cycle:
            return state.stay(case)  # what runs now was not asked by it
        case MessageDone():
            return state.message_done(case, item)
        case Hibernation():
            return hibernation(state, case, item)
        case _:
            return power_fact(state, case, item)


def power_fact(
    state: State,
    case: Case,
    fact: RelayAsked | RelayOn | RelayOff | PowerLost | PowerFound | RelayStuck | BoardStopping,
) -> Step:
    """A fact about the port's power; one about a power cycle that is over is of no consequence."""
    match fact:
        case RelayAsked() | RelayOn() if fact.cycle != case.memory.cycle:
            return state.stay(case)
        case RelayAsked():
            return state.relay_asked(case, fact)
        case RelayOn():
            return state.relay_on(case, fact)
        case RelayOff():
            return state.relay_off(case, fact)
        case PowerLost():
            return state.power_lost(case, fact)
        case PowerFound():
            return state.power_found(case, fact)
        case BoardStopping():
            return state.board_stopping(case, fact)
        case RelayStuck():
            return state.stay(case, case.event("relay_stuck", rounds=fact.rounds))


def command(state: State, case: Case, ask: Operator) -> Step:
    """What is wanted changes before the state is asked; a refusal changes nothing."""
    if obstacle := refusal(case, ask):
        return state.stay(case).refuse(obstacle)
    match ask.verb:
        case "start" | "restart":
            exempt = case.memory.exempt or case.memory.hibernating
            up = case.remember(wanted="up", exempt=exempt, brownouts=0, held=False)
            return state.start(up) if ask.verb == "start" else state.restart(up, "asked by the operator")
        case "stop":
            return state.stop(case.remember(wanted="down"), "asked by the operator")
        case "kill":
            return state.kill(case.remember(wanted="down"))
        case "disable":
            return state.stop(case.remember(wanted="down", enabled=False), "disabled by the operator")
        case "enable":
            return state.stay(case.remember(enabled=True)).accept("enabled")


def refusal(case: Case, ask: Operator) -> str:
    """Why the command cannot be accepted, or nothing."""
    if ask.verb in ("start", "restart", "enable") and not case.config.enabled:
        return FORBIDDEN
    if ask.verb not in ("start", "restart"):
        return ""
    if not case.memory.enabled:
        return "it is disabled: enable it first"
    if case.memory.forbidden and not ask.force:
        return "hibernating: the environment forbids it; use --force to start it all the same"
    return ""


FORBIDDEN = "its table in the configuration says enabled = false: change that in the file, then reload the service"
"""Why neither an operator nor the Wagman machine can have it run."""


def withheld(case: Case) -> str:
    """Why the Wagman machine may not start it, beyond what its state says; or nothing."""
    if not case.config.enabled:
        return "the configuration disables it"
    return "what was decided about it cannot be read" if case.withheld else ""


def decided(state: State, case: Case, said: Decided) -> Step:
    """What must not run is stopped as ever: asked to halt, never just cut. What may run again the Wagman machine starts."""
    memory = case.memory
    wanted = memory.wanted if said.wanted is None else said.wanted
    enabled = memory.enabled if said.enabled is None else said.enabled
    if (wanted, enabled) != (memory.wanted, memory.enabled):
        case = case.remember(wanted=wanted, enabled=enabled)
    if isinstance(state, Stopped) or (case.allowed and wanted == "up"):
        return Step(state, case.memory)
    reason = "disabled in the configuration" if not case.config.enabled else "an operator decided so before"
    return evolve(state.stop(case, reason), verdict=None)  # nobody asks


def wagman_stop(state: State, case: Case) -> Step:
    """The environment's stop spares what is off already and what the operator forced."""
    if isinstance(state, Stopped) or case.memory.exempt:
        return state.stay(case)
    return state.stop(case, "the environment forbids that it runs")


def hibernation(state: State, case: Case, said: Hibernation) -> Step:
    """A normal environment ends every exemption."""
    exempt = case.memory.exempt and said.active
    return state.stay(case.remember(hibernating=said.active, exempt=exempt))


# --- Coming up ---------------------------------------------------------------------------------------------------------


def untrusted() -> Stopped:
    """The state of a device of which nothing is known: power is left alone until the adopt window has told."""
    return Stopped("nothing is known of it yet", untouched=True)


def restored(saved: Mapping[str, Any]) -> State:
    """The state that `State.lasting()` gave; `State.resumed()` takes it up, and no on-enter effect is run.

    Raises:
        StoreError: it is not one; what was saved cannot be trusted.
    """
    try:
        fields = dict(saved)
        return STATES[fields.pop("name")](**fields)
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(f"what was saved of a device is no state of it: {saved!r}") from error
