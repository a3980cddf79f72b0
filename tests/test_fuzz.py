"""A few hundred mutated documents, and every one that broke a promise before."""

from __future__ import annotations

import random

import pytest

from bench.fuzz import KEPT, check, corpus, mutated

pytestmark = pytest.mark.long


def test_what_broke_a_promise_once_keeps_it_now() -> None:
    for path in sorted(KEPT.glob("*.bin")):
        check(path.read_bytes())


def test_mutated_documents_break_no_promise() -> None:
    rng, documents = random.Random(7), corpus()
    for _ in range(300):
        before = rng.choice(documents)
        data = mutated(before, rng, documents)
        check(data, before)
