"""Reasons: a kind and its values, from which a page makes a sentence in its language.

The store keeps `Reason` as a JSON list of the kind and the values. Sentences are made in `web.present.reasons`, so that
a better wording or another language needs no change of what is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct


class ReasonKind(StrEnum):
    """The kinds of reasons, each with its values. Stored: neither rename one nor change what its values mean."""

    TEXT = "text"
    """An English sentence, as versions before 0.2.0 stored it."""

    # Why an entry is in its story
    FIRST_REPORT = "first report"
    SAME_LINK = "same link"
    SAME_HEADLINE = "same headline"
    SHARES = "shares"
    """Phrases that the entry shares with the story, the most telling first."""
    CAME_WITH = "came with"
    """A story that became part of this one, and the reason for that."""
    LEFT = "left"
    """The story that it left, and the reason for that split."""

    # Why stories merge and split
    BOTH_MENTION = "both mention"
    """Phrases."""
    HALVES_DIFFER = "halves differ"
    """Similarity between the halves, and within the looser one."""
    EDITOR_SPLIT = "editor split"
    EDITOR_MERGE = "editor merge"
    EDITOR_MOVE = "editor move"
    EDITOR_CATEGORY = "editor category"
    """The category."""
    EDITOR_HIDE = "editor hide"
    EDITOR_PIN = "editor pin"
    EDITOR_UNDO = "editor undo"
    """The kind of the decision that was taken back: split, merge, move, category, hide or pin."""

    # Why a line is in the ledger of a story
    FIRST_REPORTED_BY = "first reported by"
    """The source. Also why a score has its source record."""
    JOINED = "joined"
    """The source, and why its entry belongs to the story."""
    TOOK_IN = "took in"
    """A story that became part of this one, and the reason for that."""
    BECAME_PART_OF = "became part of"
    """The other story, and the reason for that."""
    WENT_TO = "went to"
    """How many entries, and to which story."""
    CAME_FROM = "came from"
    """How many entries, and from which story."""
    REGROUPED = "regrouped"
    """What caused it, and where entries went and came from: all reasons."""
    TEXT_CHANGED = "text changed"
    MODEL = "model"
    """The version of the model that scores from now on."""
    EDITORS_VOTED = "editors voted"
    CONFIG_CHANGED = "config changed"

    # Why a score has one of its parts
    BASE = "base"
    WORD = "word"
    """The word."""
    WORDS = "words"
    """How many words are added up."""
    OTHER_WORDS = "other words"
    """How many more words there are than those shown."""
    SOURCES = "sources"
    """How many independent sources."""
    SOURCES_WITHIN = "sources within"
    """How many independent sources, and within how many hours."""
    LINKS_TO = "links to"
    """A domain."""
    ADDRESS_WORDS = "address words"
    TITLE_MEANING = "title meaning"
    FILED_UNDER = "filed under"
    """The tags that its source gave it."""
    SEEN_AT = "seen at"
    """UTC time of day, as HH:MM."""
    SEEN_ON_WEEKEND = "seen on weekend"
    """Day of the week, 0 is Monday, and UTC time of day."""
    TITLE_SHAPE = "title shape"
    """How many words, and 1 for a question, else 0."""
    NEW_SHARE = "new share"
    """Share of the title that is new, 0..1."""
    SOURCE_PACE = "source pace"
    """How many other entries its source published within a day."""
    OTHERS_REPORT = "others report"
    OWN_VOTE = "own vote"
    SIMILAR_VOTES = "similar votes"

    # On what condition a score would be another one
    WITHOUT = "without"
    """The name of a source."""
    ALONE = "alone"
    """The name of a source."""
    TITLE_ALONE = "title alone"


# A struct and not a dataclass, as is `Contribution`: scoring an entry makes two dozen of them.
class Reason(Struct, frozen=True, gc=False):
    """Why something is as it is."""

    kind: str
    """A `ReasonKind`, or what a later version stored."""
    values: tuple[str | int | float | Reason, ...] = ()

    def as_plain(self) -> list[Any]:
        """Return what `from_plain` makes the same reason of: the kind and the values."""
        return [str(self.kind), *(value.as_plain() if isinstance(value, Reason) else value for value in self.values)]

    @classmethod
    def from_plain(cls, plain: str | Sequence[Any]) -> Reason:
        """Return the reason that *plain* contains; a string is a sentence of a version before 0.2.0."""
        if isinstance(plain, str):
            return cls(ReasonKind.TEXT, (plain,)) if plain else NO_REASON
        kind, *values = list(plain)
        return cls(str(kind), tuple([cls.from_plain(value) if isinstance(value, list) else value for value in values]))


def because(kind: ReasonKind, *values: str | int | float | Reason) -> Reason:
    """Return the reason of this kind with these values."""
    return Reason(kind, values)


NO_REASON = Reason(ReasonKind.TEXT)
