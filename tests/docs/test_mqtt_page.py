"""The page about MQTT names the topics that each preset uses, for whoever writes an access list."""

import re
from pathlib import Path

import pytest

from wagman.io.mqtt.topics import PRESETS

PAGE = (Path(__file__).parents[2] / "docs" / "board-mqtt.md").read_text()


def stated(preset: str) -> tuple[set[str], set[str]]:
    """What the page says that a preset writes to, and reads."""
    row = re.search(rf"^\| `{preset}` \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert row is not None, preset
    return set(re.findall("`(.+?)`", row[1])), set(re.findall("`(.+?)`", row[2]))


@pytest.mark.parametrize("preset", PRESETS)
def test_every_topic_of_a_preset_is_on_its_page(preset: str) -> None:
    topics = PRESETS[preset]
    who = topics.who
    written = {topics.command_topic, topics.ask_topic, topics.pulse_topic, None if who is None else who.ask_topic}
    read = {topics.state_topic, topics.meter_topic, topics.availability_topic, None if who is None else who.topic}
    assert stated(preset) == (written - {None}, read - {None})
    assert all(f"`{left}`" in PAGE for left in topics.left[:1])
