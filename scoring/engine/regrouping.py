"""Make stories of the entries of others: where two become one, one falls apart, or one that is over is woken.

Knows what a story keeps and what it takes along. Leaves whether they are one event to `second_thoughts`, and what
editors want of them to `decided`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from aggregator.model import Cause, Entry, Membership, Story
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

    # Second thoughts

    def merge_of(self, text: AnalysedText, placement: Placement) -> Merge | None:
        """Return which stories a text brings together, where nothing keeps them apart; asked before it joins."""
        merge = reclustering.merge_of(self._state.clusterer, text, placement)
        if merge is None:
            return None
        into, gone = self._state.live[merge.into], self._state.live[merge.story_id]
        parted = not into.parted.isdisjoint(gone.members) or not gone.parted.isdisjoint(into.members)
        return None if parted or self._overrides.editors.apart(into.members, gone.members) else merge

    def merge(self, merge: Merge, now: datetime, entry_id: int, log: StepLog) -> None:
        """Make the entries of one story entries of the older one, as if they had joined it now.

        A voice has spoken when it did: what is old news in one story is no news in the other.

        entry_id: what brought them together
        """
        into, gone = self._state.live[merge.into], self._state.live.pop(merge.story_id)
        self._state.clusterer.merge(merge.into, merge.story_id)
        came = f"came with story {merge.story_id}: {merge.reason}"
        moved: list[Membership] = []
        for member in gone.members.values():
            spoke = gone.voices.get(member.voice)
            self._speak(member, into)
            into.members[member.entry_id] = member
            self._state.story_of[member.entry_id] = merge.into
            if spoke is not None:
                _hear(into, member.voice, spoke)
            moved.append(_moved(member, merge.into, now, came, reclustering.RIGHT, merge.similarity))
        into.around = into.around.with_more(gone.around)
        into.parted |= gone.parted
        settle(into)
        log.united(Gone(merge.story_id, merge.into, gone.story, merge.reason), moved, entry_id)

    def part(self, entry_id: int, log: StepLog) -> None:
        """Let the story that an entry just joined fall apart, where it does."""
        state = self._state
        story_id = state.story_of[entry_id]
        live = state.live[story_id]
        if not reclustering.due(len(live.members)):
            return
        entry_ids = list(live.members)
        texts = [self._state.texts.of(member) for member in live.members.values()]
        split = reclustering.split_of(state.clusterer, texts, entry_ids.index(story_id))
        if split is None:
            return
        leaving = {entry_ids[place] for place in split.leaving}
        staying = live.members.keys() - leaving
        if self._overrides.editors.tied(leaving, staying):
            return
        new_id = min(leaving)
        reason = f"left story {story_id} when it fell apart: {split.reason}"
        latest = state.clusterer.latest(story_id)
        self.drop(story_id)
        for name, group, other in ((story_id, staying, leaving), (new_id, leaving, staying)):
            log.memberships += self.form(name, group, [live], reason, reclustering.RIGHT_SPLIT)
            state.live[name].parted = live.parted | other
            state.clusterer.hold(name, [text for text in texts if text.entry_id in group], latest)
        log.stands_again(new_id)  # it may have become part of this one in the same step
        log.note(story_id, Cause.SPLIT, f"{counted(leaving)} went to story {new_id}: {split.reason}", entry_id)
        log.note(new_id, Cause.SPLIT, reason, entry_id)

    # Forming

    def drop(self, story_id: int) -> None:
        """Hold a story no longer whose entries go to others."""
        del self._state.live[story_id]
        self._state.clusterer.drop(story_id)

    def form(
        self, story_id: int, group: Collection[int], parents: Sequence[LiveStory], reason: str, sure: float = 1.0
    ) -> list[Membership]:
        """Make a live story of entries of others; return where those went that changed their story, and why."""
        members = {entry_id: member for live in parents for entry_id, member in live.members.items()}
        reaches = {(i, name): voice.reach for i, live in enumerate(parents) for name, voice in live.voices.items()}
        parent_of = {entry_id: i for i, live in enumerate(parents) for entry_id in live.members}
        stayed = [entry_id for entry_id in sorted(group) if self._state.story_of[entry_id] == story_id]
        came = [entry_id for entry_id in sorted(group) if self._state.story_of[entry_id] != story_id]
        base = parents[parent_of[(stayed or came)[0]]]
        live = self._begun(members[min(group)], base, group, parents)
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
        """Return a story without entries that takes from *base*, and from those that it takes in whole."""
        live = LiveStory(first, first.arrived, self._settings.default(first.source_id), base.usual)
        live.around = base.around
        live.parted = set().union(*(parent.parted for parent in parents))
        for other in parents:
            if other is not base and other.members.keys() <= set(group):
                live.around = live.around.with_more(other.around)
        return live

    def reopen(self, story: Story, members: Sequence[tuple[Entry, Membership]]) -> None:
        """Hold a story that is over once more, as far as it is known."""
        state = self._state
        first = members[0][0]
        default = self._settings.default(first.source_id)
        live = LiveStory(first, first.first_seen_at, default, state.rhythm.usual(story.category_id))
        live.story = story
        for entry, membership in members:
            evidence = self._settings.evidence(entry.source_id, entry.title, entry.summary, entry.link)
            member = self._joiner.member(entry, membership.voice, membership.joined_at, evidence)
            live.members[entry.entry_id] = member
            _hear(live, member.voice, Voice(member.joined, 1.0))
            state.story_of[entry.entry_id] = story.story_id
        settle(live)
        state.live[story.story_id] = live
        state.clusterer.hold(story.story_id, [self._state.texts.of(member) for member in live.members.values()], 0)
        state.has_reopened = True

    def hold_texts(self, story_id: int, latest: int) -> None:
        """Let what comes be compared with the later texts of a story that was formed."""
        texts = [self._state.texts.of(member) for member in self._state.live[story_id].members.values()]
        texts = [text for text in texts if text.arrived > texts[-1].arrived - MAX_STORY_AGE.total_seconds() / 2]
        self._state.clusterer.hold(story_id, texts, latest)

    def _speak(self, member: Member, live: LiveStory) -> None:
        """Find with whose voice an entry of another story speaks in this one."""
        self._joiner.give_voice(member, live)


def counted(entries: Collection[int]) -> str:
    """Return in words how many entries there are."""
    return "1 entry" if len(entries) == 1 else f"{len(entries)} entries"


def _hear(live: LiveStory, name: str, voice: Voice) -> None:
    """Let a voice be heard in a story when it first spoke."""
    known = live.voices.get(name)
    if known is None or voice.joined < known.joined:
        live.voices[name] = voice


def _moved(
    member: Member, story_id: int, at: datetime, reason: str, sure: float, similarity: float = 0.0
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
