"""The ear that the page shows holds the contract of all ears."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
import trio
from attrs import define, field, frozen

from wagman.config.ears import EarConfig
from wagman.config.kinds import TEXT
from wagman.config.setting import setting
from wagman.model.backend import Probe
from wagman.model.errors import EarError
from wagman.testing import Does, EarContract

PAGE = Path(__file__).parents[2] / "docs" / "add-a-board.md"

NAMES: dict[str, Any] = {
    "define": define,
    "field": field,
    "frozen": frozen,
    "trio": trio,
    "TEXT": TEXT,
    "setting": setting,
    "EarConfig": EarConfig,
    "EarError": EarError,
    "Probe": Probe,
}
"""What the block takes from where the page says."""


def shown_ear() -> type[EarConfig]:
    """The class of the block on the page."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names = dict(NAMES)
    exec(next(block for block in blocks if "(EarConfig)" in block), names)  # noqa: S102 - it is ours
    ear: type[EarConfig] = names["MarkEar"]
    return ear


class TestTheEarOfThePage(EarContract):
    can: ClassVar[tuple[Does, ...]] = ("answers", "gone")  # a file does nothing else

    @asynccontextmanager
    async def guest(self, does: Does) -> AsyncIterator[EarConfig]:
        mark = self.folder / "gn"
        if does == "answers":
            mark.touch()
        yield shown_ear()(mark=str(mark), timeout_s=0.5)  # type: ignore[call-arg]  # of a class that mypy has not seen


def test_a_file_that_cannot_be_asked_for_is_no_silence_of_the_guest(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    probe = shown_ear()(mark=str(tmp_path / "file" / "gn")).probe()  # type: ignore[call-arg]
    with pytest.raises(EarError, match="Not a directory"):
        trio.run(probe.ask)
