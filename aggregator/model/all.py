"""The shared nouns: frozen values that every layer speaks of.

Knows what an entry, a source, a poll and a story are. Leaves how they come about
to the modules that make them, and how they are kept to `store`.

Every `datetime` here is aware and in UTC; `utc` makes one so, or raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

Clock = Callable[[], datetime]
"""Returns the present, aware and in UTC. The real one is read in `groundswell.py` only."""


def utc(moment: datetime) -> datetime:
    """Return *moment* in UTC; ValueError when it has no time zone."""
    if moment.tzinfo is None:
        raise ValueError(f"a time without a time zone: {moment!r}")
    return moment.astimezone(UTC)


# Configuration: what feeds.yaml says


@dataclass(frozen=True, slots=True)
class Category:
    """A section of the site; `seeds` are words that speak for it."""

    id: str
    name: str
    seeds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PollLimits:
    """Between which intervals a source is polled."""

    min: timedelta = timedelta(minutes=5)
    max: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Source:
    """A publisher's feed, as the operator configured it."""

    id: str
    name: str
    url: str
    category: str
    owner: str = ""
    """Whose voice it is: `owner:` in feeds.yaml, else the feed's registrable domain."""
    weight: float = 1.0
    enabled: bool = True
    poll: PollLimits = PollLimits()
    full_text: bool = False
    images: bool = True
    language: str = ""
    user_agent: str = ""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """What the site calls itself and where it is reached."""

    title: str = "Groundswell"
    url: str = "http://127.0.0.1:8000"
    language: str = "en"
    timezone: str = "UTC"
    hub: str = "own"
    """The WebSub hub that feeds name: `own`, `off`, or the address of another."""
    metrics: str = "operator"
    """Who may read `/metrics`: operator, public, or nobody (off)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a feed is taken in; over a limit, what is inside it is kept."""

    feed_bytes: int = 10_000_000
    fetch: timedelta = timedelta(seconds=20)
    redirects: int = 8
    entries_per_poll: int = 500
    title_chars: int = 500
    text_bytes: int = 100_000
    tags: int = 50
    parse_cpu: timedelta = timedelta(seconds=10)
    parse_memory_bytes: int = 512_000_000
    concurrency: int = 40
    per_host: int = 2
    per_host_pause: timedelta = timedelta(seconds=1)
    allow_private: tuple[str, ...] = ()
    """Hosts, spelled exactly, that may have a private or loopback address."""


@dataclass(frozen=True, slots=True)
class ScoringSettings:
    """`scoring:` in feeds.yaml."""

    top_share: float = 0.10
    window: timedelta = timedelta(hours=72)
    """How long after its last entry a story can still take in another."""
    half_life: timedelta = timedelta(hours=24)
    """Of a story's freshness without a new source; chosen by `python -m bench.trend`."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what is kept; None keeps it for ever."""

    entries: timedelta | None = None
    polls: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Alerts:
    """When the operator is to be told; the sources page tells it in any case."""

    failures: int = 5


@dataclass(frozen=True, slots=True)
class AnalysisSettings:
    """`analysis:` in feeds.yaml: who writes of stories in prose, if anybody."""

    endpoint: str = ""
    """Of the chat interface of an OpenAI-compatible server, in full; "": nobody does."""
    model: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    stories: int = 10
    """How many of the stories that trend are written of."""


@dataclass(frozen=True, slots=True)
class Config:
    """All of feeds.yaml, checked."""

    site: Site
    categories: tuple[Category, ...]
    sources: tuple[Source, ...]
    limits: Limits = Limits()
    scoring: ScoringSettings = ScoringSettings()
    retention: Retention = Retention()
    alerts: Alerts = Alerts()
    analysis: AnalysisSettings = AnalysisSettings()

    def source(self, source_id: str) -> Source | None:
        """Return the source of that id, or None."""
        return next((source for source in self.sources if source.id == source_id), None)

    def category(self, category_id: str) -> Category | None:
        """Return the category of that id, or None."""
        return next((category for category in self.categories if category.id == category_id), None)


