"""The types of events that are written down are those that there are, with the fields that they carry."""

import re
from pathlib import Path

import wagman
from tests.simulation.node import run
from wagman.event_reference import FAMILIES, page
from wagman.event_types import EVENT_TYPES, FIELDS
from wagman.events import VERBS
from wagman.simulation.records import Record, Told

SOURCES = [path for path in Path(wagman.__file__).parent.rglob("*.py") if path.name != "event_types.py"]
NAMED = re.compile(r"""(?:Draft|Notice|note|_note|_record)\(\s*"([a-z]+\.[a-z_]+)\"""")
OF_A_GUEST = re.compile(r"""\.event\(\s*"([a-z_]+)"(?: if \w+ else "([a-z_]+)")?""")
PUT_TOGETHER = {
    *(f"command.{verb}" for verb in VERBS),
    *(f"environment.{verdict}" for verdict in ("normal", "abnormal", "unknown")),
    *(f"device.{state}" for state in ("stopping", "restarting")),
}
"""Types whose names are not written out where they are recorded."""

STORY = """
20 min; disk full; gn: restart; cable out; 5 min; cable in; disk ok; board powercycle; guest cs hang; 20 min
board temp 80; 20 min; board temp 20; service crash wagman; gn: disable; gn: start; service stop; service start; 20 min
"""


def named() -> set[str]:
    texts = [path.read_text(encoding="utf-8") for path in SOURCES]
    of_guests = {f"device.{name}" for text in texts for names in OF_A_GUEST.findall(text) for name in names if name}
    return {name for text in texts for name in NAMED.findall(text)} | of_guests | PUT_TOGETHER


def test_every_event_of_the_program_is_written_down_and_no_other() -> None:
    assert named() == EVENT_TYPES.keys()


def test_every_field_is_explained_and_no_other() -> None:
    assert {field for kind in EVENT_TYPES.values() for field in kind.fields} == FIELDS.keys()
    assert list(FIELDS) == sorted(FIELDS)


def test_every_type_is_on_the_page_under_its_family() -> None:
    text = page()
    assert all(f"| `{name}` |" in text for name in EVENT_TYPES)
    assert list(dict.fromkeys(name.partition(".")[0] for name in EVENT_TYPES)) == list(FAMILIES)


def test_events_carry_the_fields_that_are_written_down_and_no_others() -> None:
    unexplained: set[str] = set()

    def watch(record: Record) -> None:
        if isinstance(record, Told):
            known = EVENT_TYPES[record.event.type].fields
            unexplained.update(f"{record.event.type}: {field}" for field in record.event.fields if field not in known)

    run(STORY, watch)
    assert not unexplained
