"""What feeds.yaml says, checked: the site, its categories and sources, and their limits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


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
    allow_private: bool = False
    """Whether its own host may have a private address; `Limits.allow_private` says so of hosts."""
    proxy: str = ""
    """Through which it is polled, "" for none."""
    ca_file: str = ""
    """Certificate authorities that are trusted beside the usual ones."""


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
    """Hosts, spelled exactly, that may have a private address when a source or `analysis` is configured there."""
    allow_private_callbacks: tuple[str, ...] = ()
    """Addresses of WebSub callbacks that may be private; one that ends in a slash stands for all below it."""


@dataclass(frozen=True, slots=True)
class ScoringSettings:
    """`scoring:` in feeds.yaml."""

    top_share: float = 0.10
    window: timedelta = timedelta(hours=72)
    """How long after its last entry a story can still take in another."""
    half_life: timedelta = timedelta(hours=48)
    """Of a story's trend without a new source, beside what its sources' pull loses; see `python -m bench.trend`."""


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
    allow_private: bool = False
    """Whether the endpoint may have a private address."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What `defaults:` in feeds.yaml says beyond the sources: how everything else is requested."""

    proxy: str = ""
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class Backups:
    """`backup:` in feeds.yaml: what the worker copies by itself."""

    folder: str = ""
    """Relative to the folder of feeds.yaml; "": no backups are made."""
    every: timedelta = timedelta(hours=24)
    keep: int = 7


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
    defaults: Defaults = Defaults()
    backup: Backups = Backups()

    def source(self, source_id: str) -> Source | None:
        """Return the source of that id, or None."""
        return next((source for source in self.sources if source.id == source_id), None)

    def category(self, category_id: str) -> Category | None:
        """Return the category of that id, or None."""
        return next((category for category in self.categories if category.id == category_id), None)
