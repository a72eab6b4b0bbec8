"""What the tests of the real commands share."""

from collections.abc import Iterator

import pytest

from tests.service.commands import Site, new_site


@pytest.fixture(scope="module")
def shared_site() -> Iterator[Site]:
    with new_site() as site:
        yield site


@pytest.fixture
def site(shared_site: Site) -> Site:
    """One for all tests of a file, with the cable in and all guests up; a test may do to it what it likes."""
    shared_site.mend()
    return shared_site
