"""What scoring a story and training a model cost.

    python -m bench.relevance

Headlines are drawn from words that the prior knows and as many that it does not know.
"""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from aggregator.model import NO_REASON, Changes, Config, Draft, Membership, Site, Source
from aggregator.store import Arrival, Store
from scoring.learning.train import train
from scoring.relevance.model import load_prior
from scoring.relevance.signals import Signals


def cost(entries: int = 100_000) -> None:
    """Print the CPU time of one score, and of training on generated entries."""
    model = load_prior()
    begin = datetime(2026, 6, 1, tzinfo=UTC)
    rng = random.Random(0)
    editorial = model.prior.editorial
    assert editorial is not None
    vocabulary = sorted(editorial.words) + [f"name{i}" for i in range(20_000)]
    titles = [" ".join(rng.choices(vocabulary, k=rng.randint(6, 14))) for _ in range(entries)]
    signals = Signals(
        titles[0],
        " ".join(titles[1:4]),
        ("a", "b", "c"),
        ("a", "b", "c"),
        (timedelta(hours=1),) * 3,
        3,
        "",
        "en",
        begin,
        begin,
    )
    started = time.process_time()
    for title in titles[:5_000]:
        editorial.worth(title)
    print(f"\nthe worth of a headline: {1e6 * (time.process_time() - started) / 5_000:.0f} us")
    started = time.process_time()
    for title in titles[:5_000]:
        model.score(replace(signals, title=title, summary=title))
    new = (time.process_time() - started) / 5_000
    started = time.process_time()
    for _ in range(5_000):
        model.score(signals)
    again = (time.process_time() - started) / 5_000
    print(f"\na score: {1e6 * new:.0f} us for a new headline, {1e6 * again:.0f} us for one seen before")

    with Store.open(":memory:") as store:
        with store.transaction():
            _fill(store, titles, begin, rng)
        started = time.process_time()
        report = train(store, Config(Site(), (), ()), begin + timedelta(days=63))
        print(f"training on {report.entries} entries: {time.process_time() - started:.1f} CPU s, ", end="")
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB; {report.message}")


def _fill(store: Store, titles: Sequence[str], begin: datetime, rng: random.Random) -> None:

    sources = [Source(f"s{i}", f"s{i}", f"https://s{i}.example/feed", "x", f"s{i}.example") for i in range(80)]
    store.feeds.sync(sources, begin)
    stories: list[tuple[int, str]] = []
    step = timedelta(days=60) / len(titles)
    for i, title in enumerate(titles):
        at = begin + i * step
        source = f"s{rng.randrange(80)}"
        old = stories[-rng.randint(1, 200)] if len(stories) > 200 and rng.random() < 0.25 else None
        text = old[1] if old else title
        draft = Draft(guid=str(i), link=f"https://{source}.example/{i}", title=text, summary=f"{title}. {text}")
        (entry_id,) = store.entries.add(source, [Arrival(draft, str(i), draft.link, str(i), 20)], at)
        story_id = old[0] if old else entry_id
        if old is None:
            stories.append((entry_id, title))
        store.stories.save(Changes(memberships=(Membership(entry_id, story_id, at, 1.0, 1.0, NO_REASON, source),)))


if __name__ == "__main__":
    cost()
