"""Keep the stored stories up to date with the stored events.

Reads events from the store, steps the engine with them, and writes the changes together with the watermark in one
transaction, so a crash at any moment loses nothing and repeats nothing. The engine makes the decisions.

    while steps are pending:
        changes = engine.step(events)          one step per poll, edit or decision
        settle moments, store changes,         up to GROUPS steps a transaction
            watermark and edition
    rank the lists, refresh trends, places, what-ifs, topics

Whatever takes long is computed before its transaction begins: SQLite has one writer at a time, and polls, votes and
commands wait for it. Only steps from an editor's decision on are taken inside, because a decision on closed stories
reads what the steps before it stored.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile

from aggregator.errors import MeaningError
from aggregator.model import (
    Cause,
    Changes,
    Config,
    Decision,
    Edit,
    Entry,
    Event,
    ReasonKind,
    Undo,
    because,
)
from aggregator.store import Store, StoredSnapshot
from aggregator.store.events.pending import next_batch
from scoring.editorial.decisions import STRUCTURAL, kind_of
from scoring.editorial.rules import RuleKeeper
from scoring.engine import ClosedStory, Engine
from scoring.meaning.encoder import Encoder
from scoring.meaning.encoding import MAX_ARRIVALS, MAX_LATER, encode, first_choice, with_embeddings
from scoring.ranking.page_order import stored, with_pinned
from scoring.relevance.model import RelevanceModel
from scoring.topics.updater import TopicKeeper
from scoring.updater import counterfactuals
from scoring.updater.starting import start

log = logging.getLogger(__name__)

GROUPS = 20
"""Steps per transaction: a crash repeats at most so many, and a commit costs a few milliseconds."""

REFRESH = timedelta(minutes=1)
"""The maximum age of a stored trend while the order of the lists does not change."""

Progress = Callable[[int], None]
"""Called with the number of entries just processed."""

Observer = Callable[[datetime, Sequence[Event], Changes], None]
"""Called with each step before it is committed."""


@dataclass(frozen=True, slots=True)
class _Step:
    """The result of a step of the engine that is not stored yet."""

    changes: Changes
    of_closed: Sequence[Edit | Decision | Undo]
    """Its events that may concern closed stories."""
    snapshot: bytes | None = None
    """Of the state after it, if one is due."""


class Updater:
    """Connects the engine with the store."""

    def __init__(
        self,
        store: Store,
        config: Config,
        model: RelevanceModel,
        observer: Observer | None = None,
        *,
        encoder: Encoder | None = None,
    ) -> None:
        self._store = store
        self._config = config
        self._model = model.with_votes(store.feedback.votes())
        self._observer = observer
        self._engine: Engine | None = None
        self._refreshed_at: datetime | None = None
        self._topics = TopicKeeper(store, config)
        self._rules = RuleKeeper(store, config)
        self._encoder = encoder
        self._all_encoded = False

    @property
    def engine(self) -> Engine:
        """The engine, restored on first use to the state at the watermark."""
        if self._engine is None:
            self._engine = self._restored(self._config)
        return self._engine

    def run(self, now: datetime, progress: Progress | None = None) -> int:
        """Apply all events since the last run and rank the lists at *now*; return the number of entries."""
        engine = self.engine
        store = self._store
        entries = 0
        encodable = MAX_ARRIVALS
        try:
            self._take_model(engine, now)
            while batch := next_batch(store.events, store.pending_steps, store.progress.watermark(), now, GROUPS):
                groups, pending = batch
                taken = 0
                more_waits = len(groups) == GROUPS
                # Before the transaction: polls are stored meanwhile.
                encoder, values = self._encode(groups, encodable)
                encodable -= len(values)
                groups = with_embeddings(groups, encoder, values)
                ahead = takewhile(lambda group: not _has_decision(group[1]), groups)
                steps = [self._step_ahead(engine, moment, events, more_waits) for moment, events in ahead]
                with store.transaction():
                    visible = False
                    store.pending_steps.settle(pending)
                    store.embeddings.add(encoder, values, placed=True)
                    for number, (moment, events) in enumerate(groups):
                        is_ahead = number < len(steps)
                        step = steps[number] if is_ahead else self._step(engine, moment, events)
                        self._save(step.changes)
                        visible = self._revise(engine, step.of_closed, moment) or visible
                        if step.snapshot is not None:
                            store.snapshots.save(StoredSnapshot(moment, step.snapshot))
                        elif not is_ahead and engine.snapshot_due(more_waits):
                            self._save_snapshot(engine, moment)
                        visible = visible or bool(step.changes.stories)
                        taken += sum(isinstance(event, Entry) for event in events)
                        if self._observer is not None:
                            self._observer(moment, events, step.changes)
                    visible = self._rules.apply(groups[-1][0]) or visible
                    store.progress.set_watermark(groups[-1][0])
                    if visible:
                        store.state.next_edition()
                entries += taken
                if progress is not None:
                    progress(taken)
            self._take_votes(now)
            self._rank(now)
            self._topics.run(now)
        except BaseException:
            # The engine may be ahead of what was committed; the next run starts from the store.
            self._engine = None
            raise
        return entries

    def _step_ahead(self, engine: Engine, moment: datetime, events: Sequence[Event], more_waits: bool) -> _Step:
        """Step the engine before the transaction, with a snapshot if one is due."""
        step = self._step(engine, moment, events)
        return replace(step, snapshot=engine.snapshot()) if engine.snapshot_due(more_waits) else step

    def _step(self, engine: Engine, moment: datetime, events: Sequence[Event]) -> _Step:
        """Step the engine; nothing is stored yet."""
        changes = engine.step(events, moment, self._reopened(engine, events, moment))
        of_closed = [
            event
            for event in events
            if (isinstance(event, Edit) and not engine.holds(event.entry_id))
            or (isinstance(event, (Decision, Undo)) and kind_of(event) not in STRUCTURAL)
        ]
        return _Step(changes, of_closed)

    def use_encoder(self, encoder: Encoder | None) -> None:
        """Encode later arrivals with *encoder*."""
        self._encoder = encoder
        self._all_encoded = False

    def encode_later(self) -> int:
        """Encode a few of the entries that were clustered without an embedding; return how many.

        Search and related stories use these embeddings. Clustering does not, now or in a rebuild.
        """
        if self._encoder is None or self._all_encoded:
            return 0
        waiting = self._store.embeddings.missing(self._encoder.name, MAX_LATER)
        try:
            values = encode(self._encoder, waiting)
        except MeaningError:  # the encoder has logged it, and does not retry at once
            return 0
        with self._store.transaction():
            self._store.embeddings.add(self._encoder.name, values, placed=False)
        self._all_encoded = not values
        return len(values)

    def _encode(
        self, groups: Sequence[tuple[datetime, Sequence[Event]]], limit: int
    ) -> tuple[str, Mapping[int, bytes]]:
        """Return an encoder, and its embeddings of the entries of *groups* that are clustered for the first time."""
        if self._encoder is None:
            return "", {}
        # A rebuild uses the embeddings that the entries were clustered with, or none.
        placed_until = self._store.state.moment("placed_until")
        arrivals = [
            event
            for moment, events in groups
            if placed_until is None or moment > placed_until
            for event in events
            if isinstance(event, Entry) and event.embedding is None
        ]
        if not arrivals:
            return "", {}
        chosen = first_choice(arrivals, limit, (story.headline for story in self.engine.stories()))
        try:
            values = encode(self._encoder, chosen)
        except MeaningError:  # likewise
            values = {}
        self._all_encoded = self._all_encoded and len(values) == len(arrivals)
        return self._encoder.name, values

    def use_model(self, model: RelevanceModel, now: datetime) -> None:
        """Use *model* from now on, and rescore the live stories."""
        self._model = model.with_votes(self._store.feedback.votes())
        try:
            self._take_model(self.engine, now)
            self._rank(now)
        except BaseException:
            self._engine = None
            raise

    def _take_model(self, engine: Engine, now: datetime) -> None:
        """Rescore the live stories if the stored scores are from another model.

        A worker may have stopped between choosing a model and scoring with it.
        """
        before = self._store.progress.scored_with()
        if before == self._model.version:
            return
        changes = engine.use_model(self._model, now)
        with self._store.transaction():
            # A database without this note is from a version that rescored at once.
            if before is not None:
                self._save(changes)
                if changes.stories:
                    self._store.state.next_edition()
            self._store.progress.set_scored_with(self._model.version)

    def voted(self) -> bool:
        """Whether votes were cast or undone since the scores were computed."""
        return self._store.feedback.votes_number() != self._store.progress.votes_taken()

    def _take_votes(self, now: datetime) -> None:
        number = self._store.feedback.votes_number()
        if number == self._store.progress.votes_taken():
            return
        self._model = self._model.with_votes(self._store.feedback.votes())
        changes = self.engine.use_model(self._model, now, Cause.VOTED, because(ReasonKind.EDITORS_VOTED))
        with self._store.transaction():
            self._save(changes)
            if changes.stories:
                self._store.state.next_edition()
            self._revote(now)
            self._store.progress.set_votes_taken(number)

    def _revote(self, now: datetime) -> None:
        """Apply new and undone votes to closed stories."""
        voted = {*self._store.stories.voted(), *self._model.votes.own}
        entry_ids = [entry_id for entry_id in sorted(voted) if not self.engine.holds(entry_id)]
        for closed in self._closed(entry_ids, now):
            changes = self.engine.closed.voted(closed, now, self.engine.model)
            self._save(changes)
            if changes.stories:
                self._store.state.next_edition()

    def reconfigure(self, config: Config, now: datetime) -> None:
        """Continue with another feeds.yaml, with the same result as a restart."""
        self._config = config
        self._topics = TopicKeeper(self._store, config)
        try:
            self._engine = self._restored(config)
            changes = self._engine.reconfigure(config, now)
            with self._store.transaction():
                self._save(changes)
                if changes.stories:
                    self._store.state.next_edition()
            self._rank(now)
        except BaseException:
            self._engine = None
            raise

    def rebuild(self, now: datetime, progress: Progress | None = None, *, date_back: bool = False) -> int:
        """Delete all derived data and compute it again from the stored events, with the same result.

        date_back: events that a wrong clock dated later than *now* get moments just before it
        """
        with self._store.transaction():
            if date_back:
                log.info("%d polls and decisions were dated later than now", self._store.events.date_back(now))
                self._store.front_pages.drop_after(now)
            self._store.stories.drop()
            self._store.topics.drop()
            self._store.progress.clear_watermark(now)
            self._store.state.next_edition()
        self._engine = None
        return self.run(now, progress)

    def _save(self, changes: Changes) -> None:
        """Store the changes of a step, and apply the rules to the changed stories before the lists are ranked."""
        self._store.stories.save(changes)
        self._rules.note(story.story_id for story in changes.stories)

    def _reopened(self, engine: Engine, events: Sequence[Event], moment: datetime) -> list[ClosedStory]:
        """Return the closed stories whose entries an editor's decision splits, merges or moves."""
        return [
            closed
            for event in events
            if isinstance(event, (Decision, Undo)) and kind_of(event) in STRUCTURAL
            for closed in self._closed(engine.closed.concerned(event, moment), moment)
        ]

    def _revise(self, engine: Engine, events: Sequence[Edit | Decision | Undo], moment: datetime) -> bool:
        """Apply edits and editors' decisions to closed stories; return whether that changed any."""
        any_changed = False
        for event in events:
            if isinstance(event, Edit):
                changes = [engine.closed.edited(closed, event) for closed in self._closed([event.entry_id], moment)]
            else:
                entry_ids = engine.closed.concerned(event, moment)
                changes = [engine.closed.decided(closed, event) for closed in self._closed(entry_ids, moment)]
            for change in changes:
                self._save(change)
                any_changed = any_changed or bool(change.stories)
        return any_changed

    def _closed(self, entry_ids: Iterable[int], moment: datetime) -> list[ClosedStory]:
        """Return the closed stories of these entries at a moment."""
        memberships = self._store.memberships
        story_ids = {story_id for entry_id in entry_ids if (story_id := memberships.story_of(entry_id)) is not None}
        return [
            (story, memberships.of_story_at(story_id, moment))
            for story_id in sorted(story_ids)
            if (story := self._store.stories.get(story_id)) is not None
        ]

    def _rank(self, now: datetime) -> None:
        """Rank the lists. A new edition begins only if the order changed."""
        # Moments of polls only grow, so the clock may be behind them: after it was set back, or by microseconds.
        watermark = self._store.progress.watermark()
        at = now if watermark is None else max(now, watermark)
        with self._store.transaction():
            rules_changed = self._rules.apply(at)
            if rules_changed:
                self._store.state.next_edition()
        boosted = self._rules.boosted()
        ranking = self.engine.rank(at, muted=self._rules.muted(), boosted=boosted)
        ranking = with_pinned(ranking, self._store.stories.pinned())
        what_ifs = counterfactuals.outdated(self._store, self.engine, ranking)
        with self._store.transaction():
            order_changed = self._store.stories.rank(ranking)
            changed = order_changed or rules_changed
            if order_changed:
                self._store.state.next_edition()
            # Fading trends alone do not start an edition, or every cached page would be rendered again each minute.
            if changed or self._refreshed_at is None or not timedelta() <= now - self._refreshed_at < REFRESH:
                self._store.stories.refresh_trends(ranking)
                listed = {story_id for stories in ranking.values() for story_id, _ in stories}
                places = self.engine.places(at, listed, boosted=boosted)
                self._store.places.replace({story_id: stored(parts) for story_id, parts in places.items()})
                self._refreshed_at = now
            self._store.front_pages.keep(now)
            for what_if in what_ifs:
                self._store.counterfactuals.save(what_if.story_id, what_if.score, what_if.lines, what_if.made_of)

    def _restored(self, config: Config) -> Engine:
        """Return the engine, restored to the watermark."""
        engine = Engine(config, self._model)
        self._rules = RuleKeeper(self._store, config)
        if start(engine, self._store, config.scoring.window):
            self._save_snapshot(engine, self._store.progress.watermark())
        return engine

    def _save_snapshot(self, engine: Engine, at: datetime | None) -> None:
        self._store.snapshots.save(StoredSnapshot(at, engine.snapshot()))


def _has_decision(events: Iterable[Event]) -> bool:
    return any(isinstance(event, (Decision, Undo)) for event in events)
