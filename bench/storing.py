"""What an entry costs between the parsed document and the committed row, without network: CPU s of one process.

    python -m bench.storing [--feeds 1000] [--runs 3] [--corpus DIR]

Takes the corpus of `bench.poll` as documents: each is parsed as in a parser process, serialised as a message, and
stored as a poll would, fifty per transaction. First all entries, then one new entry per feed. `recognise` is part of
parsing in the table of `bench.poll`; here it is separate, because the storing process used to do it.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time

from aggregator.model import Fetched, Limits, Outcome, ParsedFeed, Source
from aggregator.parse import identity
from aggregator.parse.messages import LENGTH_BYTES, Read, Reply, message, read_reply
from aggregator.parse.parser import parse
from aggregator.polling.group_commit import MAX_WRITES
from aggregator.polling.poll import PollResult
from aggregator.store import Store
from bench import _corpus

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOGETHER = 16
"""Documents in a message, as `aggregator.parse.pool` sends them."""


class Clock:
    """CPU seconds by round and step."""

    def __init__(self) -> None:
        self.spent: defaultdict[tuple[str, str], float] = defaultdict(float)

    @contextmanager
    def step(self, round_: str, name: str) -> Iterator[None]:
        before = process_time()
        yield
        self.spent[round_, name] += process_time() - before


def documents(corpus: Path, number: int, feeds: int) -> list[Fetched]:
    """Return what the corpus server returns in a round."""
    return [
        Fetched(body, row.content_type, f"http://127.0.0.1{row.path}")
        for row, body in _corpus.documents(corpus, number)[:feeds]
    ]


def run(corpus: Path, feeds: int, db: Path, clock: Clock) -> None:
    """Parse and store two rounds."""
    with Store.open(db) as store:
        rounds = {name: documents(corpus, number, feeds) for number, name in enumerate(("first poll", "one new each"))}
        sources = [
            Source(f"f{number}", f"feed {number}", answer.url, "news")
            for number, answer in enumerate(rounds["first poll"])
        ]
        store.feeds.sync(sources, NOON)
        for hours, (name, fetched) in enumerate(rounds.items()):
            read = [
                parse(reply.body, reply.content_type, reply.url, Limits(), store.feeds.document_memory(source.id))
                for source, reply in zip(sources, fetched, strict=True)
            ]
            with clock.step(name, "recognise"):
                for feed in read:
                    for draft in feed.entries:
                        identity.arrival(draft)
            crossed = _across(read, name, clock)
            gc.collect()
            with clock.step(name, "store"):
                store_polls(store, sources, fetched, crossed, NOON + timedelta(hours=hours))


def _across(read: list[ParsedFeed], name: str, clock: Clock) -> list[ParsedFeed]:
    with clock.step(name, "hand over"):
        sent = [
            message(Reply([Read(feed) for feed in read[at : at + TOGETHER]], retire=False))
            for at in range(0, len(read), TOGETHER)
        ]
        answers = [answer for reply in sent for answer in read_reply(reply[LENGTH_BYTES:]).answers]
    return [answer.feed for answer in answers if isinstance(answer, Read)]


def store_polls(
    store: Store,
    sources: Sequence[Source],
    outcomes: Sequence[Outcome],
    feeds: Sequence[ParsedFeed | None],
    now: datetime,
) -> None:
    """Store the results of polls, as many per transaction as the poller does."""
    for start in range(0, len(sources), MAX_WRITES):
        with store.transaction():
            for source, outcome, feed in list(zip(sources, outcomes, feeds, strict=True))[start : start + MAX_WRITES]:
                state = store.feeds.state(source.id)
                assert state is not None
                PollResult(source, state, outcome, feed, now, 0, ()).store(store, network_down=False)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--corpus", type=Path, help="where the generated corpus is kept; made when it is not there")
    args = parser.parse_args()
    gc.set_threshold(50_000, 20, 20)
    spent: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        corpus = args.corpus or Path(name) / "corpus"
        _corpus.make(corpus, args.feeds, 2)
        for number in range(args.runs):
            clock = Clock()
            run(corpus, args.feeds, Path(name) / f"{number}.db", clock)
            for key, seconds in clock.spent.items():
                spent[key].append(seconds)
    print(f"median of {args.runs}, {args.feeds:,} feeds\n\n| round | step | CPU s |\n|---|---|---|")
    for (round_, step), list_ in spent.items():
        print(f"| {round_} | {step} | {statistics.median(list_):.2f} |")


if __name__ == "__main__":
    main()