# Polling: what one conditional GET gave


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server gave us to ask "has it changed?" with; sent back verbatim."""

    etag: str = ""
    last_modified: str = ""


class FailureKind(StrEnum):
    """What sort of fault a failed poll met."""

    TIMEOUT = "timeout"
    NETWORK = "network"
    TLS = "tls"
    REFUSED_ADDRESS = "refused address"
    BAD_URL = "bad url"
    REDIRECTS = "redirects"
    STATUS = "status"
    GONE = "gone"
    TOO_LARGE = "too large"
    BAD_TRANSFER = "bad transfer"
    NOT_A_FEED = "not a feed"
    PARSER = "parser"
    STORAGE = "storage"


@dataclass(frozen=True, slots=True)
class Hints:
    """What a document says of how it is to be polled; nothing where it says nothing."""

    format: str = ""
    """`RSS 2.0`, `Atom`, `JSON Feed`: to see that it changed."""
    ttl: timedelta | None = None
    """For how long it may be kept before it is asked for again."""
    updated_every: timedelta | None = None
    """`sy:updatePeriod` divided by `sy:updateFrequency`."""
    skip_hours: tuple[int, ...] = ()
    """Hours of the day, in UTC, in which it is not to be asked."""
    skip_days: tuple[int, ...] = ()
    """Days of the week, in UTC, Monday is 0."""
    hub: str = ""
    """The WebSub hub that tells of news in it."""
    topic: str = ""
    """By which address the hub knows it; "" is the one it was fetched from."""

    def as_plain(self) -> dict[str, Any]:
        """Return what is said as what JSON can hold; what is not said is left out."""
        said = {name.name: getattr(self, name.name) for name in fields(self)}
        return {
            name: value.total_seconds() if isinstance(value, timedelta) else value
            for name, value in said.items()
            if value
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Hints:
        """Return the hints that `as_plain` gave *plain* for."""
        values: dict[str, Any] = {}
        for name, value in plain.items():
            span = name in ("ttl", "updated_every")
            values[name] = timedelta(seconds=value) if span else tuple(value) if isinstance(value, list) else value
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document came."""

    body: bytes
    content_type: str
    url: str
    """Where it finally came from; relative links are resolved against it."""
    validators: Validators = Validators()
    moved_to: str = ""
    """Set when every redirect on the way was permanent (301, 308)."""
    status: int = 200
    fresh_for: timedelta | None = None
    """For how long it need not be asked for again, by Cache-Control or Expires."""
    wire_bytes: int = 0


@dataclass(frozen=True, slots=True)
class NotModified:
    """The server says that nothing changed since the validators we sent."""

    status: int = 304
    moved_to: str = ""
    """As in `Fetched`."""
    fresh_for: timedelta | None = None
    """As in `Fetched`."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing usable came; *words* say why, for the source's row."""

    kind: FailureKind
    words: str
    status: int | None = None
    retry_after: timedelta | None = None


Outcome = Fetched | NotModified | Failed


@dataclass(frozen=True, slots=True)
class FeedState:
    """What we remember of polling one source."""

    source_id: str
    url: str
    """Where to ask: the configured address, or the one it moved to for good."""
    validators: Validators = Validators()
    next_poll_at: datetime | None = None
    """None: never asked, so due at once."""
    interval: timedelta = timedelta(minutes=30)
    failures: int = 0
    gone: bool = False
    move_seen_to: str = ""
    """A permanent redirect seen at the last poll, not yet followed for good."""
    last_polled_at: datetime | None = None
    last_ok_at: datetime | None = None
    last_new_at: datetime | None = None
    """When a poll last brought an entry that was new."""
    last_words: str = ""
    last_kind: str = ""
    """`fetched`, `not modified` or a FailureKind."""
    last_status: int | None = None
    hints: Hints = Hints()
    """What its last document said of polling it; a 304 brings none."""
    fresh_for: timedelta | None = None
    """What its server said last of how long an answer holds."""
    arrivals: tuple[int, ...] = ()
    """When its newest entries came, in seconds since 1970, the oldest first: see `rhythm`."""
    waits_kept: int = 0
    """How often it was left alone for longer than its rhythm says, because server or document asked for it."""
    waited: timedelta = timedelta()
    """By how much, all together."""
    format_before: str = ""
    format_changed_at: datetime | None = None
    moved_from: str = ""
    moved_at: datetime | None = None


# Entries: what the sources published

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


