"""The control socket from outside, as a library: for the commands, the demo, the tests, and programs of others.

- `conversation`   bytes in, messages out: requests, answers and unasked messages of one connection; no I/O
- `following`      the rules of following the log over many connections: neither gap nor repeat; no I/O
- `blocking`       a connection and a follower for plain programs; standard library only
- `asynchronous`   a connection and a follower for programs that run in trio
- `errors`         the errors, by kind

No exit codes, no printing. The methods are described in docs/socket.md; the types of their results are in `wagman.model.shapes`.
"""
