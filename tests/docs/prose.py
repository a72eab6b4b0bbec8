"""Rules for the words of the pages, the messages and the docstrings: one word for each thing, as docs/glossary.md has them.

A rule that is too strict somewhere has that place in `EXCEPT`, with what may stand there: so it is decided, and not forgotten.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from docs.make.socket import properties
from tests.docs.blocks import FENCED, INDENTED, ROOT
from wagman.api.discovery import SCHEMAS, document
from wagman.api.methods import METHODS
from wagman.bridges.metrics.catalogue import SUBJECTS
from wagman.cli.help import COMMANDS
from wagman.config.ears import EarConfig
from wagman.config.enclosure import Bounds, EnvironmentConfig
from wagman.config.gauges import GaugeConfig
from wagman.config.registry import BOARDS, EARS
from wagman.config.schema import DeviceConfig, NetworkConfig, WagmanConfig
from wagman.config.service import ServiceConfig
from wagman.config.setting import settings
from wagman.model.catalogue import EVENT_TYPES, FIELDS


@frozen
class Rule:
    """A word or phrase that is not to be used, the word to use, and a sentence that breaks the rule."""

    wrong: re.Pattern[str]
    right: str
    planted: str


def rule(wrong: str, right: str, planted: str) -> Rule:
    return Rule(re.compile(wrong, re.IGNORECASE), right, planted)


EVERYWHERE = (
    rule(r"\bWagman machine\b|\bthe Wagman's (?:state|turn|own|task)\b", "the scheduler", "The Wagman machine starts it."),
    rule(
        r"\b(?:hangs?|hung|hanging) (?:on|off|at|behind) (?:a|an|the|it|them|this|which|what|port|another|its)\b",
        "is on: what hangs is frozen",
        "The computer hangs on port 0.",
    ),
    rule(r"\bheld off\b|\bheld after\b", "locked out: a timer is held", "gn is held off after brownouts."),
    rule(r"\bbrown-outs?\b", "brownout", "It had three brown-outs."),
    rule(r"\bof before\b|\bknown of before\b", "from before, earlier, what earlier runs left", "What is told may be of before."),
    rule(r"\bdead for good\b", "that never comes up", "A guest that is dead for good."),
    rule(r"\bnext of kin\b", "beside others", "Two programs are next of kin."),
    rule(r"\bnobody lives to\b", "say what is seen, and when", "Nobody lives to see the end."),
    rule(r"\banswered as the board answered\b", "prints its answer", "A raw command, answered as the board answered."),
)
"""What holds on all pages, in all messages and in all docstrings."""

FOR_OPERATORS = (
    rule(r"(?<![-.{])\bdevices?\b(?![-.}=])", "guest; board, for what switches", "Each device has a port."),
    rule(r"\balarms?\b", "timer; problem, for what calls for somebody", "Its alarm is due."),
    rule(r"\bblind\b", "not answering", "While the board is blind."),
    rule(r"\breconciler\b|\bincarnations?\b|\btransitions?\b", "what an operator sees of it", "The reconciler repeats it."),
    rule(r"\bmay be cut\b", "is cut, or can be cut: may reads as might", "Its power may be cut."),
    rule(r"\bit is so already\b|\bis so already\b", "say what is so", "What was asked for last is so already."),
)
"""What holds besides on the pages that operators read, and in the messages of commands."""

PAGES = ("README.md", *(f"docs/{page}.md" for page in ("first-guest", "operations", "commands", "installation", "how-it-works")))
PAGES += ("docs/promises.md", "docs/several-boards.md", "docs/store.md", "docs/notify.md", "docs/boards.md", "docs/examples.md")
"""The pages that operators read. The glossary has all words, also those that are not to be used."""

MESSAGES = ("cli", "service/problems", "systemd/sentence.py", "probe", "doctor", "init")
"""Where the messages of commands are."""

EXCEPT = {
    "docs/installation.md": ("and no other device",),  # of Linux
    "docs/notify.md": ("no devices",),
    "docs/operations.md": ("no such device",),  # an error of Linux
    "docs/promises.md": ("it may simply be cut",),
    "wagman/cli/help.py": ("--type device",),
    "wagman/doctor/devices.py": ("is no device",),  # of Linux
    "wagman/doctor/harmless.py": ("device",),  # a key
    "wagman/doctor/unit.py": ("block devices",),
    "wagman/cli/__init__.py": ("the device that it goes to",),
    "wagman/cli/events.py": ("such as device.started, or device for all of device",),  # types of events
}
"""Where a word is right all the same."""

LONGEST = {
    "docs/operations.md": 30,
    **dict.fromkeys(("README.md", "docs/first-guest.md", "docs/commands.md", "docs/installation.md"), 40),
}
"""The most words that stand between two full stops, colons or semicolons: nobody reads a sentence twice at night."""


def prose(page: Path) -> str:
    """The sentences of a page: no code, no addresses of links."""
    text = INDENTED.sub("\n", FENCED.sub("", page.read_text(encoding="utf-8")))
    return re.sub(r"\]\([^)]*\)|<!--.*?-->", "]", text)


def sentences(page: Path) -> Iterator[str]:
    """What stands between two stops, in paragraphs, items and cells of tables; each piece of code counts as a word."""
    for piece in re.split(r"\n\s*\n|\n(?=\s*(?:[-|#]|\d+\. ))", prose(page)):
        for cell in re.split(r" \| |^\| | \|$", re.sub(r"`[^`]*`", "CODE", " ".join(piece.split()))):
            yield from re.split(r"[.:;!?][*)\]\"]*\s+", cell)


def without_code(text: str) -> str:
    return re.sub(r"`[^`]*`", "", text)


def docstrings(tree: ast.AST) -> set[ast.Constant]:
    """Texts that stand by themselves: what is said of a module, a class, a function or a value."""
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)}


def texts(module: Path) -> Iterator[tuple[bool, int, str]]:
    """The texts of a module: whether one is a docstring, its line, and its words. A single word is a name."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    said = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
            yield node in said, node.lineno, node.value