@dataclass(frozen=True, slots=True)
class Arrival:
    """A draft with what recognises it: all that follows of its text alone, worked out once (`dedupe.arrival`)."""

    draft: Draft
    identity: str
    """By which it is recognised within its source."""
    canonical_link: str
    """"" without a link."""
    digest: str
    """Over everything that is kept."""
    words: int
    """How many words of text it holds."""


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """A parsed document: its entries, and a word on what was left out."""

    title: str
    site_url: str
    language: str
    arrivals: tuple[Arrival, ...]
    """Its entries, each with what recognises it."""
    notes: tuple[str, ...] = ()
    """What went over a limit or was mended, for the source's row."""
    hints: Hints = Hints()
    unchanged: tuple[str, ...] = ()
    """Identities of the items that are as they were when the document was last stored; not among `arrivals`."""
    items_seen: str = ""
    """By which document and items are known next time: see `seen`."""

    @property
    def entries(self) -> tuple[Draft, ...]:
        """The entries alone."""
        return tuple(arrival.draft for arrival in self.arrivals)


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
    words: int = 0
    """How many words of text we hold: read time is words / 230 per minute."""
    edited_at: datetime | None = None
    points_to: str = ""
    """As in `Draft`, like the three fields that follow."""
    discussion: str = ""
    origin_name: str = ""
    origin_url: str = ""
    backlog: bool = False
    """It came without a usable date in the first document of its source, so nobody knows how old it is."""

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
        """The date that its feed states, where readers may be told so; None: say when it was first seen.

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


# Decisions: what editors say of stories


class DecisionKind(StrEnum):
    """What an editor can decide of stories."""

    SPLIT = "split"
    """Entries leave their story and form one of their own."""
    MERGE = "merge"
    """Two stories are one."""
    MOVE = "move"
    """Entries go from one story to another."""
    CATEGORY = "category"
    """A story's category is another than the machine says."""
    HIDE = "hide"
    """A story is listed nowhere; its address still leads to it."""
    PIN = "pin"
    """A story stands on top of its lists until that is undone."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What an editor decided: a fact, told by entries, so that it holds however the stories are made again."""

    decision_id: int
    kind: DecisionKind
    at: datetime
    """Strictly later than any poll or decision before."""
    story_id: int
    """The story that was meant."""
    entry_ids: tuple[int, ...]
    """SPLIT and MOVE: those that leave it. Else all that it had."""
    other_ids: tuple[int, ...] = ()
    """SPLIT and MOVE: those that stay. MERGE: those of the other story."""
    into_id: int | None = None
    """MERGE and MOVE: the other story."""
    into_ids: tuple[int, ...] = ()
    """MOVE: those that the other story had."""
    category_id: str = ""
    """CATEGORY: what is right."""
    undone_at: datetime | None = None
    """None: it stands."""


@dataclass(frozen=True, slots=True)
class Undo:
    """That a decision no longer stands."""

    decision: Decision
    at: datetime


Event = Entry | Edit | Decision | Undo
"""What happens to the engine. An `Entry` and a `Decision` come as they were when they arrived."""


# Stories: what scoring makes of the entries


@dataclass(frozen=True, slots=True)
class Contribution:
    """One named part of a score."""

    name: str
    """`base`, `words`, `coverage`, `velocity`, `source`, ...; a word is named `word:trainium`."""
    log_odds: float
    points: float
    """Its share of the shown score; the points of a score add up to it exactly."""
    reason: str


@dataclass(frozen=True, slots=True)
class Membership:
    """That an entry belongs to a story, and why."""

    entry_id: int
    story_id: int
    joined_at: datetime
    similarity: float
    probability: float
    reason: str
    voice: str
    """The independent voice that the entry speaks with: an owner, or the wire it copies."""


@dataclass(frozen=True, slots=True)
class Story:
    """Entries judged to tell of one event, as last computed."""

    story_id: int
    """The `entry_id` of its first entry, so a rebuild gives the same address."""
    headline: str
    summary: str
    lead_entry_id: int
    category_id: str
    first_seen_at: datetime
    last_source_at: datetime
    """When an independent voice last joined."""
    updated_at: datetime
    """When anything about it last changed."""
    entries: int
    sources: int
    independent_sources: int
    score: int
    """Relevance: 100 x the calibrated probability, a whole number."""
    relevance: float
    provisional: bool
    trend: float
    contributions: tuple[Contribution, ...] = ()
    merged_into: int | None = None
    """Where its address leads: the story that its first entry is in now."""
    hidden: bool = False
    """An editor wants it in no list."""
    pinned: bool = False
    """An editor wants it on top of its lists."""
    published_at: datetime | None = None
    """The earliest plausible date that one of its entries states; None: none states any, say when it was first seen."""


