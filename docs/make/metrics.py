"""Writes the tables of docs/metrics.md from the catalogue: `python -m docs.make.metrics`; `--check` sees if they are stale."""

import sys

from docs.make.pages import keep_part, table
from wagman.bridges.metrics.catalogue import SUBJECTS, UP
from wagman.bridges.metrics.left_out import LEFT_OUT

MODULE = "docs.make.metrics"
PAGE = "metrics.md"


def tables() -> str:
    """All metrics, and what of the status is none."""
    rows = [(f"`{UP.name}`", UP.kind, "", UP.text)]
    for subject in SUBJECTS:
        for family in subject.families:
            labels = ", ".join(f"`{label}`" for label in (*subject.labels, *family.labels))
            rows.append((f"`{family.name}`", family.kind, labels, family.text))
    metrics = table(("metric", "type", "labels", "means"), rows)
    left = table(("of the status", "why it is no metric"), [(f"`{path}`", why) for path, why in LEFT_OUT.items()])
    return f"## All metrics\n\n{metrics}\n## What is left out\n\n{left}"


if __name__ == "__main__":
    sys.exit(keep_part(MODULE, PAGE, tables))
