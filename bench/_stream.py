"""A generated stream of entries, for benchmarks on machines without a recorded one.

Sources report events in their own wording. An event has names of its own, words from a common vocabulary, and a few
hours during which sources report it; new names appear all the time, as in real news.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "ol", "ist")]
COMMON_WORDS = 4_000
SOURCES = 300
START = datetime(2026, 1, 1, tzinfo=UTC)
ENTRIES_AN_EVENT = 3
OPEN_EVENTS = 40
"""Events that are being reported at the same time."""


def rows(entries: int, a_day: int, seed: int = 1) -> Iterator[dict[str, str]]:
    """Yield lines of a stream in the format of `groundswell replay`; the same seed gives the same lines."""
    rng = random.Random(seed)

    def name() -> str:
        return "".join(rng.choices(SYLLABLES, k=rng.randint(2, 4))).title()

    def event() -> list[str]:
        return [name(), name(), *rng.choices(common, k=6)]

    common = [name().lower() for _ in range(COMMON_WORDS)]
    events = [event() for _ in range(OPEN_EVENTS)]
    for number in range(entries):
        if rng.random() < 1 / ENTRIES_AN_EVENT:
            events[rng.randrange(OPEN_EVENTS)] = event()
        vocabulary = rng.choice(events)
        source = f"source{rng.randrange(SOURCES)}"
        at = START + timedelta(days=number / a_day)
        yield {
            "title": " ".join(rng.sample(vocabulary, 5) + rng.choices(common, k=4)),
            "url": f"https://{source}.example/{at:%Y/%m/%d}/{number}",
            "source": source,
            "first_seen": at.isoformat(),
            "summary": " ".join(rng.choices(common, k=20) + vocabulary),
        }


def write(path: Path, entries: int, a_day: int) -> None:
    """Write a stream to a file that ends in .jsonl.gz."""
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as out:
        for row in rows(entries, a_day):
            out.write(json.dumps(row) + "\n")
