"""A fake rail as a process, and a guest that is a real HTTP server."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from attrs import define

OUR_OWN = "0x7f.1"
"""This computer by an address that a configuration does not take for its own: a witness may be anybody else."""


@define(eq=False)
class Rail:
    """`python -m wagman.fake.plugs`."""

    process: subprocess.Popen[str]
    port: int

    @property
    def host(self) -> str:
        return f"{OUR_OWN}:{self.port}"

    def do(self, command: str) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert answer.get("ok", True), answer
        return answer

    @property
    def switched(self) -> list[Any]:
        """All that was switched, whoever did it."""
        return list(self.do("status")["relay_log"])


@contextmanager
def rail(*options: str) -> Iterator[Rail]:
    command = [sys.executable, "-m", "wagman.fake.plugs", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Rail(process, json.loads(process.stdout.readline())["port"])
        finally:
            process.kill()


@define(eq=False)
class Web:
    """A guest's page."""

    server: ThreadingHTTPServer
    status: int = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/health"


@contextmanager
def web() -> Iterator[Web]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(guest.status)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    guest = Web(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
    thread = threading.Thread(target=guest.server.serve_forever)
    thread.start()
    try:
        yield guest
    finally:
        guest.server.shutdown()
        guest.server.server_close()
        thread.join()
