"""Every promise is seen to fail: each planted fault is caught, by a promise that it breaks."""

import pytest

from tests.simulation.mutants import Mutant
from tests.simulation.mutants_order import MUTANTS
from tests.simulation.node import run


def test_there_are_enough_of_them() -> None:
    assert len(MUTANTS) >= 70
    assert {promise for each in MUTANTS for promise in each.caught_by} == set(range(1, 13))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda each: each.name)
def test_a_planted_fault_is_caught(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.plant(monkeypatch)
    violation = run(mutant.script, dialect=mutant.dialect, named=mutant.site).violation
    assert violation is not None
    assert violation.promise in mutant.caught_by, violation


@pytest.mark.parametrize(("script", "dialect", "site"), dict.fromkeys((each.script, each.dialect, each.site) for each in MUTANTS))
def test_the_sound_service_passes_the_same_script(script: str, dialect: str, site: str | None) -> None:
    assert run(script, dialect=dialect, named=site).violation is None
