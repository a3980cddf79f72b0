"""A story that can still grow, with all the data that its headline, category and score are computed from.

Plain values, filled by `membership` and `regrouping`. `scoring` computes the `Story` that pages show.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import add

from msgspec import Struct

from aggregator.model import Embedding, Entry, Membership, Story
from aggregator.text.urls import article_key
from scoring.categories.classifier import Evidence
from scoring.clustering import copies
from scoring.insights import lead_entry
from scoring.language.analysed_text import AnalysedText, EntryTerms, analyse
from scoring.relevance.news_context import NO_CONTEXT, TitleContext

ClosedStory = tuple[Story, Sequence[tuple[Entry, Membership]]]
"""A story that no entry can join any more, as stored, with its entries in order of arrival."""


@dataclass(slots=True)
class Voice:
    """An independent source of a story. Part of a snapshot."""

    joined: datetime
    reach: float
    """How many sources follow it, relative to a usual one; as known when it joined."""


@dataclass(slots=True)
class Member:
    """An entry of a live story, with its latest text. Part of a snapshot."""

    entry_id: int
    source_id: str
    language: str
    title: str
    summary: str
    link: str
    points_to: str
    """The page that it only links to; "" for an article."""
    target: str
    """The `article_key` of the article that it is or links to, "" if it has none."""
    at: datetime
    """When it counts as published."""
    arrived: datetime
    joined: datetime
    """When it joined this story."""
    published: datetime | None
    """The date that its feed states, where it is plausible."""
    owner: str
    """Its voice, unless it is a copy."""
    voice: str
    copy: bool
    """It reprints another entry of the story, or only links to it."""
    evidence: Evidence
    worth: float = 0.0
    """Probability that an editor would choose it, from its text alone, 0..1."""
    embedding: Embedding | None = None
    """Of the text that it came with."""

    @property
    def pointer(self) -> bool:
        """Whether it only links to an article."""
        return copies.is_pointer(self.points_to, self.summary)


class LiveStorySnapshot(Struct, array_like=True, frozen=True):
    """The values of a `LiveStory` but the computed story, which is in the store."""

    story_id: int
    first_seen_at: datetime
    last_arrival_at: datetime
    last_voice_at: datetime
    default: str
    link: str
    context: TitleContext
    usual: float
    members: list[Member]
    separated: frozenset[int]
    sources: list[str]
    voices: list[tuple[str, Voice]]
    evidence: list[float]


class LiveStory:
    """A story that can still grow."""

    __slots__ = (
        "context",
        "default",
        "evidence",
        "first_seen_at",
        "last_arrival_at",
        "last_voice_at",
        "link",
        "members",
        "separated",
        "sources",
        "story",
        "usual",
        "voices",
    )

    def __init__(self, first: Entry | Member, arrived: datetime, default: str, usual: float) -> None:
        self.story: Story | None = None
        """As last computed."""
        self.first_seen_at = arrived
        self.last_arrival_at = arrived
        self.last_voice_at = first.at
        self.default = default
        """The category of its first source."""
        self.link = first.link
        self.context: TitleContext = NO_CONTEXT
        """News context when the first entry arrived, raised by each further voice."""
        self.usual = usual
        """The usual coverage of its category when it began."""
        self.members: dict[int, Member] = {}
        """By entry, in order of arrival."""
        self.separated: set[int] = set()
        """Entries on the other side of a split, which re-clustering never merges again."""
        self.sources: dict[str, None] = {}
        """In order of arrival, as are the voices."""
        self.voices: dict[str, Voice] = {}
        self.evidence: list[float] = []
        """Evidence for each category: the sum over its members."""

    def snapshot(self, story_id: int) -> LiveStorySnapshot:
        """Return its values; valid until it changes."""
        return LiveStorySnapshot(
            story_id,
            self.first_seen_at,
            self.last_arrival_at,
            self.last_voice_at,
            self.default,
            self.link,
            self.context,
            self.usual,
            list(self.members.values()),
            frozenset(self.separated),
            list(self.sources),
            list(self.voices.items()),
            self.evidence,
        )

    @classmethod
    def restored(cls, snapshot: LiveStorySnapshot) -> LiveStory:
        """Return the story that has the values of *snapshot*."""
        live = cls(snapshot.members[0], snapshot.first_seen_at, snapshot.default, snapshot.usual)
        live.last_arrival_at = snapshot.last_arrival_at
        live.last_voice_at = snapshot.last_voice_at
        live.link = snapshot.link
        live.context = snapshot.context
        live.members = {member.entry_id: member for member in snapshot.members}
        live.separated = set(snapshot.separated)
        live.sources = dict.fromkeys(snapshot.sources)
        live.voices = dict(snapshot.voices)
        live.evidence = snapshot.evidence
        return live


# After a merge or split, members and voices come from several stories. Everything that depends on their order is
# derived again here, so the order in which they were added does not matter.
def restore_order(live: LiveStory) -> None:
    """Sort a story's members and voices, and derive sources, evidence and times from them."""
    live.members = dict(sorted(live.members.items()))
    live.voices = dict(sorted(live.voices.items(), key=lambda pair: (pair[1].joined, pair[0])))
    live.sources = dict.fromkeys(member.source_id for member in live.members.values())
    live.evidence = sums(live)
    live.first_seen_at = min(member.arrived for member in live.members.values())
    live.last_arrival_at = max(member.arrived for member in live.members.values())
    live.last_voice_at = max(voice.joined for voice in live.voices.values())


