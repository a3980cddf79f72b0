"""Add an entry to its story.

Knows what an entry contributes: its voice, its evidence for a category, and its share in the counts. `clustering`
chooses the story, and `regrouping` moves entries between stories.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from aggregator.model import Edit, Embedding, Entry, Membership, ReasonKind
from aggregator.text.urls import article_key
from scoring.categories.classifier import Evidence
from scoring.clustering import copies
from scoring.clustering.clusterer import Placement
from scoring.engine.live_story import LiveStory, Member, Voice, analysed, plus, sums
from scoring.engine.settings import EngineSettings
from scoring.engine.state import EngineState
from scoring.language.analysed_text import AnalysedText
from scoring.ranking.baseline import FOLLOWS_WITHIN
from scoring.relevance.editorial_prior import EditorialPrior

MAX_COMPARED = 40
"""A new text is compared with this many of the latest originals of its story to recognize a copy."""


class Joiner:
    """Adds entries to live stories.

    editorial: estimates the worth of each text; without it, the worth is unknown
    """

    def __init__(self, state: EngineState, settings: EngineSettings, editorial: EditorialPrior | None) -> None:
        self._state = state
        self._settings = settings
        self._editorial = editorial

    def _worth(self, title: str, summary: str, link: str, embedding: Embedding | None) -> float:
        if self._editorial is None:
            return 0.0
        return self._editorial.worth(title, summary, link, embedding).probability

    def join(
        self, entry: Entry, text: AnalysedText, placement: Placement, stored: Membership | None = None
    ) -> Membership:
        """Add *entry* to the story that it was placed in, or begin that story.

        stored: its stored membership, if it joined before; then voice and time of joining stay the same
        """
        state = self._state
        default = self._settings.default(entry.source_id)
        # The category of the entry alone, not of its story: the counts must not depend on later members.
        evidence = self._settings.evidence(entry.source_id, entry.title, entry.summary, entry.link, entry.embedding)
        category = None if stored is None else stored.counted_in
        if category is None:
            category = self._settings.categorizer.decide(evidence, default)
        live = state.live.get(placement.story_id)
        begins = live is None if stored is None else began_a_story(stored)
        if live is None:
            live = LiveStory(entry, entry.first_seen_at, default, state.rhythm.usual(category))
            state.live[placement.story_id] = live
        joined = entry.at if stored is None else stored.joined_at
        member = self.member(entry, "" if stored is None else stored.voice, joined, evidence)
        if stored is None:
            self.assign_voice(member, live)
        voice = member.voice
        live.members[entry.entry_id] = member
        state.story_of[entry.entry_id] = placement.story_id
        state.unsaved_entries += 1
        live.last_arrival_at = entry.first_seen_at
        live.sources.setdefault(entry.source_id)
        live.evidence = plus(live.evidence, evidence)
        # The context is taken before the entry is counted in it: a headline must not match itself.
        new_voice = self._count_voice(entry, voice, joined, live)
        state.rhythm.count(category, voice=new_voice, story=begins)
        state.clusterer.add(text, placement.story_id)
        return Membership(
            entry_id=entry.entry_id,
            story_id=placement.story_id,
            joined_at=joined,
            similarity=placement.similarity,
            probability=placement.probability,
            reason=placement.reason,
            voice=voice,
            counted_in=category,
        )

    def _count_voice(self, entry: Entry, voice: str, joined: datetime, live: LiveStory) -> bool:
        """Count the voice of a new member; return whether it is new to the story."""
        news_context, at = self._state.news_context, entry.first_seen_at.timestamp()
        # What a voice says again changes the context of later entries, not that of its story.
        if voice in live.voices:
            news_context.advance(at)
            news_context.add(entry.title, voice, at)
            return False
        context = news_context.observe(entry.title, voice, at)
        # A further voice can only raise the context. Novelty and the source's pace come from the first one: otherwise a
        # reprint hours later would make old news look new.
        live.context = live.context.with_more(context) if live.voices else context
        rhythm = self._state.rhythm
        rhythm.count_follows(voice, _followed({name: other.joined for name, other in live.voices.items()}, joined))
        # Reach as known now, never updated: later behaviour of the source elsewhere says nothing about this story.
        live.voices[voice] = Voice(joined, rhythm.reach(voice))
        live.last_voice_at = max(live.last_voice_at, joined)
        return True

    def member(self, entry: Entry, voice: str, joined: datetime, evidence: Evidence) -> Member:
        """Return an entry as a member of a live story."""
        owner = self._settings.owner_of(entry)
        return Member(
            entry_id=entry.entry_id,
            source_id=entry.source_id,
            language=entry.language,
            title=entry.title,
            summary=entry.summary,
            link=entry.link,
            points_to=entry.points_to,
            target=article_key(entry.points_to or entry.link) if entry.points_to or entry.link else "",
            at=entry.at,
            arrived=entry.first_seen_at,
            joined=joined,
            published=entry.plausible_published_at,
            owner=owner,
            voice=voice,
            copy=voice != owner,
            evidence=evidence,
            worth=self._worth(entry.title, entry.summary, entry.link, entry.embedding),
            embedding=entry.embedding,
        )

    def assign_voice(self, member: Member, live: LiveStory) -> None:
        """Set the voice of a member: that of the original that it copies or links to, else its owner.

        An article that arrives after links to it takes over their voice, and they become its copies.
        """
        member.voice, member.copy = member.owner, False
        if not live.members:
            return
        # Observed: Hacker News, Lobsters and a dozen newsletters link to one post, and its site is a source, too.
        # Rule: entries with one target are one voice where either of them only links. Two full articles under one link
        # (a wire service and its client) are compared by their texts, below.
        if target := member.target:
            for other in live.members.values():
                if other.target == target and (member.pointer or other.pointer):
                    member.voice = other.voice
                    member.copy = member.pointer
                    other.copy = other.copy or not member.pointer
                    return
        runs = self._state.texts.runs(member)
        if not runs:
            return
        # A copy of a copy has the original's voice already, so only originals are compared. The latest are enough:
        # reprints follow within hours.
        originals = [other for other in live.members.values() if not other.copy][-MAX_COMPARED:]
        earlier = ((other.voice, self._state.texts.runs(other)) for other in originals)
        member.voice = copies.voice(member.owner, runs, earlier)
        member.copy = member.voice != member.owner

    def count(
        self,
        entry: Entry,
        membership: Membership,
        earlier: Mapping[str, datetime],
        *,
        context: bool,
    ) -> None:
        """Count an entry of a closed story, without the rest of `join`.

        earlier:  when the voices before it joined
        context:  whether it is recent enough for the news context
        """
        state, settings = self._state, self._settings
        at = entry.first_seen_at.timestamp()
        # Not through `state.texts`: this entry is read once, and would evict texts that are needed again.
        state.clusterer.add_closed(analysed(entry, compared=False))
        if context:
            state.news_context.advance(at)
            state.news_context.add(entry.title, membership.voice, at)
        begins = began_a_story(membership)
        new_voice = membership.voice not in earlier
        if new_voice:
            state.rhythm.count_follows(membership.voice, _followed(earlier, membership.joined_at))
        # Reading a text for its category takes most of the time here, and a further entry of a voice counts in none.
        category = membership.counted_in
        if category is None and (new_voice or begins):
            evidence = settings.evidence(entry.source_id, entry.title, entry.summary, entry.link, entry.embedding)
            category = settings.categorizer.decide(evidence, settings.default(entry.source_id))
        state.rhythm.count(category or "", voice=new_voice, story=begins)

    def edit(self, story_id: int, edit: Edit) -> None:
        """Replace the text of a member. It stays in its story, which readers already know."""
        live = self._state.live[story_id]
        member = live.members[edit.entry_id]
        member.title = edit.title
        member.summary = edit.summary
        # The embedding stays that of the first title: no other is stored, and a restored engine must agree.
        member.worth = self._worth(edit.title, edit.summary, member.link, member.embedding)
        member.evidence = self._settings.evidence(
            member.source_id, edit.title, edit.summary, member.link, member.embedding
        )
        live.evidence = sums(live)

    def recompute_evidence(self) -> None:
        """Recompute the category evidence of all live entries."""
        for live in self._state.live.values():
            for member in live.members.values():
                member.evidence = self._settings.evidence(
                    member.source_id, member.title, member.summary, member.link, member.embedding
                )
            live.evidence = sums(live)


def began_a_story(membership: Membership) -> bool:
    """Return whether an entry began a story when it arrived, by its stored membership.

    Its story may have merged into another since. The first entry of a story that a split formed began none.
    Known to be wrong: an entry whose story merged twice, or that an editor moved; one in thousands.
    """
    reason = membership.reason
    if reason.kind == ReasonKind.CAME_WITH:
        return reason.values[0] == membership.entry_id
    if reason.kind == ReasonKind.TEXT:  # stored by a version before 0.2.0
        return membership.story_id == membership.entry_id
    return reason.kind == ReasonKind.FIRST_REPORT


def _followed(earlier: Mapping[str, datetime], joined: datetime) -> list[str]:
    """Return the sources that a source which joined at *joined* follows."""
    return [source for source, before in earlier.items() if joined - before <= FOLLOWS_WITHIN]
