"""A story that can still grow, with all that is needed to compute it anew.

Plain values; what fills them is in the other rooms of `engine`, what is shown of them in `aggregator.model`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import add

from aggregator.model import Entry, Membership, Story
from aggregator.text.urls import canonical
from scoring.categories.classifier import Evidence
from scoring.clustering import copies
from scoring.language.analysed_text import AnalysedText, analyse
from scoring.relevance.news_context import NOTHING, Around

Asleep = tuple[Story, Sequence[tuple[Entry, Membership]]]
"""A story that is over, as it was last written, with its entries in order of arrival."""


@dataclass(slots=True)
class Voice:
    """An independent voice in a story."""

    joined: datetime
    reach: float
    """How many sources follow it, relative to a usual source; as known when it joined."""


@dataclass(slots=True)
class Member:
    """An entry of a live story, with its text as its source has it now."""

    entry_id: int
    source_id: str
    language: str
    title: str
    summary: str
    link: str
    points_to: str
    """The page that it says it is about, "" where it is about none but itself."""
    at: datetime
    """When it counts as published."""
    arrived: datetime
    joined: datetime
    """When its voice was heard in this story."""
    published: datetime | None
    """The date that its feed states, where it is plausible."""
    owner: str
    """Whose voice it has where it speaks for itself."""
    voice: str
    copy: bool
    """It repeats or links to what another entry of the story says."""
    clarity: float
    evidence: Evidence
    worth: float = 0.0
    """To an editor, by its text alone: a probability, 0..1."""

    @property
    def target(self) -> str:
        """The address of the article that it is or links to, in canonical form; "" where it has none."""
        return canonical(self.points_to or self.link) if self.points_to or self.link else ""

    @property
    def pointer(self) -> bool:
        """Whether it is no more than a link to an article."""
        return copies.is_pointer(self.points_to, self.summary)


class Live:
    """A story that can still grow."""

    __slots__ = (
        "around",
        "default",
        "evidence",
        "first_seen_at",
        "last_arrival_at",
        "last_voice_at",
        "link",
        "members",
        "parted",
        "sources",
        "story",
        "usual",
        "voices",
    )

    def __init__(self, first: Entry | Member, arrived: datetime, default: str, usual: float) -> None:
        self.story: Story | None = None
        self.first_seen_at = arrived
        self.last_arrival_at = arrived
        self.last_voice_at = first.at
        self.default = default
        """The category of the source that had it first."""
        self.link = first.link
        self.around: Around = NOTHING
        """What others said of the same things, when the first entry came and when each further voice did."""
        self.usual = usual
        """Coverage that its category usually gets, as known when it began."""
        self.members: dict[int, Member] = {}
        self.parted: set[int] = set()
        """Entries that left it, or that it left, when a story fell apart: no second thought brings them together."""
        self.sources: dict[str, None] = {}
        """In order of arrival, as are the voices."""
        self.voices: dict[str, Voice] = {}
        self.evidence: list[float] = []
        """The sum over the members."""

    @property
    def worths(self) -> tuple[float, ...]:
        """What its entries are worth to an editor, in order of arrival; each a probability."""
        return tuple(member.worth for member in self.members.values())


def settle(live: Live) -> None:
    """Make of a story's members what follows from them."""
    live.members = dict(sorted(live.members.items()))
    live.voices = dict(sorted(live.voices.items(), key=lambda pair: (pair[1].joined, pair[0])))
    live.sources = dict.fromkeys(member.source_id for member in live.members.values())
    live.evidence = sums(live)
    live.first_seen_at = min(member.arrived for member in live.members.values())
    live.last_arrival_at = max(member.arrived for member in live.members.values())
    live.last_voice_at = max(voice.joined for voice in live.voices.values())


def sums(live: Live) -> list[float]:
    """Return what the texts of its members say of its category, together."""
    totals: list[float] = []
    for member in live.members.values():
        totals = plus(totals, member.evidence)
    return totals


def plus(total: Sequence[float], more: Evidence) -> list[float]:
    """Return what texts say of a category with one more; *total* is empty before the first."""
    return list(map(add, total, more)) if total else list(more)


def text_of(item: Entry | Member) -> AnalysedText:
    """Return an entry as the clusterer sees it."""
    arrived = item.arrived if isinstance(item, Member) else item.first_seen_at
    return analyse(
        entry_id=item.entry_id,
        source_id=item.source_id,
        link=canonical(item.link) if item.link else "",
        title=item.title,
        summary=item.summary,
        at=item.at.timestamp(),
        arrived=arrived.timestamp(),
    )
