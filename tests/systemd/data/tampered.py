"""The wagman command with two defects, each set free by a file: a start that takes long, and a task that hangs."""

import sys
from pathlib import Path
from typing import Any

import trio

from wagman.cli import main
from wagman.service.root import WagmanService
from wagman.tasks.guest import Guest

PLACE = Path("/run/wagman")
take, run = Guest.take, WagmanService.run


async def hang_once(guest: Guest, nursery: trio.Nursery, item: Any) -> None:
    if (PLACE / "hang").exists():
        (PLACE / "hang").unlink()
        await trio.sleep_forever()
    await take(guest, nursery, item)


async def run_late(service: WagmanService, *args: Any, **kwargs: Any) -> None:
    while (PLACE / "not-yet").exists():  # noqa: ASYNC110 - the file is another process's
        await trio.sleep(0.05)
    await run(service, *args, **kwargs)


setattr(Guest, "take", hang_once)  # noqa: B010 - a plain assignment would have to have the very same type
setattr(WagmanService, "run", run_late)  # noqa: B010
sys.exit(main())
