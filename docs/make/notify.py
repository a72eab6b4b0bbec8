"""Writes the keys of `notify.toml` into docs/notify.md: `python -m docs.make.notify`; `--check` sees if they are stale."""

import sys

from docs.make.configuration import table_of
from docs.make.pages import keep_part
from wagman.bridges.notify.config import Address, Program, Pulse
from wagman.bridges.notify.rules import Rules

MODULE = "docs.make.notify"
PAGE = "notify.md"

SECTIONS = (
    ("In no table", Program, "Above all tables."),
    (
        "`[to.NAME]`",
        Address,
        "Somebody who is told. A table has one of these keys, and may have any of `[tell]`. NAME is as that of a guest.",
    ),
    ("`[tell]`", Rules, "What holds for all of them that do not say otherwise."),
    ("`[alive]`", Pulse, "An address that is called while all is well, by `url` or `url_file` as in `[to.NAME]`."),
)


def tables() -> str:
    """A part for each table of the file."""
    parts = (f"### {title}\n\n{text}\n\n{table_of(section)}" for title, section, text in SECTIONS)
    return "\n".join(parts).replace("(#durations)", "(configuration.md#durations)")


if __name__ == "__main__":
    sys.exit(keep_part(MODULE, PAGE, tables))
