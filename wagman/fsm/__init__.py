"""The state machines, pure: (input) -> next state, alarms, effects. Nothing in here knows trio, sockets, clocks or files.

- `guest`                     the machine of one guest
- `outlet`                    the machine of one outlet: what is known of its power, and which command is due
- `scheduler`, `environment`  who is started and stopped when; and the sensors of the enclosure
- `alarms`, `graph`           alarms as data; the graphs, checked and drawn
"""
