"""Choose the constants of trending by what followed: which stories were reported by further sources?

    python -m bench.trend STREAM [--every N]    nDCG@10 and P@10, 6 and 24 hours ahead, for each choice

STREAM is replayed through the engine once; every N-th of the moments two hours apart is ranked with each choice of
half-lives for source activity and freshness, and of the weight of the reporting sources.
"""

from __future__ import annotations

import argparse
from datetime import timedelta
from itertools import product
from pathlib import Path

from aggregator.model import Config, Site
from bench import skip
from scoring.evaluation import trending
from scoring.relevance.model import load_prior
from scoring.replay.streams import Stream

PULLS = ((5.0,), (2.0, 8.0), (3.0, 8.0), (3.0, 10.0), (4.0, 8.0))
HALF_LIVES = (24.0, 48.0, 1e6)
POWERS = (0.0, 0.5, 0.7, 1.0)
STREAM = Path("../shared/data/stream/ai_radar_2026_dev.jsonl.gz")


def main() -> None:
    """Print the report for each choice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stream", type=Path, nargs="?", default=STREAM)
    parser.add_argument("--every", type=int, default=3)
    args = parser.parse_args()
    if not args.stream.exists():
        skip(args.stream)
    recorded = trending.record(Stream(args.stream), Config(Site(), (), ()), load_prior())
    recorded.moments = recorded.moments[:: args.every]
    ways = {
        f"pull {pulls} h, half-life {half:g} h, reach^{power:g}": trending.by(
            trending.trend_way(timedelta(hours=half), [timedelta(hours=pull) for pull in pulls], power)
        )
        for pulls, half, power in product(PULLS, HALF_LIVES, POWERS)
    }
    for line in trending.lines(trending.report(recorded, ways | trending.orders())):
        print(line)


if __name__ == "__main__":
    main()
