"""The control socket from outside, as a library: for the commands, the demo, the tests, and programs of others.

- `conversation`   bytes in, messages out: what is asked and what is told; no I/O
- `blocking`       one connection for plain programs; standard library only
- `following`      every event after a place in the log, over as many connections as it takes
- `asynchronous`   one connection for programs that run in trio
- `errors`         what can go wrong, by kind

No exit codes, no printing. What the methods are is told in docs/socket.md.
"""
