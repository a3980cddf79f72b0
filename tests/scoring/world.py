"""A small invented newsroom: sources, events reported in different words, and a stream of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from aggregator.errors import DecisionError
from aggregator.model import Category, Config, DecisionKind, Draft, Entry, Event, Site, Source
from aggregator.parse.identity import digest, identity
from aggregator.store import Arrival, Store
from aggregator.text.urls import canonical

NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

CATEGORIES = (
    Category("big-tech", "Big Tech", ("Amazon", "AWS", "Google", "Microsoft", "Meta", "Apple")),
    Category("models", "Models", ("language model", "benchmark", "open weights", "training run", "OpenAI")),
    Category("policy", "Policy", ("regulation", "lawmakers", "court", "antitrust", "copyright")),
)
SOURCES = tuple(
    Source(
        id=f"{name}_{kind}" if kind else name,
        name=name.title(),
        url=f"https://{name}.example/{kind or 'feed'}",
        category=category,
        owner=f"{name}.example",
    )
    for name, kind, category in (
        ("herald", "", "policy"),
        ("herald", "ai", "models"),
        ("lantern", "", "models"),
        ("courier", "", "models"),
        ("beacon", "", "big-tech"),
        ("quill", "", "policy"),
    )
)
CONFIG = Config(site=Site(), categories=CATEGORIES, sources=SOURCES)

EVENTS: tuple[tuple[tuple[str, str], ...], ...] = (
    (
        (
            "Amazon to rent 2 gigawatts of Trainium capacity to OpenAI",
            "The cloud unit of Amazon agreed to provide 1.4 million Trainium chips over eight years.",
        ),
        (
            "OpenAI signs up for 1.4 million Amazon Trainium chips",
            "OpenAI will train on Trainium in a deal that covers 2 gigawatts of power, Amazon said.",
        ),
        (
            "AWS lands OpenAI as Trainium customer in 2-gigawatt deal",
            "The agreement with OpenAI is the largest for Amazon's own Trainium chips so far.",
        ),
    ),
    (
        (
            "Court blocks Ruritania's levy on imported servers",
            "Judges in Ruritania suspended the server levy after manufacturers complained.",
        ),
        (
            "Ruritanian judges halt server levy",
            "A court in Ruritania suspended the levy on imported servers on Tuesday.",
        ),
    ),
    (
        (
            "Heron, an open-weights language model, tops the maths benchmark",
            "The Heron model was trained by a university group and solved nine of ten olympiad tasks.",
        ),
        (
            "University's Heron model beats rivals at olympiad maths",
            "Heron is published with open weights; it solved nine of ten tasks in the benchmark.",
        ),
        ("Open-weights Heron leads olympiad maths benchmark", ""),
    ),
    (("Ferry operator tests autonomous docking in the fjord", "The crew stays aboard during the docking trial."),),
    (("Library digitises a century of botanical drawings", "Volunteers tagged forty thousand plates."),),
    (("Quantum startup Plover raises 90 million", "Plover wants to sell error-corrected processors to banks."),),
)


def entry(
    number: int,
    title: str,
    summary: str = "",
    *,
    source: str = "lantern",
    at: datetime = NOON,
    published: datetime | None = None,
    link: str | None = None,
) -> Entry:
    return Entry(
        entry_id=number,
        source_id=source,
        identity=f"{source}-{number}",
        link=f"https://{source}.example/{number}" if link is None else link,
        title=title,
        summary=summary,
        first_seen_at=at,
        published_at=published,
        language="en",
    )


def arrival(title: str, summary: str, source: str, published: datetime | None) -> Arrival:
    draft = Draft(
        guid="",
        link=f"https://{source}.example/{title.lower().replace(' ', '-')}",
        title=title,
        summary=summary,
        language="en",
        published_at=published,
    )
    return Arrival(draft, identity(draft), canonical(draft.link), digest(draft), len(summary.split()))


def newsroom(
    seed: int, polls: int = 25, step: timedelta = timedelta(hours=5)
) -> list[tuple[datetime, list[Arrival], str]]:
    """Return polls: time, entries and source; the same seed gives the same polls."""
    rng = random.Random(seed)
    seen: set[tuple[str, str]] = set()
    results = []
    for number in range(polls):
        now = NOON + number * step
        source = rng.choice(SOURCES).id
        arrivals = []
        for _ in range(rng.randint(1, 4)):
            event = rng.choice(EVENTS)
            title, summary = rng.choice(event)
            if rng.random() < 0.3:
                title = f"{title} {rng.choice(('today', 'again', 'report', 'sources'))}"
            if (source, title) not in seen:
                seen.add((source, title))
                published = None if rng.random() < 0.3 else now - timedelta(minutes=rng.randint(0, 300))
                arrivals.append(arrival(title, summary, source, published))
        results.append((now, arrivals, source))
    return results


def publish(store: Store, poll: tuple[datetime, list[Arrival], str], edit: str = "") -> None:
    """Store a poll; *edit* is prepended to the title of the source's newest entry, if it has one."""
    now, arrivals, source = poll
    with store.transaction():
        moment = store.entries.arrival_moment(now)
        stored = store.entries.of_source(source, 1)
        store.entries.add(source, arrivals, moment)
        if arrivals or (edit and stored):
            store.pending_steps.add_poll(source, moment)
        if edit and stored:
            old = stored[0]
            changed = arrival(f"{edit} {old.title}", old.summary, source, old.published_at)
            store.entries.edit(old.entry_id, changed, moment)


def decide(store: Store, seed: int, now: datetime) -> None:
    """Let an editor make a random decision on some of the stories, or undo one."""
    rng = random.Random(seed)
    stories = [story for story in store.stories.each() if story.merged_into is None]
    if not stories:
        return
    standing = store.decisions.standing()
    if standing and rng.random() < 0.3:
        store.decisions.undo(rng.choice(standing).decision_id, now)
        return
    story_id, other = rng.choice(stories), rng.choice(stories)
    large = [story for story in stories if story.entries > 1]
    kind = rng.choice((*DecisionKind, DecisionKind.SPLIT, DecisionKind.MERGE, DecisionKind.MOVE))
    if kind in (DecisionKind.SPLIT, DecisionKind.MOVE) and large:
        story_id = rng.choice(large)
    entry_ids = [entry.entry_id for entry, _ in store.memberships.of_story(story_id.story_id)]
    with suppress(DecisionError):
        store.decisions.decide(
            kind,
            story_id=story_id.story_id,
            entry_ids=rng.sample(entry_ids, max(1, len(entry_ids) // 2)),
            into_id=other.story_id,
            category_id=rng.choice(CATEGORIES).id,
            now=now,
        )


def numbered(events: Sequence[tuple[str, str]], start: int = 1) -> list[Event]:
    """Return one entry for each text, from different sources, an hour apart."""
    return [
        entry(start + i, title, summary, source=SOURCES[1 + i % 5].id, at=NOON + i * HOUR)
        for i, (title, summary) in enumerate(events)
    ]
