"""The sample edition, read once for all tests of the demo."""

import pytest

from aggregator.demo import edition as sample
from aggregator.demo.edition import Edition


@pytest.fixture(scope="session")
def edition() -> Edition:
    return sample.load()
