"""The tasks that run the machines, and what they need. Knows the states and the log; no wire, no socket.

- `loop`        the one loop of every machine: its inputs, its alarms
- `inbox`       the channel in front of the loop; `letters`: requests and answers that go through it
- `guest`       the task of one guest: its state, its memory, its events; `surroundings`: whom it speaks to
- `supervisor`  the task of the scheduler: who is started and stopped when
- `messages`    the commands that ask a guest to halt
- `contain`     a task that crashes is started anew, alone
- `moments`     when something began, on clocks that jump and over restarts
- `logs`        events as lines for people; `journald`: for the journal, with fields of their own
"""
