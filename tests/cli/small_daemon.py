"""A process with a real socket, a real journal, and devices that only pretend: SOCKET LOG BOOT_ID [ARRANGEMENT...]."""

import os
import sys
from functools import partial
from pathlib import Path

import trio

from tests.api.fake_service import fake_service
from wagman.api.access import Access
from wagman.api.listener import unix_listener
from wagman.api.server import serve


async def main(path: str, log: str, boot_id: str, *arrangements: str) -> None:
    access = Access()
    async with fake_service(Path(log), boot_id) as service, trio.open_nursery() as nursery:
        for each in arrangements:
            service.arrange(*each.split())
        with unix_listener(path, access) as bound:
            await nursery.start(serve, service, bound.listener, access.judge)
            os.write(sys.stdout.fileno(), b"ready\n")
            await trio.sleep_forever()


if __name__ == "__main__":
    trio.run(partial(main, *sys.argv[1:]))
