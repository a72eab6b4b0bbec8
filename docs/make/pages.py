"""Pages of the documentation that are made from the code: written anew, or compared with what stands there.

Each module that makes one is a command: `python -m docs.make.configuration` writes the page, `--check` says if it is stale.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from wagman.model.errors import WagmanError

DOCS = Path(__file__).parents[1]

END = "<!-- The end of what is made from the code. -->"


class MarkerError(WagmanError):
    """A page does not say where the part that is made from the code is to stand."""


def begin(module: str) -> str:
    """The line that what `module` makes stands below."""
    return f"<!-- Made from the code by `python -m {module}`: change it there. -->"


def between(page: str, module: str, text: str) -> str:
    """`page` with `text` in the place of what `module` made before.

    Raises:
        MarkerError: the lines that mark the place are missing.
    """
    before, found, rest = page.partition(begin(module))
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise MarkerError(f"the page has no place for what is made: it needs the lines {begin(module)!r} and {END!r}")
    return f"{before}{begin(module)}\n\n{text}\n{END}{after}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    return "\n".join((_row(head), f"|{'---|' * len(head)}", *map(_row, rows), ""))


def keep(module: str, make: Callable[[Path], Mapping[str, str]], argv: Sequence[str] | None = None) -> int:
    """The command of a module: write what `make` makes of the folder's files, or only compare, and return 1 where one is stale.

    Args:
        module: its name, for whoever reads what went wrong.
        make: gives the texts by the names of their files, from the folder that they are in.
        argv: the arguments, those of the process if None.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description="Write what the documentation has from the code.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where something is stale")
    parser.add_argument("folder", nargs="?", type=Path, default=DOCS, help="of the documentation (default: this project's)")
    args = parser.parse_args(argv)
    stale = [(args.folder / name, text) for name, text in make(args.folder).items() if _old(args.folder / name) != text]
    for path, text in stale:
        if args.check:
            sys.stderr.write(f"{path.name} is stale: run python -m {module}\n")
        else:
            path.write_text(text, encoding="utf-8")
    return int(args.check and bool(stale))


def keep_part(module: str, page: str, make: Callable[[], str]) -> int:
    """The command of a module that makes only a part of a page, which says where that is to stand."""
    return keep(module, lambda folder: {page: between((folder / page).read_text(encoding="utf-8"), module, make())})


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _old(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
