"""Small shortages: those of bench/shortage.py, except the slow one, with a few sources."""

from __future__ import annotations

import pytest

from bench.shortage import SHORTAGES, played

pytestmark = pytest.mark.long


@pytest.mark.parametrize("name", [name for name in SHORTAGES if name != "foreign-writer"])
def test_all_is_well_again_after_it(name: str) -> None:
    outcome = played(name, sources=6)
    if "skipped" in outcome:
        pytest.skip(str(outcome["skipped"]))
    assert outcome["findings"] == []
