"""How long an uncached search takes on a large database: the query alone, and the whole page.

    python -m bench.search [--db FILE] [--data ../shared/data] [--entries 100000] [--rounds 3]

Fills a database as `bench.restart` does, or uses the given one. Runs typical searches: single words from the most
common to the rarest in the index, pairs and phrases from real titles, exclusions, operators, misspellings that match
nothing and return suggestions, and scripts without spaces. Prints p50, p99 and the maximum per kind in ms of CPU time,
which for in-process SQLite is what an idle machine takes; for all kinds together also by wall clock, which shows how
busy the machine was.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from aggregator.store import Store
from aggregator.text.search_query import read
from bench.restart import fill
from web.app import close_app, create_app

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
EACH = 40


def queries(store: Store) -> dict[str, list[str]]:
    """Return the searches by kind, drawn from the titles with a fixed seed."""
    rng = random.Random(7)
    titles = [entry.title for i, entry in enumerate(store.entries.each()) if i % 50 == 0]
    rng.shuffle(titles)
    tokens = [re.findall(r"\w+", title) for title in titles if len(re.findall(r"\w+", title)) > 4]

    def drawn(make: Callable[[list[str]], str]) -> list[str]:
        return [make(title) for title in tokens[:EACH]]

    common = ["the", "to", "of", "in", "and", "a", "for", "on", "with", "is", "new", "ai", "us", "after", "says"]
    return {
        "common words": common,
        "one word": drawn(lambda title: rng.choice(title)),
        "two words": drawn(lambda title: " ".join(rng.sample(title, 2))),
        "phrase": drawn(lambda title: f'"{title[1]} {title[2]} {title[3]}"'),
        "excluding": [*drawn(lambda title: f"{title[0]} -{title[2]}"), "news -the", "-the"],
        "operators": [f"{word} {operator}" for word in common[:8] for operator in ("score:>50", "after:2020-06-01")]
        + ["score:>60", "before:2021", "the category:news", "source:a"],
        "nothing, so suggestions": drawn(
            lambda title: "".join(rng.sample(max(title, key=len), len(max(title, key=len))))
        ),
        "without spaces": ["中国", "人工智能", "日本", "発表", "AI 半導体", "片"],
    }


def timed(action: Callable[[], object]) -> tuple[float, float]:
    """Return the milliseconds that *action* takes: CPU and wall-clock time."""
    cpu, wall = time.process_time(), time.perf_counter()
    action()
    return (time.process_time() - cpu) * 1_000, (time.perf_counter() - wall) * 1_000


def rows(db: Path, rounds: int) -> Iterator[str]:
    """Yield a row of the table for each kind."""
    app = create_app(db, lambda: NOW, edition_every_s=0.0)
    client = app.test_client()
    everything: list[tuple[float, float]] = []
    with Store.open(db) as store:
        for kind, query in queries(store).items():
            alone, page = [], []
            for round_ in range(rounds):
                for text in query:
                    alone.append(timed(lambda text=text: store.search.stories(read(text, NOW))))  # type: ignore[misc]
                    # A different URL each time, so that the page cache has no copy.
                    address = f"/search?q={quote(text)}&junk={round_}"
                    page.append(timed(lambda address=address: client.get(address)))  # type: ignore[misc]
            everything += page
            yield f"| {kind} | {len(query)} | {spread(alone)} | {spread(page)} |"
    yield f"| all | {len(everything)} | | {spread(everything)} |"
    yield f"| all, by the wall clock | | | {spread([(wall, wall) for _, wall in everything])} |"
    close_app(app)


def spread(times: list[tuple[float, float]]) -> str:
    """Return p50, p99 and the maximum of the CPU times."""
    ordered = sorted(cpu for cpu, _ in times)
    return f"{ordered[len(ordered) // 2]:.0f} / {ordered[int(len(ordered) * 0.99)]:.0f} / {ordered[-1]:.0f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--db", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    if args.db is None and not (args.data / "stream").exists():
        print(f"no recorded streams in {args.data / 'stream'}; name their folder with --data")
        return
    with tempfile.TemporaryDirectory() as folder:
        db = args.db or Path(folder) / "g.db"
        if args.db is None:
            fill(db, args.data, args.entries)
        print("| searches | of them | query alone: p50 / p99 / most, CPU ms | page: p50 / p99 / most, CPU ms |")
        print("|---|---|---|---|")
        for row in rows(db, args.rounds):
            print(row, flush=True)


if __name__ == "__main__":
    main()
