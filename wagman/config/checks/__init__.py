"""What must hold between the values of a configuration: each check yields what is wrong and what to do about it.

- `subject`   the values that a check looks at, and where each was stated
- `boards`    the boards, and the guests on each
- `guests`    how a guest is started and stopped
- `hearing`   how guests are heard, and the witnesses of their silence
- `node`      what exists once: the start order, the enclosure, who may read secrets and serial ports
"""

from collections.abc import Iterator

from wagman.config.checks import boards, guests, hearing, node
from wagman.config.checks.subject import Subject
from wagman.config.findings import Finding, Findings

STAGES = ((boards.check_kinds,), (*boards.CHECKS, *guests.CHECKS, *hearing.CHECKS, *node.CHECKS))
"""All checks. Later stages draw no conclusions from what an earlier stage found wrong."""


def check_all(subject: Subject, findings: Findings) -> None:
    """Note every finding of every check."""
    for checks in STAGES:
        findings.judge([each for check in checks for each in check(subject)])


def advise(subject: Subject) -> Iterator[Finding]:
    """Findings about values that are right, but perhaps not what somebody wants."""
    for check in (*guests.ADVICE, *hearing.ADVICE):
        yield from check(subject)
