"""Move entries between live stories: two stories merge, one splits, or a closed one is reopened.

Knows what a story keeps and what its entries take along. Leaves whether stories are one event to
`clustering.reclustering`, and editors' decisions to `decisions`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from aggregator.model import Cause, Entry, Membership, Reason, ReasonKind, Story, because
from scoring.clustering import reclustering
from scoring.clustering.clusterer import Placement
from scoring.clustering.reclustering import Merge
from scoring.engine.live_story import LiveStory, Member, Voice, settle
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
        """Return the two stories that a text connects, unless something keeps them apart; call it before it joins."""
        merge = reclustering.merge_of(self._state.clusterer, text, placement)
        if merge is None:
            return None
        into, gone = self._state.live[merge.into], self._state.live[merge.story_id]
        # What a split or an editor parted stays apart, or stories would flip with every further entry.
        parted = not into.parted.isdisjoint(gone.members) or not gone.parted.isdisjoint(into.members)
        return None if parted or self._overrides.editors.apart(into.members, gone.members) else merge

    def merge(self, merge: Merge, now: datetime, entry_id: int, log: StepLog) -> None:
        """Move the entries of one story to the older one, as if they had joined it now.

        Voices keep the time at which they joined: a merge is no burst of news.

        entry_id: the entry that showed the two to be one
        """
        into, gone = self._state.live[merge.into], self._state.live.pop(merge.story_id)
        self._state.clusterer.merge(merge.into, merge.story_id)
        came = because(ReasonKind.CAME_WITH, merge.story_id, merge.reason)
        moved: list[Membership] = []
        for member in gone.members.values():
            # Looked up first: in the other story the entry may turn out to be a copy, with another voice.
            spoke = gone.voices.get(member.voice)
            self._speak(member, into)
            into.members[member.entry_id] = member
            self._state.story_of[member.entry_id] = merge.into
            if spoke is not None:
                _hear(into, member.voice, spoke)
            moved.append(_moved(member, merge.into, now, came, reclustering.RIGHT, merge.similarity))
        into.around = into.around.with_more(gone.around)
        into.parted |= gone.parted
        # Voices and times have to be in order of arrival again: the first one gives the story its source record.
        settle(into)
        log.united(Gone(merge.story_id, merge.into, gone.story, merge.reason), moved, entry_id)

    def part(self, entry_id: int, log: StepLog) -> None:
        """Split the story that an entry just joined, where its halves are two events."""
        state = self._state
        story_id = state.story_of[entry_id]
        live = state.live[story_id]
        if not reclustering.due(len(live.members)):
            return
        entry_ids = list(live.members)
        # All entries, not only the few that the clusterer keeps of a story: the first ones name it.
        texts = [self._state.texts.of(member) for member in live.members.values()]
        split = reclustering.split_of(state.clusterer, texts, entry_ids.index(story_id))
        if split is None:
            return
        leaving = {entry_ids[place] for place in split.leaving}
        staying = live.members.keys() - leaving
        # An editor merged them on purpose. The words will keep disagreeing, so this is asked again at every growth.
        if self._overrides.editors.tied(leaving, staying):
            return
        # The half with the first entry keeps the address; the other is named for its own first entry, as if it had
        # been a story from the beginning. Both IDs are those of entries, so a rebuild finds the same ones.
        new_id = min(leaving)
        reason = because(ReasonKind.LEFT, story_id, split.reason)
        latest = state.clusterer.latest(story_id)  # before it is dropped: both halves have waited as long as the whole
        self.drop(story_id)
        for name, group, other in ((story_id, staying, leaving), (new_id, leaving, staying)):
            log.memberships += self.form(name, group, [live], reason, reclustering.RIGHT_SPLIT)
            state.live[name].parted = live.parted | other
            state.clusterer.hold(name, [text for text in texts if text.entry_id in group], latest)
        log.stands_again(new_id)  # it may have become part of this one in the same step
        went = because(ReasonKind.WENT_TO, len(leaving), new_id)
        log.note(story_id, Cause.SPLIT, because(ReasonKind.REGROUPED, split.reason, went), entry_id)
        log.note(new_id, Cause.SPLIT, reason, entry_id)

    # Forming

    def drop(self, story_id: int) -> None:
        """Remove a story whose entries go to others."""
        del self._state.live[story_id]
        self._state.clusterer.drop(story_id)

    def form(
        self, story_id: int, group: Collection[int], parents: Sequence[LiveStory], reason: Reason, sure: float = 1.0
    ) -> list[Membership]:
        """Form a live story from entries of others; return the memberships of those that changed their story."""
        members = {entry_id: member for live in parents for entry_id, member in live.members.items()}
        reaches = {(i, name): voice.reach for i, live in enumerate(parents) for name, voice in live.voices.items()}
        parent_of = {entry_id: i for i, live in enumerate(parents) for entry_id in live.members}
        # Those that stay come first: their voices are the originals that the others are compared with.
        stayed = [entry_id for entry_id in sorted(group) if self._state.story_of[entry_id] == story_id]
        came = [entry_id for entry_id in sorted(group) if self._state.story_of[entry_id] != story_id]
        base = parents[parent_of[(stayed or came)[0]]]
        live = self._begun(members[min(group)], base, group, parents)
        # A story that keeps entries keeps its last score and headline, so the ledger can say what the change was.
        live.story = base.story if stayed else None
        moved: list[Membership] = []
        for entry_id in (*stayed, *came):
            member = members[entry_id]
            reach = reaches.get((parent_of[entry_id], member.voice), 1.0)
            if self._state.story_of[entry_id] != story_id:
                self._speak(member, live)
                moved.append(_moved(member, story_id, member.joined, reason, sure))
            live.members[entry_id] = member
            _hear(live, member.voice, Voice(member.joined, reach))
            self._state.story_of[entry_id] = story_id
        settle(live)
        self._state.live[story_id] = live
        return moved

    def _begun(self, first: Member, base: LiveStory, group: Collection[int], parents: Sequence[LiveStory]) -> LiveStory:
        """Return a story without entries that continues *base*, and takes over what it contains as a whole."""
        live = LiveStory(first, first.arrived, self._settings.default(first.source_id), base.usual)
        live.around = base.around
        live.parted = set().union(*(parent.parted for parent in parents))
        for other in parents:
            if other is not base and other.members.keys() <= set(group):
                live.around = live.around.with_more(other.around)
        return live

    def reopen(self, story: Story, members: Sequence[tuple[Entry, Membership]]) -> None:
        """Make a closed story live again, as far as it is known."""
        state = self._state
        first = members[0][0]
        default = self._settings.default(first.source_id)
        live = LiveStory(first, first.first_seen_at, default, state.rhythm.usual(story.category_id))
        live.story = story
        for entry, membership in members:
            # Reach and news context of that time are stored nowhere; a usual source and no context are the neutral
            # values. The score of a reopened story is computed again only if its entries change.
            evidence = self._settings.evidence(entry.source_id, entry.title, entry.summary, entry.link, entry.embedding)
            member = self._joiner.member(entry, membership.voice, membership.joined_at, evidence)
            live.members[entry.entry_id] = member
            _hear(live, member.voice, Voice(member.joined, 1.0))
            state.story_of[entry.entry_id] = story.story_id
        settle(live)
        state.live[story.story_id] = live
        # Position 0: it has waited longer than any open story, so nothing joins it by being near in time.
        state.clusterer.hold(story.story_id, [self._state.texts.of(member) for member in live.members.values()], 0)
        state.has_reopened = True

    def hold_texts(self, story_id: int, latest: int) -> None:
        """Give the clusterer the later texts of a story that was formed, so that new entries can join."""
        texts = [self._state.texts.of(member) for member in self._state.live[story_id].members.values()]
        # An editor may unite stories that are weeks apart. With the old texts, the new story would be too old to grow.
        texts = [text for text in texts if text.arrived > texts[-1].arrived - MAX_STORY_AGE.total_seconds() / 2]
        self._state.clusterer.hold(story_id, texts, latest)

    def _speak(self, member: Member, live: LiveStory) -> None:
        """Set the voice of an entry of another story in this one."""
        self._joiner.give_voice(member, live)


def _hear(live: LiveStory, name: str, voice: Voice) -> None:
    """Add a voice to a story, with the earliest time at which it joined."""
    known = live.voices.get(name)
    if known is None or voice.joined < known.joined:
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