def follow_merges(story_id: int, merged_into: Callable[[int], int | None]) -> int:
    """Return the story that *story_id* is part of in the end; for a database, `store.stories.resolve` does so.

    merged_into: returns the story that one became part of, None for one that stands for itself. Merges in a circle
    end at the last story before it closes.
    """
    seen = {story_id}
    while (into := merged_into(story_id)) is not None and into not in seen:
        seen.add(into)
        story_id = into
    return story_id


PLACES = (1, 2, 3, 5, 10, 20)
"""The last position of each place in a list: the fourth place is positions 4 and 5. Behind them is one more."""


def place_of(position: int) -> int:
    """Return the place, from 0, of a position in a list, from 1."""
    return sum(position > last for last in PLACES)


@dataclass(frozen=True, slots=True)
class Impression:
    """How many people a list showed a story to at a place, and how many of them opened it."""

    story_id: int
    place: int
    people: int
    opened: int


@dataclass(frozen=True, slots=True)
class Vote:
    """What an editor said of a story; it stands until it is taken back."""

    story_id: int
    up: bool
    voted_at: datetime
    title: str
    """Of the story's first entry, as it came."""
    source_id: str


class Cause(StrEnum):
    """Why a line stands in the ledger."""

    NEW_STORY = "new story"
    JOINED = "joined"
    MERGED = "merged"
    SPLIT = "split"
    MOVED = "moved"
    DECIDED = "decided"
    """An editor corrected its category, hid or pinned it, or took that back."""
    EDITED = "edited"
    RETRAINED = "retrained"
    VOTED = "voted"
    AGED = "aged"
    CONFIG = "config"


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One change of a story's score or membership, with its cause."""

    story_id: int
    at: datetime
    cause: Cause
    words: str
    score_before: int | None
    score_after: int
    entry_id: int | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What one step of the engine changed: everything to be written, nothing else."""

    memberships: tuple[Membership, ...] = ()
    stories: tuple[Story, ...] = ()
    ledger: tuple[LedgerLine, ...] = ()


Ranking = Mapping[str, Sequence[tuple[int, float]]]
"""For each list (`""` is the front page, else a category) its stories in order, with their trend."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A story as a list shows it."""

    story: Story
    lead: Entry
    """Whose headline it has."""
    first_source_id: str
    """Who had it first: through whom we know of it."""
    views: int = 0


@dataclass(frozen=True, slots=True)
class Topic:
    """A term that rises, or rose before."""

    slug: str
    name: str
    """As most entries spell it."""
    position: int | None
    """1 is the strongest; None: it rose before, not now."""
    chance: float
    """That its next 24 hours bring a rise again, 0..1 (`scoring.topics.rising`)."""
    burst: float
    """How surprising its last 24 hours are, in standard deviations, about."""
    entries: int
    """Of the last 24 hours, as are the sources."""
    sources: int
    """Independent ones."""
    usual_per_day: float
    """Entries that its usual share would have brought."""
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class HubStanding:
    """How it stands with the WebSub hub that is to tell of a source's news."""

    hub: str
    lease_until: datetime | None
    """None: the hub has not confirmed it."""
    delivered_at: datetime | None
    """When it last told of news; None: never."""
    relied_on: bool
    """Whether the feed is asked less often because of it."""
    words: str
    """What came of asking it last."""


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """One row of the sources page."""

    source: Source
    state: FeedState
    entries: int
    recent_entries: int
    """Entries first seen within the last seven days."""
    firsts: int
    """Stories of two or more sources that it had first."""
    removed: bool = False
    notes: tuple[str, ...] = field(default=())
    polls: int = 0
    unchanged: int = 0
    """Of the polls, those answered 304."""
    bytes: int = 0
    """Received, as they came over the wire."""
    saved_bytes: int = 0
    """What the 304s spared."""
    hub: HubStanding | None = None
    """None: no hub is to tell of its news."""


@dataclass(frozen=True, slots=True)
class HostLedger:
    """What asking one host came to: of all its sources, since the first poll."""

    host: str
    sources: int = 0
    requests: int = 0
    unchanged: int = 0
    """Of the requests, those answered 304."""
    bytes: int = 0
    saved_bytes: int = 0
    waits_kept: int = 0
    waited: timedelta = timedelta()

    @property
    def unchanged_share(self) -> float:
        """The share of requests answered 304, 0 when there was none."""
        return self.unchanged / self.requests if self.requests else 0.0
