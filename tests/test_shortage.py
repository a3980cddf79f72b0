"""Small shortages: what bench/shortage.py plays, without the one that waits, for a few sources."""

from __future__ import annotations

import pytest

from bench.shortage import SHORTAGES, played

pytestmark = pytest.mark.long


@pytest.mark.parametrize("name", [name for name in SHORTAGES if name != "foreign-writer"])
def test_all_is_well_again_after_it(name: str) -> None:
    told = played(name, sources=6)
    if "skipped" in told:
        pytest.skip(str(told["skipped"]))
    assert told["findings"] == []
