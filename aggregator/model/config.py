"""The validated content of feeds.yaml: the site, its categories and sources, and their limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Category:
    """A section of the site; `seeds` are words that are evidence for it."""

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
    """Whose voice it is: `owner:` in feeds.yaml, else the feed's registrable domain. Without `owner:`, entries that
    lead to another site, which the feed names as its own, are of that site."""
    weight: float = 1.0
    """How much its reports count in the order of pages: 2 as much as those of two sources, 0 nothing."""
    enabled: bool = True
    poll: PollLimits = PollLimits()
    full_text: bool = False
    exclude: tuple[str, ...] = ()
    """Words of titles and tags; items with any of them are never stored."""
    only: tuple[str, ...] = ()
    """Words of titles and tags; only items with any of them are stored."""
    images: bool = True
    language: str = ""
    user_agent: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    allow_private: bool = False
    """Whether its own host may have a private address; `Limits.allow_private` says so of hosts."""
    proxy: str = ""
    """Through which it is polled, "" for none."""
    ca_file: str = ""
    """Certificate authorities that are trusted in addition to the usual ones."""


_SITE_PAGES = """
    about accuracy admin api at card categories category digest feed feeds fresh healthz hub icon index list
    lists llms mcp metrics newest picture reader readyz rss saved search source sources static stories story
    topic topics trending websub
"""
SITE_PAGES = frozenset(_SITE_PAGES.split())
"""What the addresses of the site's own pages begin with; the path of `Site.url` must be another."""


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
    """Who may read `/metrics`: operator, public, or off (no one)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on what is read from a feed: more text, tags or entries are left out, other excess is a failed poll."""

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
    """Addresses of WebSub callbacks that may be private; one that ends in a slash includes all below it."""


@dataclass(frozen=True, slots=True)
class ScoringSettings:
    """`scoring:` in feeds.yaml."""

    top_share: float = 0.10
    window: timedelta = timedelta(hours=72)
    """How long after its last entry a story can still take in another."""
    half_life: timedelta = timedelta(hours=48)
    """Of a story's trend without a new source, in addition to the fading of its sources' pull; see `bench.trend`."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long entries and the log of polls are kept; None: forever."""

    entries: timedelta | None = None
    polls: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class AlertTarget:
    """Where messages go. It contains passwords, so it is neither printed nor logged."""

    address: str = field(repr=False)
    """Of a service as apprise spells it, `https://` for a signed webhook, or `file:` and a path that holds either."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A part of the day, in minutes since midnight; it may go over midnight."""

    begin: int
    end: int

    def includes(self, minute: int) -> bool:
        """Return whether a minute of the day is in it; the end is not."""
        if self.begin < self.end:
            return self.begin <= minute < self.end
        return minute >= self.begin or minute < self.end


@dataclass(frozen=True, slots=True)
class AlertRule:
    """Which stories are sent where."""

    name: str
    when: str
    """In the language of the search."""
    to: tuple[AlertTarget, ...] = ()
    quiet: QuietHours | None = None


@dataclass(frozen=True, slots=True)
class OperatorAlarms:
    """What is sent to the operator when something needs attention."""

    to: tuple[AlertTarget, ...] = ()
    disk: int = 1_000_000_000
    """Bytes; less free space than this is reported."""


@dataclass(frozen=True, slots=True)
class Alerts:
    """`alerts:` in feeds.yaml: who is sent a message about what."""

    failures: int = 5
    """After so many failures in a row a source is reported to the operator."""
    to: tuple[AlertTarget, ...] = ()
    """For rules that name no targets of their own."""
    quiet: QuietHours | None = None
    step: int = 3
    """By how many independent sources a story has grown when a second message is sent."""
    per_hour: int = 10
    """At most so many messages of one rule in an hour; what is more waits."""
    secret: str = field(default="", repr=False)
    """Key of the signature of webhooks."""
    allow_private: bool = False
    """Whether the hosts of targets may have private addresses."""
    rules: tuple[AlertRule, ...] = ()
    operator: OperatorAlarms = OperatorAlarms()


@dataclass(frozen=True, slots=True)
class DigestSettings:
    """`digest:` in feeds.yaml: who is sent the stories of the day and of the week, and when."""

    at: int = 420
    """Minutes since midnight, by the site's time zone."""
    stories: int = 10
    """How many stories a digest shows first."""
    daily: tuple[AlertTarget, ...] = ()
    weekly: tuple[AlertTarget, ...] = ()


@dataclass(frozen=True, slots=True)
class AnalysisSettings:
    """`analysis:` in feeds.yaml: the language model that writes summaries, if any."""

    endpoint: str = ""
    """Full address of the chat endpoint of an OpenAI-compatible server; "": none."""
    model: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    stories: int = 10
    """How many of the stories that trend are written of."""
    allow_private: bool = False
    """Whether the endpoint may have a private address."""


@dataclass(frozen=True, slots=True)
class NamedList:
    """An entry of `lists:` in feeds.yaml: a search that has a name, a page and feeds."""

    id: str
    name: str
    query: str


class RuleEffect(StrEnum):
    """What a rule of feeds.yaml does with the stories that it matches."""

    MUTE = "mute"
    """They leave every list that the site shows by itself; their pages and the search keep them."""
    BOOST = "boost"
    """They rank higher on the front page and in their category. Their score stays."""


@dataclass(frozen=True, slots=True)
class StoryRule:
    """An entry of `rules:` in feeds.yaml."""

    effect: RuleEffect
    text: str
    """A search, and behind `unless` another one that excepts stories from it."""
    until: date | None = None
    """The last day on which it applies, by the site's time zone; None: no end."""

    def applies(self, today: date) -> bool:
        """Return whether the rule has not ended."""
        return self.until is None or today <= self.until


@dataclass(frozen=True, slots=True)
class MeaningSettings:
    """`meaning:` in feeds.yaml: the sentence encoder, if any."""

    model: str = "minilm"
    """`minilm`, or the absolute path of an ONNX file with its `tokenizer.json` next to it; "": none."""
    sha256: str = ""
    """Of that file; "": any."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What `defaults:` in feeds.yaml says beyond the sources: how everything else is requested."""

    proxy: str = ""
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class SignIn:
    """`sign_in:` in feeds.yaml: a proxy that signs the operator in (Authelia, Authentik, oauth2-proxy)."""

    header: str = ""
    """In which the proxy names the user, in lower case; "": only the token signs in."""
    users: tuple[str, ...] = ()
    """Who of its users is the operator."""
    proxies: tuple[str, ...] = ()
    """Networks from which the header is believed."""


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
    lists: tuple[NamedList, ...] = ()
    sign_in: SignIn = SignIn()
    digest: DigestSettings = DigestSettings()
    meaning: MeaningSettings = MeaningSettings()
    rules: tuple[StoryRule, ...] = ()

    def source(self, source_id: str) -> Source | None:
        """Return the source of that id, or None."""
        return next((source for source in self.sources if source.id == source_id), None)

    def category(self, category_id: str) -> Category | None:
        """Return the category of that id, or None."""
        return next((category for category in self.categories if category.id == category_id), None)

    def named_list(self, list_id: str) -> NamedList | None:
        """Return the list of that id, or None."""
        return next((named for named in self.lists if named.id == list_id), None)
