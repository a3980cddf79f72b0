"""Turn events into stories: a fold that has no database and reads no clock.

    engine.step(events, now) -> Changes      what to store
    engine.rank(now)         -> Ranking      the lists at that moment
    engine.snapshot()        -> bytes        the whole state, for the next start
    engine.resume(...)                       continue from a snapshot as if the program had never stopped
    engine.rebuild(...)                      continue from the stored entries, where no snapshot fits

A step, in pseudo-code:

    state.advance(now)                                     counts leave the window, stories end
    for event in order:
        entry:     analyse > cluster > join > merge or split   membership, regrouping
        edit:      replace the text of a member                membership
        decision:  merge, split, move, hide, pin, recategorize decisions, overrides
    for story in touched:  headline, category, score, trend    scoring

Two kinds of modules: values (`live_story`, `step_log`, `settings`, `state`), which know nothing of each other's use,
and parts that change them, each importing only those named before it: `overrides`, `membership`, `regrouping`,
`decisions`, `scoring`, `ranking`, `closed_stories`, `recovery`. Nothing outside this package imports them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from aggregator.model import (
    Cause,
    Changes,
    Config,
    Decision,
    Edit,
    Entry,
    Event,
    LedgerLine,
    Membership,
    Ranking,
    Reason,
    ReasonKind,
    Story,
    because,
)
from scoring.engine import ranking
from scoring.engine.closed_stories import ClosedStories
from scoring.engine.decisions import DecisionHandler
from scoring.engine.live_story import ClosedStory
from scoring.engine.membership import Joiner
from scoring.engine.overrides import Overrides
from scoring.engine.ranking import Coverage
from scoring.engine.recovery import snapshot
from scoring.engine.recovery.restore import Restorer
from scoring.engine.recovery.snapshot import FORMAT, EngineSnapshot
from scoring.engine.regrouping import Regrouping
from scoring.engine.scoring import StoryScorer
from scoring.engine.settings import EngineSettings
from scoring.engine.state import EngineState
from scoring.engine.step_log import StepLog, in_order
from scoring.ranking.page_order import PlacePart
from scoring.relevance.counterfactuals import Counterfactual
from scoring.relevance.model import RelevanceModel


class Engine:
    """The live stories, and everything that placing, scoring and ranking them needs."""

    def __init__(self, config: Config, model: RelevanceModel) -> None:
        self._state = EngineState(config.scoring.window)
        self._settings = EngineSettings(config)
        self._overrides = Overrides(self._state, self._settings)
        self._joiner = Joiner(self._state, self._settings, model.prior.editorial)
        self._regrouping = Regrouping(self._state, self._settings, self._joiner, self._overrides)
        self._decisions = DecisionHandler(self._state, self._overrides, self._regrouping)
        self._scorer = StoryScorer(self._state, self._settings, self._overrides, model)
        self.closed = ClosedStories(self._state, self._settings, self._overrides)
        """What an event changes in stories that are closed."""

    @property
    def model(self) -> RelevanceModel:
        """The model that scores now."""
        return self._scorer.model

    def stories(self) -> Iterable[Story]:
        """Return the live stories, as last computed."""
        return [live.story for live in self._state.live.values() if live.story is not None]

    def story(self, story_id: int) -> Story | None:
        """Return a live story, or None."""
        live = self._state.live.get(story_id)
        return None if live is None else live.story

    def holds(self, entry_id: int) -> bool:
        """Return whether the entry is part of a live story."""
        return entry_id in self._state.story_of

    def coverage(self) -> Iterator[Coverage]:
        """Yield who covers each live story, as of the last step."""
        return ranking.coverage(self._state, self._settings)

    def counterfactuals(self, story_id: int) -> tuple[Counterfactual, ...]:
        """Return what a live story's score would be without each of its sources; nothing for a closed story."""
        return self._scorer.counterfactuals(story_id)

    def rank(self, now: datetime, *, muted: Collection[int] = (), boosted: Collection[int] = frozenset()) -> Ranking:
        """Return the lists at *now*: "" is the front page, the others are the categories.

        Changes nothing: the next event may be from before *now*.

        muted, boosted: the stories that rules of feeds.yaml leave out and prefer
        """
        return ranking.ranking(self._state, self._settings, self._scorer, now, muted, boosted)

    def places(
        self, now: datetime, story_ids: Collection[int], *, boosted: Collection[int] = frozenset()
    ) -> dict[int, tuple[PlacePart, ...]]:
        """Return the parts that each of these stories' positions at *now* adds up from."""
        return ranking.places(self._state, self._settings, self._scorer, now, story_ids, boosted)

    # Going forward

    def step(self, events: Sequence[Event], now: datetime, reopened: Sequence[ClosedStory] = ()) -> Changes:
        """Apply the events of *now* and return the changes.

        The order of *events* does not matter: the events of one moment have a fixed order. Moments increase from call
        to call.

        reopened: the closed stories of the entries that `closed.concerned` returned, where a decision splits or merges
        """
        # All events first, then the stories: an entry may join a story that a later entry of the same poll merges, and
        # no one sees the states in between.
        log = self._take(events, now, reopened)
        changed: dict[int, Story] = {}
        ledger: list[LedgerLine] = []
        for story_id, causes in log.touched.items():
            existing = self.story(story_id)
            before = None if existing is None else existing.score
            story = changed[story_id] = self._scorer.compute(story_id, now)
            for cause, reason, entry_id in causes:
                ledger.append(LedgerLine(story_id, now, cause, reason, before, story.score, entry_id))
                before = story.score
        merged: list[Story] = []
        for gone in log.gone:
            if gone.story is None:
                continue  # it began and ended within this step
            # Looked up by its first entry, because the story that absorbed it may have merged or split further in this
            # step.
            into = self._state.story_of.get(gone.story_id, gone.into)
            merged.append(replace(gone.story, merged_into=into, updated_at=now, trend=0.0))
            reason = because(ReasonKind.BECAME_PART_OF, into, gone.reason)
            score = changed[into].score
            ledger.append(LedgerLine(gone.story_id, now, Cause.MERGED, reason, gone.story.score, score))
        if reopened:
            self._state.advance(now)  # a reopened story closes again, unless its entries went to a live one
        return Changes(tuple(log.memberships), (*changed.values(), *merged), tuple(ledger))

    def _take(self, events: Sequence[Event], now: datetime, reopened: Sequence[ClosedStory] = ()) -> StepLog:
        """Apply *events* to the state; the stories that they touch are not computed yet."""
        self._state.advance(now)
        log = StepLog()
        for event in in_order(events):
            if isinstance(event, Entry):
                self._enter(event, now, log)
            elif isinstance(event, Edit):
                # Also for an entry of a closed story, which a decision may reopen with its new text.
                self._state.texts.forget(event.entry_id)
                story_id = self._state.story_of.get(event.entry_id)
                if story_id is not None:
                    self._joiner.edit(story_id, event)
                    log.note(story_id, Cause.EDITED, because(ReasonKind.TEXT_CHANGED), event.entry_id)
            else:
                self._decisions.apply(event, reopened, log)
        return log

    def _enter(self, entry: Entry, now: datetime, log: StepLog) -> None:
        """Place an entry, then let it merge or split the stories around it."""
        text = self._state.texts.of(entry)
        placement = self._state.clusterer.place(text)
        # Checked before it joins: afterwards its story would contain its terms.
        merge = self._regrouping.merge_of(text, placement)
        log.memberships.append(self._joiner.join(entry, text, placement))
        new = placement.story_id == entry.entry_id
        if new:
            reason = because(ReasonKind.FIRST_REPORTED_BY, entry.source_id)
            log.note(placement.story_id, Cause.NEW_STORY, reason, entry.entry_id)
        else:
            reason = because(ReasonKind.JOINED, entry.source_id, placement.reason)
            log.note(placement.story_id, Cause.JOINED, reason, entry.entry_id)
        # A merge comes before a split: the merged story may split along another line.
        if merge is not None:
            self._regrouping.merge(merge, now, entry.entry_id, log)
        if not new:
            self._regrouping.split(entry.entry_id, log)

    def use_model(
        self, model: RelevanceModel, now: datetime, cause: Cause = Cause.RETRAINED, reason: Reason | None = None
    ) -> Changes:
        """Score with *model* from now on; return the live stories whose score that changes."""
        self._scorer.model = model
        return self._scorer.recompute_all(now, cause, reason or because(ReasonKind.MODEL, model.version))

    def reconfigure(self, config: Config, now: datetime) -> Changes:
        """Continue with another feeds.yaml; return the live stories that it changes.

        Entries keep the voice that they joined with. Categories are decided again from the live texts. The window
        and the counts by category follow at the next start.
        """
        self._settings.configure(config, self._state.corrections.values())
        self._reread()
        return self._scorer.recompute_all(now, Cause.CONFIG, because(ReasonKind.CONFIG_CHANGED))

    def _reread(self) -> None:
        """Recompute what live stories derive from feeds.yaml."""
        self._joiner.recompute_evidence()
        for live in self._state.live.values():
            live.default = self._settings.default(next(iter(live.members.values())).source_id)

    # Starting again

    def snapshot_due(self, more_waits: bool) -> bool:
        """Return whether a start from the last snapshot would take long by now.

        more_waits: more events are about to follow
        """
        return self._state.snapshot_due(more_waits)

    def snapshot(self) -> bytes:
        """Return the whole state but the computed stories, which the store has."""
        data = snapshot.encode(EngineSnapshot(FORMAT, self._settings.snapshot(), self._state.snapshot()))
        self._state.saved()
        return data

    def resume(
        self,
        data: bytes,
        groups: Iterable[tuple[datetime, Sequence[Event]]],
        stories: Iterable[Story],
        standing: Iterable[Decision] = (),
    ) -> None:
        """Restore the state that *data* is a snapshot of, then apply *groups*.

        groups:   the events since, as `step` got them
        stories:  as stored; at least the live ones
        standing: the decisions in force at the snapshot

        SnapshotError when *data* has another format, is damaged, or depends on other settings; then nothing changed.
        """
        taken = snapshot.decode(data, self._settings.snapshot())
        self._overrides.replace(standing)
        self._state.restore(taken.state)
        if self._state.corrections:
            self._overrides.learn_corrections()
        # Only sources were added, or the snapshot would have been refused. One of them may have been in feeds.yaml
        # before, and its live entries have evidence without its default category.
        if taken.settings.sources != self._settings.snapshot().sources:
            self._reread()
        # The stories of these steps are stored, so headlines and scores are not computed again.
        for now, events in groups:
            self._take(events, now)
        self._state.set_stories(stories)

    def rebuild(
        self,
        groups: Iterable[tuple[datetime, Sequence[Event]]],
        memberships: Mapping[int, Membership],
        stories: Iterable[Story],
        standing: Iterable[Decision] = (),
        corrections: Iterable[tuple[Decision, Entry]] = (),
        *,
        until: datetime,
    ) -> None:
        """Continue from the stored decisions, even where this version or these settings would decide otherwise.

        groups:      events from EVENTS_HORIZON before *until* on, or earlier, as `step` got them
        memberships: the story of each entry from MEMBERSHIPS_HORIZON before *until* on, by entry
        stories:     as stored; at least the live ones
        standing:    the decisions in force before the first of *groups*
        corrections: those of them that correct a category, each with the first entry of its story
        until:       the moment of the last step
        """
        self._overrides.replace(standing)
        window = self._settings.config.scoring.window
        restorer = Restorer(self._state, self._overrides, self._joiner, window, until)
        with snapshot.without_gc():
            restorer.run(groups, memberships, stories, corrections)
