"""What the sources published: the items of a document, and the entries stored from them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from aggregator.model.polling import Hints

BACKLOG_AGE = timedelta(days=7)
"""The age of an undated entry of a source's first document: beyond the window of the lists (3 days by default)."""


CLOCK_TOLERANCE = timedelta(minutes=15)
"""How far a server's clock may be ahead of ours before its dates are not believed."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that the feed itself names for an entry."""

    url: str
    caption: str = ""
    credit: str = ""
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A recording that the feed attaches to an entry: an episode of a podcast, a video."""

    url: str
    media_type: str
    """`audio/...` or `video/...`."""
    length: int | None = None
    """Bytes, as the feed states them."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One item of a parsed document, cleaned, not yet known to be new."""

    guid: str
    link: str
    title: str
    summary: str = ""
    """Plain text."""
    content: str = ""
    """HTML that went through `sanitize.clean`."""
    author: str = ""
    tags: tuple[str, ...] = ()
    language: str = ""
    picture: Picture | None = None
    stated_at: str = ""
    """The date as the feed states it, verbatim."""
    published_at: datetime | None = None
    """That date, where it is usable; it may lie in the future."""
    points_to: str = ""
    """The page that a link post is about: what Hacker News, Lobsters or Reddit link to. "" for any other entry."""
    discussion: str = ""
    """The page with the comments on a link post, or ""."""
    origin_name: str = ""
    """Who published the entry first, by the `<source>` of the feed: a paper in Google News, a blog in a planet."""
    origin_url: str = ""
    """The site or feed of that publisher, or ""."""
    enclosure: Enclosure | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A draft with its identity and all else that follows from its text, computed once (`parse.identity.arrival`)."""

    draft: Draft
    identity: str
    """By which it is recognised within its source."""
    canonical_link: str
    """"" without a link."""
    digest: str
    """Over everything that is kept."""
    word_count: int
    """How many words of text it contains."""


@dataclass(frozen=True, slots=True)
class DocumentMemory:
    """What recognises a source's document and its items, so that only changes are parsed."""

    stored: str = ""
    """Fingerprints of the last stored document, as `parse.fingerprints` writes them; "" for none."""
    mark: str = ""
    """Hash of the current document and of all else that its entries depend on; "" until it is computed."""

    @property
    def is_unchanged(self) -> bool:
        """Whether the current document is byte-identical to the last stored one."""
        return bool(self.mark) and self.stored.partition(" ")[2].startswith(f"{self.mark} ")

    def without_items(self) -> DocumentMemory:
        """Return the memory without items: after a change, all items are parsed."""
        return replace(self, stored=self.stored.partition("\n")[0])


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """A parsed document: its entries, and a word on what was left out."""

    title: str
    site_url: str
    language: str
    arrivals: tuple[Arrival, ...]
    """Its entries, each with what recognises it."""
    notes: tuple[str, ...] = ()
    """What went over a limit or was repaired, for the source's row."""
    hints: Hints = field(default_factory=Hints)
    unchanged: tuple[str, ...] = ()
    """Identities of the items that are as they were when the document was last stored; not among `arrivals`."""
    memory: DocumentMemory = DocumentMemory()
    """By which the document and its items are known next time."""

    @property
    def entries(self) -> tuple[Draft, ...]:
        """The entries alone."""
        return tuple(arrival.draft for arrival in self.arrivals)


@dataclass(frozen=True, slots=True)
class Embedding:
    """What a sentence encoder makes of a text: a direction, near that of texts with the same meaning."""

    encoder: str
    """Names the model; embeddings of different encoders cannot be compared."""
    values: bytes
    """Signed 8-bit numbers, in proportion to the components."""

    @property
    def space(self) -> tuple[str, int]:
        """Return the encoder and the number of components; only embeddings that agree in both can be compared.

        An exported stream can contain embeddings of two lengths under one name, when a model file was replaced.
        """
        return self.encoder, len(self.values)


@dataclass(frozen=True, slots=True)
class Entry:
    """One normalised item of a feed, as it is kept."""

    entry_id: int
    """Counts up in order of arrival."""
    source_id: str
    identity: str
    """By which the entry is recognised again within its source."""
    link: str
    title: str
    summary: str
    first_seen_at: datetime
    published_at: datetime | None = None
    content: str = ""
    author: str = ""
    tags: tuple[str, ...] = ()
    language: str = ""
    picture: Picture | None = None
    word_count: int = 0
    """Number of words of the stored text: reading time is words / 230 per minute."""
    edited_at: datetime | None = None
    points_to: str = ""
    """As in `Draft`, like the four fields that follow."""
    discussion: str = ""
    origin_name: str = ""
    origin_url: str = ""
    enclosure: Enclosure | None = None
    backlog: bool = False
    """It had no usable date in the first document of its source, so its age is unknown."""
    embedding: Embedding | None = None
    """Of the title as it came; None if no encoder is configured, or the entry joined a story before."""

    @property
    def at(self) -> datetime:
        """When it counts as published: as stated, but never later than it was first seen.

        An entry of the backlog counts as `BACKLOG_AGE` old. Without a date, any other entry counts from first sight.
        """
        if self.backlog:
            return self.first_seen_at - BACKLOG_AGE
        if self.published_at is None or self.published_at > self.first_seen_at:
            return self.first_seen_at
        return self.published_at

    @property
    def plausible_published_at(self) -> datetime | None:
        """The date that its feed states, if it can be shown to readers; None: show when it was first seen.

        A date more than `CLOCK_TOLERANCE` after first sight is a wrong clock, a wrong zone or an event to come.
        """
        if self.published_at is None or self.published_at > self.first_seen_at + CLOCK_TOLERANCE:
            return None
        return min(self.published_at, self.first_seen_at)


@dataclass(frozen=True, slots=True)
class KnownEntry:
    """What is needed of a stored entry to recognise it again."""

    entry_id: int
    identity: str
    link: str
    title: str
    summary: str
    stated_at: str
    published_at: datetime | None
    digest: str
    """Over everything that is kept, so that an unchanged entry costs no write."""
    earlier: frozenset[tuple[str, str]] = frozenset()
    """Title and summary of each version before this one."""


@dataclass(frozen=True, slots=True)
class Edit:
    """That a known entry's title or summary changed at its source."""

    edit_id: int
    entry_id: int
    at: datetime
    title_before: str
    title: str
    summary_before: str
    summary: str
