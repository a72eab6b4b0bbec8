"""The states, pure: (input) -> next state, alarms, effects. Nothing in here knows trio, sockets, clocks or files.

- `guest`                   the life of one guest
- `outlet`                  what is known of one outlet, and what is to be done about it
- `wagman`, `environment`   the scheduler: who is started and stopped when; and what the enclosure is like
- `alarms`, `graph`         alarms as data; the graphs, checked and drawn
"""