def broken(text: str, rules: tuple[Rule, ...], where: str) -> list[str]:
    """The rules that a text breaks, each with what to write."""
    words = " ".join(without_code(text).split())
    for place, phrases in EXCEPT.items():
        if where.startswith(place):
            for phrase in phrases:
                words = re.sub(re.escape(phrase), "", words, flags=re.IGNORECASE)
    return [f"{where}: “{found[0]}”, better: {each.right}" for each in rules for found in each.wrong.finditer(words)]


def modules() -> list[Path]:
    return sorted((ROOT / "wagman").rglob("*.py"))


def is_for_operators(module: Path) -> bool:
    """Whether its messages are read by operators."""
    where = str(module.relative_to(ROOT / "wagman"))
    return any(where == place or where.startswith(f"{place}/") for place in MESSAGES)


# --- Texts that stand alone -------------------------------------------------------------------------------------------

NAMELESS = re.compile(r"(?:its?|they|them|their|that is|such|those|another one|so (?:long|many|fast|far))\b", re.IGNORECASE)
"""The beginning of a text whose subject only its neighbours or the code tell. Who reads a table or a help text has neither."""


def nameless(text: str) -> bool:
    """Whether nobody can tell what a text is about that stands alone: in a cell of a table, or beside an option."""
    return NAMELESS.match(text) is not None


def standing_alone() -> Iterator[tuple[str, str]]:
    """The texts that are read without the code, with names: of events, keys, figures, methods, their properties, and commands."""
    for name, kind in EVENT_TYPES.items():
        yield from ((f"event {name}", kind.when), (f"event {name}", kind.do))
    yield from ((f"field {name}", words) for name, words in FIELDS.items())
    for section in sections():
        yield from ((f"key {key}", each.metadata["setting"].doc) for key, each in settings(section).items())
    yield from ((family.name, family.text) for subject in SUBJECTS for family in subject.families)
    for method in document(METHODS.values())["methods"]:
        yield method["name"], method["summary"]
        yield from ((f"{method['name']} {each['name']}", each["description"]) for each in method["params"])
    for shape, schema in SCHEMAS.items():
        yield from ((f"{shape} {name}", words) for name, _, words in properties(schema))
    for name, about in COMMANDS.items():
        yield f"wagman {name} --help", about.text


def sections() -> list[type]:
    """The classes of the tables of the configuration."""
    tables = [ServiceConfig, WagmanConfig, EnvironmentConfig, Bounds, GaugeConfig, DeviceConfig, NetworkConfig, EarConfig]
    return [*tables, *map(BOARDS.load, BOARDS.names()), *map(EARS.load, EARS.names())]
