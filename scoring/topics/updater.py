"""Keep the rising topics in the store up to date.

Knows when to compute them again, and leaves out those that nobody would put on a front page. Leaves which topics rise
to `rising`. The result depends only on the entries of the last eight days, their stories and the moment, so it is the
same after a restart.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from aggregator.model import Config, Topic
from aggregator.store import Store
from scoring.clustering import copies
from scoring.topics.headline_index import Headlines
from scoring.topics.rising import topics
from scoring.topics.signals import REACH, Moment

EVERY = timedelta(minutes=10)
"""An update costs about 0.1 CPU seconds with 2,400 entries a day, and a rise takes hours."""

SHOWN = 12

NEWS_SCORE = 20
"""A topic needs a story of the last 24 hours with that score; below it are bargains and how-tos."""


class TopicKeeper:
    """The headlines of the last days, and the topics that the store shows."""

    def __init__(self, store: Store, config: Config) -> None:
        self._store = store
        self._owners = copies.owners(config)
        self._headlines: Headlines | None = None
        self._known_until: datetime | None = None
        self._updated_at: datetime | None = None

    def run(self, now: datetime) -> None:
        """Update the topics as of *now*, if due; start a new edition only when the list changes."""
        store = self._store
        watermark = store.progress.watermark()
        if watermark is None:
            return
        # The last poll may be a microsecond ahead; its entries are known.
        at = max(now, watermark)
        last = store.topics.looked_at()
        if last is not None and timedelta() <= at - last < EVERY:
            return
        rising = topics(Moment(self._up_to(at, watermark), at), at, 2 * SHOWN)
        rising_topics = [row for row in rising if self._is_news(*row)][:SHOWN]
        with store.transaction():
            if store.topics.replace(rising_topics, at):
                store.state.next_edition()

    # Observed on the AI and technology press: a sale makes "Spring Sale", "Galaxy" and "Bluetooth" rise.
    # Rule: at least one story of the last 24 hours scores NEWS_SCORE or more, or most of their scores are provisional.
    def _is_news(self, topic: Topic, entry_ids: Sequence[int]) -> bool:
        scores = self._store.topics.scores(entry_ids[-topic.entries :])
        unsure = sum(provisional for _, provisional in scores)
        return 2 * unsure > len(scores) or any(score >= NEWS_SCORE for score, _ in scores)

    def _up_to(self, at: datetime, watermark: datetime) -> Headlines:
        begin = at - REACH
        # When the clock steps back, dropped entries are needed again.
        if self._headlines is None or self._known_until is None or self._updated_at is None or self._updated_at > at:
            self._headlines, self._known_until = Headlines(), begin
        headlines = self._headlines
        for entry_id, source_id, title, arrived_at, published_at in self._store.entries.headlines_since(
            self._known_until
        ):
            if arrived_at > watermark:
                break  # not scored yet
            if arrived_at > self._known_until:
                headlines.add(entry_id, title, copies.owner(source_id, self._owners), arrived_at, published_at)
            else:
                headlines.edit(entry_id, title)
        # Of what is stored at this moment, some may get an earlier one than *at*, but none before the watermark.
        self._known_until, self._updated_at = watermark, at
        headlines.forget(begin)
        return headlines
