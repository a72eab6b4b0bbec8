"""What runs a machine, and what stands beside it. Knows the states and the log; no wire, no socket.

- `loop`        the one loop of every machine: its inputs, its alarms
- `inbox`       the channel in front of it; `letters`: what is put into it beside facts
- `guest`       one guest: its state, its memory, its events; `surroundings`: whom it speaks to
- `supervisor`  the scheduler: who is started and stopped when
- `messages`    the commands that ask a guest to halt
- `contain`     a task that crashes is started anew, alone
- `moments`     when something began, on clocks that jump and over restarts
- `logs`        events as lines for people; `journald`: for the journal, with fields of their own
"""
