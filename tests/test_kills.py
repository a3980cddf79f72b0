"""A hundred kills during polling, voting, training and migrating: a small version of bench/kills.py."""

from __future__ import annotations

import pytest

from bench.kills import KINDS, run, shared_out

pytestmark = pytest.mark.long

KILLS = shared_out(100, KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_killed_loses_nothing_and_repeats_nothing(kind: str) -> None:
    tally = run(kind, KILLS[kind], rounds=6)
    assert tally.findings == []
    assert tally.killed == KILLS[kind]
    if kind in ("polling", "voting"):
        assert tally.acknowledged > 0
    if kind == "voting":
        assert tally.votes > 0


def test_a_hundred_kills_are_shared_out() -> None:
    assert sum(KILLS.values()) == 100
