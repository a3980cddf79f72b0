"""A store with news: the sample edition as stories, or single stories made by hand.

Written directly into the store, so that these tests do not depend on poller and scorer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path

from aggregator.demo import edition as sample
from aggregator.model import (
    Category,
    Cause,
    Changes,
    Config,
    Contribution,
    Draft,
    Enclosure,
    FeedState,
    LedgerLine,
    Membership,
    Picture,
    Reason,
    ReasonKind,
    Site,
    Source,
    Story,
    because,
)
from aggregator.store import Arrival, PollRecord, Store
from aggregator.text.reading_time import count_words
from aggregator.text.sanitize import clean

NOW = sample.STARTS_AT + timedelta(hours=66)
HOUR = timedelta(hours=1)


def clock() -> datetime:
    return NOW


class Newsroom:
    """Writes entries and stories as poller and scorer would."""

    def __init__(self, store: Store, config: Config) -> None:
        self.store = store
        self.config = config
        self.owners = {source.id: source.owner or source.id for source in config.sources}
        store.feeds.sync(config.sources, NOW - timedelta(days=4))
        store.state.set_moment("heartbeat", NOW - timedelta(seconds=4))
        store.state.set_moment("last_tick", NOW - timedelta(seconds=2))

    def story(
        self,
        headline: str,
        sources: Sequence[str],
        *,
        category: str = "",
        at: datetime = NOW - 3 * HOUR,
        titles: Sequence[str] = (),
        summary: str = "",
        content: str = "",
        link: str = "https://news.example/a",
        author: str = "",
        language: str = "",
        times: Sequence[datetime] = (),
        score: int = 62,
        trend: float = 2.0,
        provisional: bool = False,
        contributions: Sequence[Contribution] | None = None,
        picture: Picture | None = None,
        published_at: datetime | None = None,
        enclosure: Enclosure | None = None,
        discussions: Sequence[str] = (),
        backlog: bool = False,
    ) -> int:
        """Store a story with an entry from each of *sources*; return its ID."""
        moments = times or [at + i * timedelta(minutes=25) for i in range(len(sources))]
        ids = []
        for i, (source_id, moment) in enumerate(zip(sources, moments, strict=True)):
            draft = Draft(
                guid=f"{headline}-{i}",
                link=f"{link}-{i}" if link else "",
                title=(titles[i] if i < len(titles) else headline) if i else headline,
                summary=summary if i == 0 else "",
                content=content if i == 0 else "",
                author=author if i == 0 else "",
                language=language,
                picture=picture if i == 0 else None,
                published_at=published_at if i == 0 or published_at is None else moment,
                enclosure=enclosure if i == 0 else None,
                discussion=discussions[i] if i < len(discussions) else "",
            )
            word_count = count_words(f"{draft.title} {draft.summary} {re.sub('<[^>]*>', ' ', draft.content)}")
            arrival = Arrival(
                draft, identity=f"{headline}-{i}", canonical_link=draft.link, digest="", word_count=word_count
            )
            ids += self.store.entries.add(source_id, [arrival], moment, first_document=backlog)
        voices = [self.owners.get(source_id, source_id) for source_id in sources]
        story_id = ids[0]
        category = category or self.config.categories[0].id
        parts = contributions if contributions is not None else explanation(score, len(set(voices)))
        story = Story(
            story_id=story_id,
            headline=headline,
            summary=summary,
            lead_entry_id=ids[0],
            category_id=category,
            first_seen_at=moments[0],
            last_source_at=moments[-1],
            updated_at=moments[-1],
            entries=len(ids),
            sources=len(set(sources)),
            independent_sources=len(set(voices)),
            score=score,
            relevance=score / 100,
            provisional=provisional,
            trend=trend,
            contributions=tuple(parts),
            published_at=published_at,
        )
        steps = [max(5, round(score * (0.55 + 0.45 * (i + 1) / len(ids)))) for i in range(len(ids))]
        steps[-1] = score
        ledger = [
            LedgerLine(story_id, moments[0], Cause.NEW_STORY, because(ReasonKind.FIRST_REPORT), None, steps[0], ids[0])
        ]
        ledger += [
            LedgerLine(story_id, moment, Cause.JOINED, joined(source_id), before, after, entry_id)
            for (before, after), moment, entry_id, source_id in zip(
                pairwise(steps), moments[1:], ids[1:], sources[1:], strict=True
            )
        ]
        members = tuple(
            Membership(
                entry_id,
                story_id,
                moment,
                1.0 if i == 0 else 0.62,
                1.0 if i == 0 else 0.93,
                because(ReasonKind.FIRST_REPORT) if i == 0 else SHARES,
                voice,
            )
            for i, (entry_id, moment, voice) in enumerate(zip(ids, moments, voices, strict=True))
        )
        with self.store.transaction():
            self.store.stories.save(Changes(memberships=members, stories=(story,), ledger=tuple(ledger)))
            self.store.state.next_edition()
        return story_id

    def merge(self, story_id: int, into: int) -> None:
        """Mark a story as merged into another."""
        story = self.store.stories.get(story_id)
        assert story is not None
        with self.store.transaction():
            self.store.stories.save(Changes(stories=(replace(story, merged_into=into),)))
            self.store.state.next_edition()

    def rank(self) -> None:
        """Rank all stories by their trend."""
        stories = sorted(self.store.stories.each(), key=lambda s: (-s.trend, s.story_id))
        stories = [story for story in stories if story.merged_into is None]
        ranking = {"": [(s.story_id, s.trend) for s in stories]}
        for category in self.config.categories:
            ranking[category.id] = [(s.story_id, s.trend) for s in stories if s.category_id == category.id]
        with self.store.transaction():
            self.store.stories.rank(ranking)
            self.store.state.next_edition()

    def polled(
        self, source_id: str, kind: str = "fetched", message: str = "12 entries, 2 new", status: int | None = 200
    ) -> None:
        """Record the outcome of a poll."""
        failures = 0 if kind in ("fetched", "not modified") else 3
        at = NOW - timedelta(minutes=7)
        source = self.config.source(source_id)
        state = FeedState(
            source_id,
            source.url if source else "",
            next_poll_at=NOW + timedelta(minutes=18),
            failures=failures,
            gone=kind == "gone",
            last_polled_at=at,
            last_ok_at=None if failures else at,
            last_message=message,
            last_kind=kind,
            last_status=status,
        )
        self.store.feeds.record(state, PollRecord(at, kind, message, status))


SHARES = because(ReasonKind.SHARES, "trainium", "gigawatts", "openai")


def joined(source_id: str) -> Reason:
    """Return the reason in the ledger why an entry of this source is part of a story."""
    return because(ReasonKind.JOINED, source_id, SHARES)


def explanation(score: int, voices: int) -> list[Contribution]:
    """Return contributions that add up to *score*."""
    parts = [
        Contribution("base", -2.2, 10.0, because(ReasonKind.BASE)),
        Contribution("coverage", 1.9, score * 0.31, because(ReasonKind.SOURCES, voices)),
        Contribution("velocity", 0.8, score * 0.17, because(ReasonKind.SOURCES_WITHIN, 4, 1)),
        Contribution("word:trainium", 0.9, score * 0.14, because(ReasonKind.WORD, "trainium")),
        Contribution("word:gigawatts", 0.6, score * 0.11, because(ReasonKind.WORD, "gigawatts")),
        Contribution("source", 0.4, score * 0.06, because(ReasonKind.FIRST_REPORTED_BY, "techcrunch_ai")),
        Contribution("word:update", -0.3, -score * 0.05, because(ReasonKind.WORD, "update")),
    ]
    rest = score - math.fsum(part.points for part in parts)
    return [*parts, Contribution("words", 0.2, rest, because(ReasonKind.OTHER_WORDS, 21))]


@cache
def sample_config() -> Config:
    """Return the configuration of the sample edition; a value, so every test can have the same."""
    edition = sample.load()
    return Config(
        site=Site(title="Groundswell"),
        categories=tuple(Category(c.id, c.name, c.seeds) for c in edition.categories),
        sources=tuple(
            Source(s.id, s.name, f"https://{s.owner}/feed.xml", s.category, s.owner) for s in edition.sources
        ),
    )


def fill(store: Store) -> Newsroom:
    """Store the sample edition up to `NOW`, one story per event, with plausible numbers."""
    edition, config = sample.load(), sample_config()
    room = Newsroom(store, config)
    by_event: dict[str, list[sample.Article]] = {}
    for article in edition.articles:
        if article.released_at <= NOW:
            by_event.setdefault(article.event, []).append(article)
    for articles in by_event.values():
        first = articles[0]
        voices = len({config.source(a.source).owner for a in articles})  # type: ignore[union-attr]
        age = (NOW - articles[-1].released_at) / HOUR
        score = min(97, round(22 + 17 * math.log2(1 + voices) + len(first.title) % 11))
        room.story(
            first.title,
            [a.source for a in articles],
            titles=[a.title for a in articles],
            category=first.category,
            summary=" ".join(first.summary.split()),
            content=clean("".join(f"<p>{part}</p>" for part in first.content.split("\n\n"))) if first.content else "",
            author=first.author or "",
            times=[a.released_at + i * timedelta(seconds=1) for i, a in enumerate(articles)],
            published_at=first.released_at,
            link=f"https://{first.source.replace('_', '-')}.example/{first.id[:60]}",
            score=score,
            trend=(voices - 0.8) * 0.9 * 0.5 ** (age / 9),
            provisional=len(articles) == 1,
        )
    room.rank()
    for source in config.sources:
        room.polled(source.id)
    room.polled("seedbed", "not modified", "nothing new since Tuesday", 304)
    room.polled("rulemaker", "timeout", "timed out after 20 s", None)
    store.feedback.add_views({s.story_id: 3 + s.story_id * 7 % 40 for s in store.stories.each()}, NOW.date())
    return room


def filled(path: Path) -> Path:
    """Create a database of the sample edition at *path*."""
    with Store.open(path) as store:
        fill(store)
    return path
