"""Ten thousand messages of every kind of nonsense: each is answered as it should be, and none is a defect."""

import random

import pytest

from tests.api.kit import World, in_virtual_time
from tests.api.nonsense import pester

MESSAGES = 10_000


@pytest.mark.parametrize("seed", range(4))
def test_no_message_breaks_the_server(seed: int) -> None:
    async def story(world: World) -> None:
        for guest in world.service.guests.values():
            guest.is_self = True  # every command is refused: this is about messages
        client = await world.connect()
        await pester(client, random.Random(seed), MESSAGES // 4)
        page = await client.result("events", type="service.request_failed")
        assert [event["fields"] for event in page["events"]] == []

    in_virtual_time(story)
