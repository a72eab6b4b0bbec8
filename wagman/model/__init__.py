"""The words that every other room shares. Imports no other room; what a command reads here does without attrs.

- `facts`      what the tasks tell each other: evidence of the boards, goals of the guests, drafts of events
- `catalogue`  every type of event: when, what to do, its fields, its severity, its sentence
- `backend`    what a board must be able to do, and what may be believed of it
- `shapes`     the JSON objects of the control socket, typed once
- `order`      names in an order in which each comes after those that it needs
- `asked`      how long a name or a time in a request may be, and what an answer says that was not kept
- `words`      durations, ordinals and readings, for people
- `errors`     what can go wrong, by kind
- `process`    running a command, bounded: for messages to guests, and for boards that are commands
- `sockets`    how long the path of a socket may be
"""