def sums(live: LiveStory) -> list[float]:
    """Return the category evidence of all members of a story together."""
    total: list[float] = []
    for member in live.members.values():
        total = plus(total, member.evidence)
    return total


def plus(total: Sequence[float], more: Evidence) -> list[float]:
    """Return the evidence of several texts with one more added; *total* is empty before the first."""
    return list(map(add, total, more)) if total else list(more)


MAX_RECENT_TEXTS = 2_000
"""About 10 MB."""

MAX_RECENT_RUNS = 2_000_000
"""Runs of words of live entries that are kept to recognize copies: 8 MB, reached by 20,000 entries with summaries.

With those of 1,000 entries, a first poll of 25,000 computed the runs of each 15 times.
"""

RUNS_A_TEXT = 50
"""What keeping a text costs in addition to its runs."""


class RecentTexts:
    """What texts of live entries were analysed to, as far as it is kept: each can be analysed again.

    Deciding whether to split a growing story takes the terms of all its entries, so they stay as long as the entries
    live. Keeping whole texts, or the terms of entries whose stories never grow, would double the memory of the engine.
    """

    def __init__(self) -> None:
        self._texts: dict[int, AnalysedText] = {}
        """Of the most recently used entries."""
        self._terms: dict[int, EntryTerms] = {}
        """Of the entries of stories that have grown."""
        self._clarity: dict[int, float] = {}
        """Of the headlines of stories with several entries."""
        self._runs: dict[int, array[int]] = {}
        self._kept_runs = 0

    def of(self, entry: Entry | Member) -> AnalysedText:
        """Return the analysed text of an entry."""
        # Removed and added again, so that the first key is the least recently used.
        text = self._texts.pop(entry.entry_id, None)
        if text is None:
            text = analysed(entry)
            if len(self._texts) >= MAX_RECENT_TEXTS:
                del self._texts[next(iter(self._texts))]
        self._texts[entry.entry_id] = text
        return text

    def terms(self, member: Member) -> EntryTerms:
        """Return the terms of an entry of a story that grows."""
        terms = self._terms.get(member.entry_id)
        if terms is None:
            terms = self._terms[member.entry_id] = self.of(member).terms()
        return terms

    def clarity(self, member: Member) -> float:
        """Return how clear the headline of an entry is; see `lead_entry.clarity`."""
        clarity = self._clarity.get(member.entry_id)
        if clarity is None:
            clarity = self._clarity[member.entry_id] = lead_entry.clarity(member.title, member.summary)
        return clarity

    def runs(self, member: Member) -> array[int]:
        """Return the runs of words of an entry; see `copies.runs`."""
        runs = self._runs.pop(member.entry_id, None)
        if runs is None:
            runs = copies.runs(member.title, member.summary)
            self._kept_runs += len(runs) + RUNS_A_TEXT
            while self._kept_runs > MAX_RECENT_RUNS and self._runs:
                self._kept_runs -= len(self._runs.pop(next(iter(self._runs)))) + RUNS_A_TEXT
        self._runs[member.entry_id] = runs
        return runs

    def forget(self, entry_id: int) -> None:
        """Drop the text of an entry that was edited, or whose story has ended."""
        self._texts.pop(entry_id, None)
        self._terms.pop(entry_id, None)
        self._clarity.pop(entry_id, None)
        runs = self._runs.pop(entry_id, None)
        if runs is not None:
            self._kept_runs -= len(runs) + RUNS_A_TEXT


def analysed(entry: Entry | Member, compared: bool = True) -> AnalysedText:
    """Return an entry in the form that the clusterer compares."""
    arrived = entry.arrived if isinstance(entry, Member) else entry.first_seen_at
    address = (entry.points_to or entry.link) if compared else ""
    return analyse(
        entry_id=entry.entry_id,
        source_id=entry.source_id,
        link=article_key(address) if address else "",
        title=entry.title,
        summary=entry.summary,
        at=entry.at.timestamp(),
        arrived=arrived.timestamp(),
        compared=compared,
        embedding=entry.embedding,
    )
