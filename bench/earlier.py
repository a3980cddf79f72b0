"""Print links that `scoring.insights.predecessor` finds between stories of a recorded stream, for a person to read.

    python -m bench.earlier [--data ../shared/data] [--db FILE] [--links 40]

Replays ai_radar_2026 into a database (or uses the database of an earlier replay) and prints links of random stories.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from aggregator.model import Config, Site
from aggregator.store import Store
from bench import skip
from scoring.insights.predecessor import earlier
from scoring.relevance.model import load_prior
from scoring.replay.runner import replay
from scoring.replay.streams import Stream

STREAM = "stream/ai_radar_2026_dev.jsonl.gz"


def links(store: Store, count: int) -> None:
    """Print up to *count* links of random stories."""
    stories = [story for story in store.stories.each() if story.merged_into is None]
    random.Random(5).shuffle(stories)
    began, linked = time.process_time(), 0
    tried = 0
    for story in stories:
        tried += 1
        link = earlier(store, story, timedelta(hours=72))
        old = None if link is None else store.stories.get(link.story_id)
        if link is not None and old is not None:
            linked += 1
            days = (story.first_seen_at - old.last_source_at).days
            print(f"{link.likeness:.2f} {days:3d} d  {story.headline}\n            {old.headline}")
            print(f"            {', '.join(link.shared)}")
        if linked == count:
            break
    print(f"{linked} links of {tried} stories; {1000 * (time.process_time() - began) / tried:.1f} CPU ms a story")


def main() -> None:
    """Replay unless a database is given, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--db", type=Path)
    parser.add_argument("--links", type=int, default=40)
    options = parser.parse_args()
    if options.db is None and not (options.data / STREAM).exists():
        skip(options.data / STREAM)
    with tempfile.TemporaryDirectory() as folder:
        db = options.db or Path(folder) / "radar.db"
        with Store.open(db) as store:
            if not store.entries.count():
                replay(Stream(options.data / STREAM), Config(Site(), (), ()), load_prior(), db=store)
            links(store, options.links)


if __name__ == "__main__":
    main()
