"""What the machines say is what is written beside the tests, to the word."""

import pytest

from tests.fsm import said


@pytest.mark.parametrize("name", said.FILES)
def test_every_sentence_and_where_it_is_said(name: str) -> None:
    assert said.text(name).splitlines() == said.path(name).read_text(encoding="utf-8").splitlines()
