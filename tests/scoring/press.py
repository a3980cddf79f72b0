"""Invented signals and stored stories for the tests of the score."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from aggregator.model import NO_REASON, Category, Changes, Config, Draft, Membership, Site, Source
from aggregator.store import Arrival, Store
from scoring.relevance.model import RelevanceModel
from scoring.relevance.signals import Signals
from scoring.relevance.weights import Weights

MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

SOURCES = tuple(
    Source(f"paper{i}", f"Paper {i}", f"https://paper{i}.example/feed", "models", f"paper{i}.example") for i in range(8)
)
CONFIG = Config(site=Site(), categories=(Category("models", "Models"),), sources=SOURCES)


def signals(
    title: str = "Zephyr Labs unveils a chip for data centres",
    summary: str = "",
    delays: Sequence[timedelta] = (timedelta(),),
    first: datetime = MONDAY,
    source: str = "paper0",
) -> Signals:
    """Return a story of *title* with a voice after each of *delays*, as known an hour after the last."""
    at = first + max(delays) + HOUR
    voices = tuple(f"paper{i}.example" for i in range(len(delays)))
    return Signals(
        title=title,
        summary=summary,
        source_ids=(source, *(f"paper{i}" for i in range(1, len(delays)))),
        voices=voices,
        voice_ages=tuple(at - first - delay for delay in delays),
        entries=len(delays),
        category_id="models",
        language="en",
        first_seen_at=first,
        at=at,
    )


def model(**changes: float) -> RelevanceModel:
    """Return a small model with known weights; *changes* apply to single words of the title."""
    weights = {"chip": 1.5, "recipe": -2.0, "zephyr": 0.5, "unveils": 0.3} | changes
    return RelevanceModel(
        "small",
        Weights(
            base=-2.0,
            idf=dict.fromkeys((*weights, "data", "centres", "a", "for"), 2.0),
            unknown_idf=6.0,
            title=weights,
            summary={"chip": 0.5},
            others={
                "coverage:log": 1.0,
                "coverage:3": 0.4,
                "velocity:3h": 0.3,
                "source:paper0": -0.2,
                "time:weekend": -0.3,
            },
        ),
    )


# In words that the prior does not know, so that a site learns from coverage.
THINGS = ("chipo", "roboto", "reto", "baterio", "satelito", "presilo", "sensilo", "drono", "enkursigilo", "motoro")
BIG = ("Zefiro prezentas", "Oriono acxetas", "Vesto lancxas")
SMALL = ("Kiel purigi", "Plejbonaj ofertoj por", "Opinio pri")


def publish(store: Store, days: int, seed: int = 0, per_day: int = 30, start: datetime = MONDAY) -> None:
    """Fill *store* with *days* of stories; those with a `BIG` headline get many voices, most others one."""
    rng = random.Random(seed)
    store.feeds.sync(list(SOURCES), start)
    arrivals: list[tuple[datetime, int, int, str]] = []
    for day in range(days):
        for n in range(per_day):
            big = n % 10 == 0
            at = start + day * DAY + rng.random() * DAY
            text = f"{rng.choice(BIG if big else SMALL)} {rng.choice(THINGS)} {rng.choice(THINGS)} {rng.randint(1, 99)}"
            voices = rng.randint(3, 6) if big else rng.choice((1, 1, 1, 2))
            for i, source in enumerate(rng.sample(range(8), voices)):
                arrivals.append((at + i * rng.random() * 3 * HOUR, day * per_day + n, source, text))
    story_of: dict[int, int] = {}
    memberships = []
    with store.transaction():
        for at, number, source, text in sorted(arrivals):
            paper = SOURCES[source]
            draft = Draft(
                guid=f"{number}", link=f"{paper.url}/{number}", title=text, summary=f"{text}, says {paper.name}."
            )
            arrival = Arrival(draft, f"{number}", draft.link, f"{number}", 9)
            (entry_id,) = store.entries.add(paper.id, [arrival], at)
            story_id = story_of.setdefault(number, entry_id)
            memberships.append(Membership(entry_id, story_id, at, 1.0, 1.0, NO_REASON, paper.owner))
        store.stories.save(Changes(memberships=tuple(memberships)))
