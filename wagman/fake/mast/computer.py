"""A computer of the fake mast: `python -m wagman.fake.mast.computer NAME FD` answers HTTP on the socket in that descriptor.

`GET` is answered with its health, `POST` halts it. `ask PORT` and `halt PORT` instead send such a request, and end with 0 if it
is answered. Only sockets and threads are imported, so that it starts at once, as a question must.
"""

import os
import socket
import sys
from threading import Thread

HOST = "127.0.0.1"

PATIENCE_S = 0.5
"""How long either side waits for the other, in real time (chosen: on one computer an answer takes a millisecond)."""

MOST_BYTES = 4_096
"""The longest request, and the longest answer (chosen)."""

VERBS = {"ask": b"GET", "halt": b"POST"}


def serve(name: str, listener: socket.socket) -> None:
    """Answer requests until one asks it to halt."""
    while True:
        client, _ = listener.accept()
        with client:
            client.settimeout(PATIENCE_S)
            try:
                verb = client.recv(MOST_BYTES).partition(b" ")[0]
                client.sendall(_answer(name))
            except OSError:
                continue  # the client has gone
        if verb == VERBS["halt"]:
            return


def _answer(name: str) -> bytes:
    body = f"{name} is well (process {os.getpid()})\n"
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()


def ask(verb: bytes, port: int) -> int:
    """Send a request to the computer on that port; return 0 if it answers."""
    try:
        with socket.create_connection((HOST, port), timeout=PATIENCE_S) as asked:
            asked.sendall(verb + b" / HTTP/1.1\r\nHost: mast\r\nConnection: close\r\n\r\n")
            answer = asked.recv(MOST_BYTES)
    except OSError as error:
        sys.stderr.write(f"it does not answer: {error}\n")
        return 1
    return 0 if answer.startswith(b"HTTP/1.1 200 ") else 1


def end_with_parent() -> None:
    """End this process when nobody holds the other end of its standard input any more."""
    while os.read(0, 1):
        pass
    os._exit(0)


def main() -> int:
    """Be a computer, or ask one."""
    what, number = sys.argv[1], int(sys.argv[2])
    if what in VERBS:
        return ask(VERBS[what], number)
    Thread(target=end_with_parent, daemon=True).start()
    with socket.socket(fileno=number) as listener:
        serve(what, listener)
    return 0


if __name__ == "__main__":
    sys.exit(main())
