"""The control socket from outside, as a library: for the commands, the demo, the tests, and programs of others.

- `conversation`   bytes in, messages out: what is asked and what is told; no I/O
- `following`      the rules of following the log over many connections: neither gap nor repeat; no I/O
- `blocking`       a connection and a follower for plain programs; standard library only
- `asynchronous`   a connection and a follower for programs that run in trio
- `errors`         what can go wrong, by kind

No exit codes, no printing. What the methods are is told in docs/socket.md; what they give is typed in `wagman.model.shapes`.
"""
