"""A plan from answers on a terminal: few questions, a default wherever one is likely, each asked again until it makes sense."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from attrs import evolve

from wagman.cli.outcome import REFUSED, CommandError
from wagman.config.registry import BOARDS, EARS
from wagman.config.schema import DeviceConfig
from wagman.config.setting import settings
from wagman.init import specs
from wagman.init.plan import BoardPlan, EarPlan, GuestPlan, Plan, required
from wagman.init.text import checked
from wagman.init.words import WordError, kind_of, value_of

if TYPE_CHECKING:
    from wagman.config.boards import BoardConfig

KIND, NAME, EAR = "shelly", "gn", "http"
"""The first defaults (chosen: a board that can be bought, and an ear that shows that a program runs)."""

NOBODY, CUT = "none", "none"
"""The answers for a guest that gives no sign of life, and for one whose power is cut without asking it to halt."""

WHERE = {"http": "http://{name}/", "banner": "{name}:22", "ping": "{name}", "tcp": "{name}:22", "udp": "9000"}
"""The likely address of a guest of that name, for each kind of ear."""

T = TypeVar("T")


def planned() -> Plan:
    """Return the plan from the answers at the terminal.

    Raises:
        CommandError: the answers end before the questions.
    """
    print("What stands in [ ] is the default: press Enter to take it.")
    plan = Plan(_board())
    while True:
        plan = _with_guest(plan)
        if _asked("Another guest? [y/n]", "n", _yes_or_no) is False:
            return plan


def _board() -> BoardPlan:
    kind = _asked(f"What switches the power? ({', '.join(BOARDS.names())})", KIND, _kind_of_board)
    section: type[BoardConfig] = specs.section_of(BOARDS, kind, "kind of board")
    keys = [*required(section), *section.hardly_without] or [specs.address_key(section)]
    return BoardPlan(kind, section, {key: _setting(section, key) for key in keys})


def _kind_of_board(text: str) -> str:
    specs.section_of(BOARDS, text, "kind of board")
    return text


def _setting(section: type, key: str) -> object:
    """Ask for a key of a table; the question is the key's text on the reference page, and what it may be."""
    attribute = settings(section)[key]
    known = attribute.default if isinstance(attribute.default, str) else None
    question = f"{key}: {attribute.metadata['setting'].doc} ({kind_of(settings(section), key).wants})"
    return _asked(question, known, lambda text: value_of(kind_of(settings(section), key), text))


def _with_guest(plan: Plan) -> Plan:
    """Return the plan with one more guest, whose file is right."""
    while True:
        guest = _guest(plan)
        more = evolve(plan, guests=(*plan.guests, guest))
        if more.is_networked and not more.witnesses:
            more = evolve(more, witnesses=(_witness(more),))
        try:
            checked(more)
        except WordError as error:
            print(f"  These answers do not fit together: {error}")
        else:
            return more


def _guest(plan: Plan) -> GuestPlan:
    name = _asked("What is the guest called?", None if plan.guests else NAME, str)
    port = _asked("Which port of the board powers the guest?", _next_port(plan), _port_of(plan))
    ears = _ears(plan, name)
    silent = {} if ears or plan.board.section.hears else {"heartbeat": False}
    halt = _asked(
        f"Which command asks the guest to halt? ({CUT}: its power is cut without asking)", f"ssh {name} poweroff", _command
    )
    return GuestPlan(name, ears, {"port": port, **silent, "shutdown": halt})


def _port_of(plan: Plan) -> Callable[[str], object]:
    return lambda text: value_of(plan.board.section.port_kind, text)


def _next_port(plan: Plan) -> str | None:
    """Return the lowest number that is a free port of the board."""
    taken = {str(guest.values.get("port")) for guest in plan.guests}
    for number in range(len(taken) + 2):
        try:
            _port_of(plan)(str(number))
        except WordError:
            continue
        if str(number) not in taken:
            return str(number)
    return None


def _ears(plan: Plan, name: str) -> tuple[EarPlan, ...]:
    on_board = ("board",) if plan.board.section.hears else ()
    kinds = [*on_board, *EARS.names(), NOBODY]
    how = _asked(f"How is the guest heard? ({', '.join(kinds)})", (*on_board, EAR)[0], _one_of(kinds))
    if how in (*on_board, NOBODY):
        return ()
    where = WHERE.get(how)
    question = f"{how}: where?"
    ear = _asked(question, where and where.format(name=name), lambda text: specs.ear(f"{how}={text}"))
    section = EARS.load(how)
    more = {key: _setting(section, key) for key in required(section) if key not in ear.values}
    return (evolve(ear, values={**ear.values, **more}),)


def _one_of(words: Sequence[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise WordError(f"must be one of {', '.join(words)}")
        if text in EARS:
            specs.section_of(EARS, text, "way to hear a guest")
        return text

    return read


def _witness(plan: Plan) -> EarPlan:
    own = plan.board.witness
    default = f"tcp={own.values['tcp']}" if own is not None else None
    return _asked("Who answers as long as the network works, and is no guest? (for example ping=192.168.1.1)", default, specs.ear)


def _command(text: str) -> object:
    return [] if text == CUT else value_of(kind_of(settings(DeviceConfig), "shutdown"), text)


def _yes_or_no(text: str) -> bool:
    if text.lower() not in ("y", "yes", "n", "no"):
        raise WordError("must be y or n")
    return text.lower().startswith("y")


def _asked(question: str, default: str | None, read: Callable[[str], T]) -> T:
    """Return the first answer that makes sense; an empty one stands for the default.

    Raises:
        CommandError: there are no more answers.
    """
    while True:
        print(f"{question} [{default}] " if default else f"{question} ", end="", flush=True)
        line = sys.stdin.readline()
        if not line.endswith("\n"):
            print()
            raise CommandError("nothing was written", REFUSED)
        text = line.strip() or default
        if text is None:
            print("  This has no default: it needs an answer.")
            continue
        try:
            return read(text)
        except WordError as error:
            print(f"  {error}")
