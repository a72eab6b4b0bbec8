"""From a word such as `gn,port=0,http=http://gn/health` to the part of the file that it describes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import evolve

from wagman.config.boards import BoardConfig
from wagman.config.registry import BOARDS, EARS, KindError, Registry
from wagman.config.schema import DeviceConfig
from wagman.config.setting import settings
from wagman.init.plan import HOST, BoardPlan, EarPlan, GuestPlan, required
from wagman.init.words import WordError, kind_of, known, split, value_of

if TYPE_CHECKING:
    from wagman.config.ears import EarConfig

DEVICE, CHIP = "device", "chip"
"""The keys for the path of a board that is plugged into this computer, or is a part of it."""


def board(text: str) -> BoardPlan:
    """Return the board that `KIND=WHERE,key=value` describes.

    Raises:
        WordError: the text describes none.
    """
    first, more = split(text)
    kind, equals, where = first.partition("=")
    section = section_of(BOARDS, kind, "kind of board")
    if equals:
        more = {address_key(section): where, **more}
    table = settings(section)
    for key in more:
        known(key, table, f"key of a board of kind {kind}")
    values = {key: _value(table, key, each) for key, each in more.items()}
    if lacking := [key for key in required(section) if key not in values]:
        wanted = kind_of(table, lacking[0])
        # Commands are typed as words here, and not as the list that the file has.
        meant = "" if wanted.is_command else f", which is {wanted.wants}"
        raise WordError(f"a board of kind {kind} needs {', '.join(lacking)}, as in --board {text},{lacking[0]}=...{meant}")
    return BoardPlan(kind, section, values)


def guest(text: str) -> GuestPlan:
    """Return the guest that `NAME,port=PORT,EAR=WHERE,key=value` describes.

    Raises:
        WordError: the text describes none.
    """
    name, more = split(text)
    table, ears, values = settings(DeviceConfig), list[EarPlan](), dict[str, object]()
    for key, each in more.items():
        if key in EARS:
            ears.append(_ear(key, each))
        elif ears and key in settings(EARS.load(ears[-1].kind)) and key not in table:
            of = ears[-1]
            ears[-1] = evolve(of, values={**of.values, key: _value(settings(EARS.load(of.kind)), key, each)})
        else:
            known(key, [*table, *EARS.names()], "key of a guest")
            values[key] = _value(table, key, each)
    return GuestPlan(name, tuple(ears), values)


def ear(text: str) -> EarPlan:
    """Return the ear that `KIND=WHERE` describes.

    Raises:
        WordError: the text describes none.
    """
    kind, equals, where = text.partition("=")
    if not equals:
        raise WordError(f"say how and whom, as in ping=192.168.1.1; there are {', '.join(EARS.names())}")
    return _ear(kind, where)


def _ear(kind: str, where: str) -> EarPlan:
    section: type[EarConfig] = section_of(EARS, kind, "way to hear a guest")
    return EarPlan(kind, {kind: _value(settings(section), kind, where)}, section.networked)


def _value(table: Mapping[str, object], key: str, text: str) -> object:
    try:
        return value_of(kind_of(table, key), text)
    except WordError as error:
        raise WordError(f"{key} {error}") from None


def section_of(registry: Registry, kind: str, what: str) -> Any:
    """Return the class of a kind.

    Raises:
        WordError: there is no such kind, or it cannot be loaded.
    """
    known(kind, registry.names(), what)
    try:
        return registry.load(kind)
    except KindError as error:
        raise WordError(str(error)) from None


def address_key(section: type[BoardConfig]) -> str:
    """Return the key for the address of a board.

    Raises:
        WordError: such a board has no address.
    """
    table = settings(section)
    for key in (HOST, DEVICE, CHIP, *required(section)):
        if key in table:
            return key
    raise WordError(f"a board of kind {section.kind} has no address: say --board {section.kind},key=value")
