"""What bench/soak.py accepts as steady, and what it reports."""

from __future__ import annotations

import pytest

from aggregator.model.config import Limits
from bench.soak import Observations, ProcessSample, find_violations


def _observed(name: str, files: tuple[int, int], sockets: tuple[int, int]) -> Observations:
    """A run of twenty minutes in which these numbers change in the last two."""
    samples = [ProcessSample(at_s, 100.0, files[at_s > 1080], sockets[at_s > 1080], 5) for at_s in range(0, 1200, 10)]
    return Observations(waits=[0.01], samples={name: samples})


def test_the_worker_may_keep_more_connections_up_to_its_concurrency() -> None:
    assert find_violations(_observed("worker", (30, 30), (23, Limits().concurrency)), "") == []


@pytest.mark.parametrize(
    ("name", "files", "sockets", "finding"),
    [
        ("worker", (30, 31), (23, 23), "worker: 30 files became 31"),
        ("worker", (30, 30), (23, 60), "worker: 60 sockets"),
        ("web", (30, 30), (12, 13), "web: 12 sockets became 13"),
    ],
)
def test_a_descriptor_that_stays_open_is_reported(
    name: str, files: tuple[int, int], sockets: tuple[int, int], finding: str
) -> None:
    assert find_violations(_observed(name, files, sockets), "") == [finding]
