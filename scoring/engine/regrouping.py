"""Move entries between live stories: two stories merge, one splits, or a closed one is reopened.

Knows what a story keeps and what its entries take along. `clustering.reclustering` decides whether stories are one
event, and `decisions` applies those of editors.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from aggregator.model import Cause, Entry, Membership, Reason, ReasonKind, Story, because
from scoring.clustering import reclustering
from scoring.clustering.clusterer import Placement
from scoring.clustering.reclustering import Merge
from scoring.engine.live_story import LiveStory, Member, Voice, restore_order
from scoring.engine.membership import Joiner
from scoring.engine.overrides import Overrides
from scoring.engine.settings import EngineSettings
from scoring.engine.state import MAX_STORY_AGE, EngineState
from scoring.engine.step_log import Gone, StepLog
from scoring.language.analysed_text import AnalysedText


class Regrouping:
    """Moves entries between live stories."""

    def __init__(self, state: EngineState, settings: EngineSettings, joiner: Joiner, overrides: Overrides) -> None:
        self._state = state
        self._settings = settings
        self._joiner = joiner
        self._overrides = overrides

    # Re-clustering

    def merge_of(self, text: AnalysedText, placement: Placement) -> Merge | None:
        """Return the two stories that a text connects, unless they must stay separate; call it before it joins."""
        merge = reclustering.merge_of(self._state.clusterer, text, placement)
        if merge is None:
            return None
        into, gone = self._state.live[merge.into], self._state.live[merge.story_id]
        # Stories that a split or an editor separated stay separate, or they would flip with every further entry.
        separated = not into.separated.isdisjoint(gone.members) or not gone.separated.isdisjoint(into.members)
        return None if separated or self._overrides.constraints.cannot_link(into.members, gone.members) else merge

    def merge(self, merge: Merge, now: datetime, entry_id: int, log: StepLog) -> None:
        """Move the entries of one story to the older one, as if they had joined it now.

        Voices keep the time at which they joined: a merge is not a burst of news.

        entry_id: the entry that connects the two
        """
        into, gone = self._state.live[merge.into], self._state.live.pop(merge.story_id)
        self._state.clusterer.merge(merge.into, merge.story_id)
        came = because(ReasonKind.CAME_WITH, merge.story_id, merge.reason)
        moved: list[Membership] = []
        for member in gone.members.values():
            # Looked up first: in the other story the entry may be a copy, with another voice.
            voice = gone.voices.get(member.voice)
            self._assign_voice(member, into)
            into.members[member.entry_id] = member
            self._state.story_of[member.entry_id] = merge.into
            if voice is not None:
                _add_voice(into, member.voice, voice)
            moved.append(_moved(member, merge.into, now, came, reclustering.MERGE_PRECISION, merge.similarity))
        into.context = into.context.with_more(gone.context)
        into.separated |= gone.separated
        # Voices must be in order of arrival again: the first one gives the story its source record.
        restore_order(into)
        log.note_merge(Gone(merge.story_id, merge.into, gone.story, merge.reason), moved, entry_id)

    def split(self, entry_id: int, log: StepLog) -> None:
        """Split the story that an entry just joined, if its halves are two events."""
        state = self._state
        story_id = state.story_of[entry_id]
        live = state.live[story_id]
        if not reclustering.due(len(live.members)):
            return
        entry_ids = list(live.members)
        # All entries, not only the few that the clusterer keeps of a story: the first ones name it.
        terms = [state.texts.terms(member) for member in live.members.values()]
        split = reclustering.split_of(state.clusterer, terms, entry_ids.index(story_id))
        if split is None:
            return
        leaving = {entry_ids[place] for place in split.leaving}
        staying = live.members.keys() - leaving
        # An editor merged them on purpose. Their texts will keep disagreeing, so this is checked at each growth.
        if self._overrides.constraints.must_link(leaving, staying):
            return
        # The half with the first entry keeps the story's ID; the other takes that of its own first entry, as if it had
        # always been a story. Both IDs are those of entries, so a rebuild comes to the same ones.
        new_id = min(leaving)
        reason = because(ReasonKind.LEFT, story_id, split.reason)
        # Read before the removal: both halves have waited as long as the whole.
        latest = state.clusterer.latest(story_id)
        texts = [state.texts.of(member) for member in live.members.values()]
        self.remove(story_id)
        for name, group, other in ((story_id, staying, leaving), (new_id, leaving, staying)):
            log.memberships += self.form(name, group, [live], reason, reclustering.SPLIT_PRECISION)
            state.live[name].separated = live.separated | other
            state.clusterer.replace(name, [text for text in texts if text.entry_id in group], latest)
        log.undo_merge(new_id)  # it may have merged into this one in the same step
        went = because(ReasonKind.WENT_TO, len(leaving), new_id)
        log.note(story_id, Cause.SPLIT, because(ReasonKind.REGROUPED, split.reason, went), entry_id)
        log.note(new_id, Cause.SPLIT, reason, entry_id)

    # Forming

    def remove(self, story_id: int) -> None:
        """Remove a story whose entries move to others."""
        del self._state.live[story_id]
        self._state.clusterer.remove(story_id)

    def form(
        self, story_id: int, group: Collection[int], parents: Sequence[LiveStory], reason: Reason, sure: float = 1.0
    ) -> list[Membership]:
        """Form a live story from entries of others; return the memberships of the entries that moved."""
        members = {entry_id: member for live in parents for entry_id, member in live.members.items()}
        reaches = {(i, name): voice.reach for i, live in enumerate(parents) for name, voice in live.voices.items()}
        parent_of = {entry_id: i for i, live in enumerate(parents) for entry_id in live.members}
        # The entries that stay come first: the others are compared with them to find copies.
        stayed = [entry_id for entry_id in sorted(group) if self._state.story_of[entry_id] == story_id]
        came = [entry_id for entry_id in sorted(group) if self._state.story_of[entry_id] != story_id]
        base = parents[parent_of[(stayed or came)[0]]]
        live = self._continued(members[min(group)], base, group, parents)
        # A story that keeps entries keeps its last score and headline, so that the ledger can show the change.
        live.story = base.story if stayed else None
        moved: list[Membership] = []
        for entry_id in (*stayed, *came):
            member = members[entry_id]
            reach = reaches.get((parent_of[entry_id], member.voice), 1.0)
            if self._state.story_of[entry_id] != story_id:
                self._assign_voice(member, live)
                moved.append(_moved(member, story_id, member.joined, reason, sure))
            live.members[entry_id] = member
            _add_voice(live, member.voice, Voice(member.joined, reach))
            self._state.story_of[entry_id] = story_id
        restore_order(live)
        self._state.live[story_id] = live
        return moved

    def _continued(
        self, first: Member, base: LiveStory, group: Collection[int], parents: Sequence[LiveStory]
    ) -> LiveStory:
        """Return a story without entries that continues *base* and absorbs the parents that *group* contains whole."""
        live = LiveStory(first, first.arrived, self._settings.default(first.source_id), base.usual)
        live.context = base.context
        live.separated = set().union(*(parent.separated for parent in parents))
        for other in parents:
            if other is not base and other.members.keys() <= set(group):
                live.context = live.context.with_more(other.context)
        return live

    def reopen(self, story: Story, members: Sequence[tuple[Entry, Membership]]) -> None:
        """Make a closed story live again, as far as it is known."""
        state = self._state
        first = members[0][0]
        default = self._settings.default(first.source_id)
        live = LiveStory(first, first.first_seen_at, default, state.rhythm.usual(story.category_id))
        live.story = story
        for entry, membership in members:
            # Reach and news context of that time are not stored; a usual source and no context are the neutral values.
            # The score of a reopened story is only recomputed if its entries change.
            evidence = self._settings.evidence(entry.source_id, entry.title, entry.summary, entry.link, entry.embedding)
            member = self._joiner.member(entry, membership.voice, membership.joined_at, evidence)
            live.members[entry.entry_id] = member
            _add_voice(live, member.voice, Voice(member.joined, 1.0))
            state.story_of[entry.entry_id] = story.story_id
        restore_order(live)
        state.live[story.story_id] = live
        # Position 0: it has waited longer than any open story, so no entry joins it for being near in time.
        state.clusterer.replace(story.story_id, [self._state.texts.of(member) for member in live.members.values()], 0)
        state.has_reopened = True

    def reindex(self, story_id: int, latest: int) -> None:
        """Give the clusterer the later texts of a newly formed story, so that entries can join it."""
        texts = [self._state.texts.of(member) for member in self._state.live[story_id].members.values()]
        # An editor may merge stories that are weeks apart. With the old texts, the result would be too old to grow.
        texts = [text for text in texts if text.arrived > texts[-1].arrived - MAX_STORY_AGE.total_seconds() / 2]
        self._state.clusterer.replace(story_id, texts, latest)

    def _assign_voice(self, member: Member, live: LiveStory) -> None:
        """Set the voice of an entry that comes from another story."""
        self._joiner.assign_voice(member, live)


def _add_voice(live: LiveStory, name: str, voice: Voice) -> None:
    """Add a voice to a story, with the earliest time at which it joined."""
    existing = live.voices.get(name)
    if existing is None or voice.joined < existing.joined:
        live.voices[name] = voice


def _moved(
    member: Member, story_id: int, at: datetime, reason: Reason, sure: float, similarity: float = 0.0
) -> Membership:
    return Membership(
        entry_id=member.entry_id,
        story_id=story_id,
        joined_at=at,
        similarity=similarity,
        probability=sure,
        reason=reason,
        voice=member.voice,
    )
