"""What the sources pages cost with 100, 1,000 and 10,000 sources.

    python -m bench.sources [--sizes 100,1000,10000] [--entries 25] [--runs 5] [--keep FOLDER]

Fills a database as the poller would leave it (four sources per host, 48 arrivals each; some failing, moved, silent,
never polled, or subscribed to at a hub), and requests each page `--runs` times, with a new URL each time so that the
cache has no copy. CPU ms is the median of this process; kB is the size of the page, plain and gzipped.
"""

from __future__ import annotations

import argparse
import gzip
import random
import statistics
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aggregator.model import Category, Config, Draft, FeedState, Hints, Site, Source
from aggregator.polling.cadence import with_arrivals
from aggregator.store import Arrival, PollRecord, Store
from web.app import close_app, create_app

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
INTERVALS = (HOUR / 2, 2 * HOUR, 8 * HOUR, DAY, 4 * DAY)
TOKEN = "the token of whoever measures"
PAGES = (
    "/",
    "/sources",
    "/sources?state=failing",
    "/sources?state=silent",
    "/sources?q=feed+42",
    "/sources?page=2",
    "/source/f7",
    "/feeds",
    "/sources.opml",
    "/api/v1/sources",
    "/metrics",
    "/admin/sources",
)


def configuration(sources: int) -> Config:
    """Return a configuration with that many sources in nine categories, four to a host."""
    categories = tuple(Category(f"c{number}", f"Category {number}") for number in range(9))
    return Config(
        Site(),
        categories,
        tuple(
            Source(f"f{n}", f"Feed {n} of somebody", f"https://host{n // 4}.example/{n}.xml", f"c{n % 9}", f"o{n // 4}")
            for n in range(sources)
        ),
    )


def fill(path: Path, config: Config, entries: int, seed: int = 0) -> None:
    """Write a database with these sources as after weeks of polling."""
    rng = random.Random(seed)
    with Store.open(path) as store, store.transaction():
        store.feeds.sync(config.sources, NOON - 30 * DAY)
        store.state.set_moment("heartbeat", NOON)
        for number, source in enumerate(config.sources):
            if number % 500 == 499:
                continue  # not polled yet
            state, poll = _state(source, number, rng)
            store.feeds.record(state, poll)
            _more_polls(store, source.id, rng.randrange(50, 2_000))
            arrivals = [
                Arrival(
                    draft := Draft(f"{source.id}-{n}", f"{source.url}/{n}", f"Headline {n} of {source.id}"),
                    draft.guid,
                    draft.link,
                    "",
                    6,
                )
                for n in range(entries)
            ]
            store.entries.add(source.id, arrivals, NOON - timedelta(seconds=len(config.sources) - number))
            if number % 20 == 3:
                store.websub_subscriptions.want(
                    source.id, "https://hub.example/", source.url, f"t{number}", "s" * 32, NOON
                )


def _state(source: Source, number: int, rng: random.Random) -> tuple[FeedState, PollRecord]:
    """Return the state of a source: one in eight fails, one in twelve is silent, a few are gone or moved."""
    interval = INTERVALS[number % len(INTERVALS)]
    silent = number % 12 == 5
    last = NOON - (60 * interval if silent else interval * rng.random())
    times = [last]
    for _ in range(47):
        times.append(times[-1] - interval * rng.uniform(0.5, 1.7))
    at = NOON - interval * rng.random() / 4
    state = FeedState(
        source.id,
        source.url,
        next_poll_at=NOON + interval * rng.random() / 4,
        interval=interval / 4,
        last_polled_at=at,
        last_ok_at=at,
        last_new_at=last,
        last_message="nothing new",
        last_kind="not modified",
        last_status=304,
        hints=Hints("RSS 2.0", ttl=HOUR if number % 3 == 0 else None),
        arrivals=with_arrivals((), times),
        waits_kept=number % 7,
        waited=number % 7 * HOUR,
    )
    if number % 8 == 1:
        state = replace(state, failures=1 + number % 9, last_kind="timeout", last_message="timed out after 20 s")
        state = replace(state, last_status=None, last_ok_at=at - DAY)
    elif number % 97 == 0:
        state = replace(state, gone=True, last_kind="gone", last_message="gone for good (410)", last_status=410)
    elif number % 31 == 0:
        state = replace(state, moved_from=f"https://old{number}.example/rss", moved_at=NOON - 3 * DAY)
    # As after a poll that returned a document: after a 304, the document's own data is not written.
    return state, PollRecord(at, "fetched", state.last_message, state.last_status, 20_000)


def _more_polls(store: Store, source_id: str, polls: int) -> None:
    """Add up the totals of earlier polls, which the store normally does while polling."""
    store.feeds._db.run(
        """update feeds set polls = :polls, polls_unchanged = :polls * 8 / 10, bytes = :polls * 4000,
        saved_bytes = :polls * 16000 where source_id = :id""",
        {"id": source_id, "polls": polls},
    )


def measure(db: Path, config: Config, runs: int) -> list[tuple[str, float, int, int]]:
    """Return for each page: CPU ms, bytes, bytes gzipped."""
    app = create_app(db, lambda: NOON, fallback_config=config, token=TOKEN)
    rows = []
    try:
        reader, operator = app.test_client(), app.test_client()
        operator.post("/admin/sign-in", data={"token": TOKEN}, headers={"Sec-Fetch-Site": "same-origin"})
        for page in PAGES:
            client = operator if page.startswith("/admin") else reader
            took, body = [], b""
            for run in range(runs + 1):
                start = time.process_time()
                response = client.get(f"{page}{'&' if '?' in page else '?'}n={run}")
                body = response.data
                took.append((time.process_time() - start) * 1000)
                if response.status_code != 200:
                    raise RuntimeError(f"{page}: {response.status}")
            rows.append((page, statistics.median(took[1:]), len(body), len(gzip.compress(body, 6))))
    finally:
        close_app(app)
    return rows


def main() -> None:
    """Print a table per number of sources."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="100,1000,10000")
    parser.add_argument("--entries", type=int, default=25)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="keep the databases here, and take those that are there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for size in map(int, options.sizes.split(",")):
            db = (options.keep or Path(folder)) / f"sources{size}.db"
            config = configuration(size)
            if not db.exists():
                fill(db, config, options.entries)
            print(f"\n{size:,} sources, {size * options.entries:,} entries", flush=True)
            print("| page | CPU ms | kB | gzip |")
            print("|---|---:|---:|---:|")
            for page, cpu_ms, plain, packed in measure(db, config, options.runs):
                print(f"| `{page}` | {cpu_ms:.1f} | {plain / 1e3:,.0f} | {packed / 1e3:,.1f} |", flush=True)


if __name__ == "__main__":
    main()
