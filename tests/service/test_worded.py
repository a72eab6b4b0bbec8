"""What the status says in words is what the commands say."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.service.kit import Node, eventually, new_node
from wagman.cli.prospects import coming, obstacle, unseen
from wagman.cli.status import board_words, notes


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """Without a board: there is much to be said of that."""
    with new_node() as node:
        node.start("run", "--config", str(node.config))
        eventually(node.answers)
        yield node


def test_each_device_is_told_of_as_the_commands_tell_of_it(node: Node) -> None:
    node.call("stop", device="gn")
    status: Any = node.call("status", words=True)
    for row in status["devices"]:
        words = status["words"]["devices"][row["name"]]
        assert words["notes"] == list(notes(row))
        assert (words["unseen"], words["not_started"]) == (unseen(row, status), obstacle(row, status))
        assert words["coming"] == list(coming(row, status))
    assert status["words"]["devices"]["gn"]["not_started"] == "nobody wants it up: wagman start starts it"
    assert status["words"]["boards"] == {board["name"]: board_words(board) for board in status["boards"]}
    assert status["words"]["problems"][0].startswith(status["problems"][0]["text"])


def test_only_those_that_are_asked_about_are_told_of_and_only_where_words_are_asked_for(node: Node) -> None:
    assert node.call("status", devices=["cs"], words=True)["words"]["devices"].keys() == {"cs"}
    assert "words" not in node.call("status", devices=["cs"])


def test_who_ordered_something_is_told_by_number_in_words_and_as_it_was_beside_them(node: Node) -> None:
    node.call("hibernate", reason="storm")
    status = node.call("status", words=True)
    assert f"ordered by user {os.getuid()}: storm" in status["words"]["wagman"]
    assert f"ordered by user {os.getuid()}: storm" in status["words"]["devices"]["cs"]["not_started"]
    assert status["wagman"]["hibernation"]["uid"] == os.getuid()
    assert status["wagman"]["hibernation"]["who"].startswith("pid ")
