"""What a mutation run has left alive, held against the list of those that may live: `nox -s mutate`.

mutmut changes one thing at a time in the modules that decide; `[tool.mutmut]` in pyproject.toml has them, and the tests that are
to notice. A change that no test notices is either a gap in the tests, or one that nobody could notice. Those of the second kind
stand in survivors.txt, below the reason; all others are printed, and end this program with 1.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

SURVIVORS = Path(__file__).with_name("survivors.txt")

ALIVE = ("survived", "no tests", "suspicious")
"""What mutmut calls the changes that no test has noticed."""


@frozen
class Change:
    """A change that mutmut has made."""

    where: str  # the module, the class and the function, as in `wagman.fsm.graph.checked_graph`
    after: str  # the changed lines as they are after it, joined

    def __str__(self) -> str:
        return f"{self.where} | {self.after}"


def mutmut(*words: str) -> str:
    """What mutmut prints."""
    return subprocess.run([sys.executable, "-m", "mutmut", *words], check=True, capture_output=True, text=True).stdout


def verdicts() -> Iterator[tuple[str, str]]:
    """Each change by its name, and what became of it."""
    for line in mutmut("results", "--all", "true").splitlines():
        name, _, verdict = line.strip().partition(": ")
        if verdict:
            yield name, verdict


def change(name: str) -> Change:
    """A change by what it does, for its number is another one after each edit above it."""
    diff = mutmut("show", name).splitlines()
    after = [line[1:].strip() for line in diff if line.startswith("+") and not line.startswith("+++")]
    module, _, function = name.partition("__mutmut_")[0].rpartition(".")
    return Change(f"{module}.{function.removeprefix('x_').removeprefix('xǁ').replace('ǁ', '.')}", " ".join(after))


def listed() -> set[str]:
    """The changes that may live."""
    lines = SURVIVORS.read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def main() -> int:
    """Print the score, and each change that lives and is not listed; 1 if there is one."""
    known, made = listed(), dict(verdicts())
    counted = Counter(made.values())
    alive = [change(name) for name, verdict in made.items() if verdict in ALIVE]
    unlisted = [each for each in alive if str(each) not in known]
    judged = counted.total() - counted["not checked"]
    print(f"{judged} changes; {len(alive)} live, {len(alive) - len(unlisted)} of them as they may; {dict(counted)}")
    print(f"score: {100 * (judged - len(alive)) / max(judged, 1):.1f} %")
    for each in unlisted:
        print(each)
    return 1 if unlisted else 0


if __name__ == "__main__":
    sys.exit(main())
