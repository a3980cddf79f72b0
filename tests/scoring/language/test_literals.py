"""A pattern is tried only on titles that contain one of its literals, so every match must contain one."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.text.title_kinds import LITERALS, PATTERNS, UNUSUAL_CASE
from scoring.insights import lead_entry

GUARDED = [
    *((name, pattern, LITERALS[name]) for name, pattern in PATTERNS.items()),
    ("beside the news", lead_entry.BESIDE_THE_NEWS, lead_entry.LITERALS_BESIDE_THE_NEWS),
    ("praise", lead_entry.PRAISE, lead_entry.LITERALS_OF_PRAISE),
    ("to the reader", lead_entry.TO_THE_READER, (lead_entry.ADDRESSED,)),
    ("your", lead_entry.YOUR, (lead_entry.ADDRESSED,)),
]


@pytest.mark.parametrize(("name", "pattern", "literals"), GUARDED, ids=[name for name, _, _ in GUARDED])
@given(data=st.data())
def test_what_matches_contains_a_literal(
    data: st.DataObject, name: str, pattern: re.Pattern[str], literals: Sequence[str]
) -> None:
    title = data.draw(st.from_regex(re.compile(f"(?a:{pattern.pattern})", pattern.flags & re.IGNORECASE)))
    assert UNUSUAL_CASE.search(title) or any(literal in title.lower() for literal in literals)


@given(data=st.data())
def test_bait_contains_a_literal_or_counts_something(data: st.DataObject) -> None:
    title = data.draw(st.from_regex(re.compile(f"(?a:{lead_entry.BAIT.pattern})", re.IGNORECASE)))
    lower = title.lower()
    by_number = any(map(str.isdigit, title)) and lead_entry.may_count(lower)
    assert UNUSUAL_CASE.search(title) or by_number or any(word in lower for word in lead_entry.LITERALS_OF_BAIT)
