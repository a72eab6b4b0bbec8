"""Commits for ever, and prints the last id of each commit once it is durable: `python writer.py DATABASE MAX_EVENTS`."""

import sys
from pathlib import Path

from wagman.store import Event, Limits, Store
from wagman.store.batch import Batch


def shape(number: int) -> str:
    """Fields that tell whether a row is whole, of a size that varies."""
    return f'"{number}:{"x" * (number * 37 % 3000)}"'


def main() -> None:
    store = Store(Path(sys.argv[1]), Limits(int(sys.argv[2]), 2**20), new_log_id=lambda: "log")
    last = store.open().held.last_id
    while True:
        first, last = last + 1, last + 1 + last % 4
        records = [Event(n, "2026-06-01T12:00:00.000Z", "boot", n / 8, "t", None, None, shape(n)) for n in range(first, last + 1)]
        store.commit(Batch(records, {"newest": str(last)}))
        sys.stdout.write(f"{last}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
