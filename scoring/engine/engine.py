"""Turn what happened into stories: a fold over events that holds no store and reads no clock.

Knows in which order what happened is taken, and what of it is to be written. Leaves which story an entry belongs to
to `stories`, its voice to `independence`, its category to `categories`, its score to `relevance`, its place to `rank`.

    engine.step(events, now) -> Changes      what is to be written
    engine.rank(now)         -> Ranking      the lists as they are at that moment
    engine.checkpoint()      -> str          what it holds, for the next start:
    engine.resume(...)                       go on from there as if the program had never stopped
    engine.remember(...)                     go on with what was written, where there is no checkpoint

Its rooms, each importing only those above it; nothing outside imports them:

    live, turns              values: a story that can grow; what happened in a step, and what it changed
    setting, held            what feeds.yaml makes of an entry; what is held between steps, and its checkpoint
    rulings                  what editors say of a story, and what the categories learn of it
    joining                  an entry becomes part of its story
    regroup, decided         stories of the entries of others: second thoughts; what an editor decided
    shown, lists             what is shown of a story; the live stories beside each other
    over                     stories that are over: an edit, a decision, a vote
    comeback                 the same state again, from what was written
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
    Story,
    Undo,
)
from scoring.editorial import decisions
from scoring.engine import closed_stories, ranking
from scoring.engine.decisions import Decided
from scoring.engine.live_story import Asleep, text_of
from scoring.engine.membership import Joining
from scoring.engine.overrides import Rulings
from scoring.engine.ranking import Coverage
from scoring.engine.regrouping import Regroup
from scoring.engine.restore import MEMORY, Comeback
from scoring.engine.scoring import Shown
from scoring.engine.settings import Setting
from scoring.engine.state import Held
from scoring.engine.step_log import Turns, in_order
from scoring.ranking.page_order import PlacePart
from scoring.relevance.counterfactuals import Counterfactual
from scoring.relevance.model import RelevanceModel

__all__ = ["MEMORY", "Asleep", "Coverage", "Engine"]


class Engine:
    """Live stories, and what is needed to place, score and rank them."""

    def __init__(self, config: Config, model: RelevanceModel) -> None:
        self._held = Held(config.scoring.window)
        self._setting = Setting(config)
        self._rulings = Rulings(self._held, self._setting)
        self._joining = Joining(self._held, self._setting, model.prior.editorial)
        self._regroup = Regroup(self._held, self._setting, self._joining, self._rulings)
        self._decided = Decided(self._held, self._rulings, self._regroup)
        self._shown = Shown(self._held, self._setting, self._rulings, model)

    @property
    def model(self) -> RelevanceModel:
        """The model that scores now."""
        return self._shown.model

    def stories(self) -> Iterable[Story]:
        """Return the live stories, as last computed."""
        return [live.story for live in self._held.live.values() if live.story is not None]

    def story(self, story_id: int) -> Story | None:
        """Return a live story, or None."""
        live = self._held.live.get(story_id)
        return None if live is None else live.story

    def holds(self, entry_id: int) -> bool:
        """Return whether the entry is of a live story."""
        return entry_id in self._held.story_of

    def coverage(self) -> Iterator[Coverage]:
        """Yield what is known of the coverage of each live story, as of the last step."""
        return ranking.coverage(self._held)

    def what_ifs(self, story_id: int) -> tuple[Counterfactual, ...]:
        """Return what a live story's score would be without some of what it has; nothing for one that is over.

        Each is the score of the story as it was when it was last computed, and nothing where that is not its score.
        """
        return self._shown.what_ifs(story_id)

    def rank(self, now: datetime) -> Ranking:
        """Return the lists at *now*: "" is the front page, the others are the categories.

        Changes nothing: what comes next may have happened before *now*.
        """
        return ranking.ranking(self._held, self._setting, self._shown, now)

    def places(self, now: datetime, story_ids: Collection[int]) -> dict[int, tuple[PlacePart, ...]]:
        """Return why each of these live stories stands where it stands in the lists at *now*."""
        return ranking.places(self._held, self._setting, self._shown, now, story_ids)

    # Going forward

    def step(self, events: Sequence[Event], now: datetime, asleep: Sequence[Asleep] = ()) -> Changes:
        """Take in what happened at *now* and return what that changed.

        The order of *events* does not matter: what came at one moment is taken in an order
        of its own. Moments of successive calls grow.

        asleep: the stories that are over of the entries that `asleep` gave
        """
        turns = self._take(events, now, asleep)
        changed: dict[int, Story] = {}
        ledger: list[LedgerLine] = []
        for story_id, causes in turns.touched.items():
            known = self.story(story_id)
            before = None if known is None else known.score
            story = changed[story_id] = self._shown.compute(story_id, now)
            for cause, words, entry_id in causes:
                ledger.append(LedgerLine(story_id, now, cause, words, before, story.score, entry_id))
                before = story.score
        merged: list[Story] = []
        for gone in turns.gone:
            if gone.story is None:
                continue  # it began and ended within this step: nobody has seen it
            into = self._held.story_of.get(gone.story_id, gone.into)
            merged.append(replace(gone.story, merged_into=into, updated_at=now, trend=0.0))
            words = f"became part of story {into}: {gone.reason}"
            score = changed[into].score
            ledger.append(LedgerLine(gone.story_id, now, Cause.MERGED, words, gone.story.score, score))
        if asleep:
            self._held.advance(now)  # what was woken sleeps again, unless it goes on with another
        return Changes(tuple(turns.memberships), (*changed.values(), *merged), tuple(ledger))

    def _take(self, events: Sequence[Event], now: datetime, asleep: Sequence[Asleep] = ()) -> Turns:
        """Put what happened where it belongs."""
        self._held.advance(now)
        turns = Turns()
        for event in in_order(events):
            if isinstance(event, Entry):
                self._enter(event, now, turns)
            elif isinstance(event, Edit):
                story_id = self._held.story_of.get(event.entry_id)
                if story_id is not None:
                    self._joining.edit(story_id, event)
                    turns.note(story_id, Cause.EDITED, "its source changed the text", event.entry_id)
            else:
                self._decided.take(event, asleep, turns)
        return turns

    def _enter(self, entry: Entry, now: datetime, turns: Turns) -> None:
        """Find the story of an entry, and let it change what was thought of the stories around it."""
        text = text_of(entry)
        placement = self._held.clusterer.place(text)
        second = self._regroup.merge_of(text, placement)
        turns.memberships.append(self._joining.join(entry, text, placement))
        new = placement.story_id == entry.entry_id
        if new:
            turns.note(placement.story_id, Cause.NEW_STORY, f"first reported by {entry.source_id}", entry.entry_id)
        else:
            words = f"{entry.source_id}: {placement.reason}"
            turns.note(placement.story_id, Cause.JOINED, words, entry.entry_id)
        if second is not None:
            self._regroup.merge(second, now, entry.entry_id, turns)
        if not new:
            self._regroup.part(entry.entry_id, turns)

    def use_model(
        self, model: RelevanceModel, now: datetime, cause: Cause = Cause.RETRAINED, words: str = ""
    ) -> Changes:
        """Score with *model* from now on; return the live stories whose score it changes."""
        self._shown.model = model
        return self._shown.all_anew(now, cause, words or f"model {model.version}")

    def reconfigure(self, config: Config, now: datetime) -> Changes:
        """Go on with another feeds.yaml; return the live stories that it changes.

        Sources keep the voice with which they have spoken. Categories are decided anew, from
        what is in memory. The window and what was counted by category follow at the next start.
        """
        self._setting.configure(config, self._held.lessons.values())
        self._joining.reread()
        for live in self._held.live.values():
            live.default = self._setting.default(next(iter(live.members.values())).source_id)
        return self._shown.all_anew(now, Cause.CONFIG, "feeds.yaml changed")

    # Stories that are over, which are not held here: asked after the step

    def asleep(self, event: Decision | Undo, now: datetime) -> list[int]:
        """Return which entries that a decision speaks of are of stories that are over at *now*; before the step."""
        self._held.advance(now)
        return [entry_id for entry_id in decisions.concerned(event) if not self.holds(entry_id)]

    def revise(self, sleeping: Asleep, edit: Edit) -> Changes:
        """Return what *edit* makes of a story that is over; its entries' text is as it is after the edit."""
        return closed_stories.edited(sleeping, edit, self._setting)

    def restate(self, sleeping: Asleep, event: Decision | Undo) -> Changes:
        """Return what hiding, pinning or another category makes of a story that is over."""
        if self._rulings.learn(event, sleeping[1][0][0]):
            self._rulings.teach()
            self._held.woke = True  # its text is told only now
        return closed_stories.restated(sleeping, event, self._setting, self._rulings)

    def revote(self, sleeping: Asleep, now: datetime) -> Changes:
        """Return what the votes that stand make of a story that is over."""
        return closed_stories.voted(sleeping, now, self.model)

    # Coming back

    @property
    def kind(self) -> str:
        """Which checkpoints this engine understands: those of the same program and settings."""
        return self._setting.kind

    def checkpoint_due(self, more_waits: bool) -> bool:
        """Return whether so much came since the last checkpoint that a start from there would take long.

        more_waits: more is about to be taken in
        """
        return self._held.checkpoint_due(more_waits)

    def checkpoint(self) -> str:
        """Return what it holds, stories aside: these are in the store as they were last computed."""
        return self._held.write()

    def resume(
        self,
        state: str,
        groups: Iterable[tuple[datetime, Sequence[Event]]],
        stories: Iterable[Story],
        standing: Iterable[Decision] = (),
    ) -> None:
        """Come to the state that an engine of this `kind` had after it took in *groups*.

        state:    what its `checkpoint` gave
        groups:   what happened since, as `step` was told it
        stories:  as last written; at least the live ones
        standing: the decisions that stood at the checkpoint
        """
        self._rulings.stand(standing)
        self._held.read(state)
        if self._held.lessons:
            self._rulings.teach()
        for now, events in groups:
            self._take(events, now)
        self._held.put_back(stories)

    def remember(
        self,
        groups: Iterable[tuple[datetime, Sequence[Event]]],
        memberships: Mapping[int, Membership],
        stories: Iterable[Story],
        standing: Iterable[Decision] = (),
    ) -> None:
        """Go on with what was written, also where another version or other settings would have decided otherwise.

        What is live is put together from where its entries ended.

        groups:      what happened, as `step` was told it, from MEMORY before its last step or earlier
        memberships: where each of these entries was put, by entry id
        stories:     the stories as last written; at least the live ones
        standing:    the decisions that stood before the first of *groups*; their categories teach no more
        """
        self._rulings.stand(standing)
        back = Comeback(self._held, self._rulings, self._joining, self._setting.config.scoring.window)
        back.run(groups, memberships, stories)
