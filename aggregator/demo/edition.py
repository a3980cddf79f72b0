"""Read the sample edition: who publishes what, when, and which articles are about one event.

Knows the YAML files in `sample/` and refuses them with a plain sentence where they contradict themselves.
Leaves rendering to `publish` and the clock to the caller. Pure apart from reading the package's own files.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib import resources
from typing import Any

import yaml

STARTS_AT = datetime(2026, 11, 17, tzinfo=UTC)
ENDS_AT = STARTS_AT + timedelta(days=3)
ARCHIVE_STARTS_AT = STARTS_AT - timedelta(days=5)
"""The days before are there in outline, so that a site has a past to be measured on."""

_DAY_FILES = ("day1.yaml", "day2.yaml", "day3.yaml")
_SINGLES_FILE = "singles.yaml"
_NOISE_FILE = "noise.yaml"
_ARCHIVE_FILE = "archive.yaml"
_TIME = re.compile(r"d(-?\d) ([01]\d|2[0-3]):([0-5]\d)")
_ARTICLE_KEYS = {
    "source", "at", "title", "title_html", "summary", "content", "author", "tags", "guid", "published", "edits",
}  # fmt: skip
_EDIT_KEYS = {"at", "title", "summary", "content", "republished"}
# Eight words keep an address readable and are enough to distinguish one source's headlines.
_SLUG_WORDS = 8


class FeedFormat(StrEnum):
    """The syndication format a source publishes in."""

    RSS2 = "rss2"
    RSS091 = "rss091"
    RDF = "rdf"
    ATOM = "atom"
    JSONFEED = "jsonfeed"


@dataclass(frozen=True)
class DemoCategory:
    """A category with the words its classifier starts from."""

    id: str
    name: str
    seeds: tuple[str, ...]


@dataclass(frozen=True)
class DemoSource:
    """An outlet of the sample edition; sources of one owner are one voice."""

    id: str
    name: str
    owner: str
    category: str
    format: FeedFormat
    language: str = "en"


@dataclass(frozen=True)
class Illustration:
    """A picture of an article: a PNG file in `sample/pictures/`, drawn for this edition."""

    file: str
    caption: str
    credit: str


@dataclass(frozen=True)
class Edit:
    """A later change to an article; None leaves that part as it was.

    A republished edit also gives the article a new date and the top of the feed, under the same guid.
    """

    made_at: datetime
    title: str | None = None
    summary: str | None = None
    content: str | None = None
    republished: bool = False


@dataclass(frozen=True)
class Article:
    """One article of one source, as first released, with the edits it will see.

    `released_at` is when it appears in the feed, `published_at` what the feed claims (None: no date at all).
    `event` is the gold story; an article nobody else follows is an event of its own, named like the article.
    `title` is plain text; `title_html` is the same headline for feeds that put markup into titles.
    """

    id: str
    guid: str
    source: str
    event: str
    category: str
    title: str
    summary: str
    released_at: datetime
    updated_at: datetime
    published_at: datetime | None
    content: str = ""
    title_html: str | None = None
    author: str | None = None
    tags: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = field(default=(), repr=False)
    illustration: Illustration | None = None

    def as_of(self, now: datetime) -> "Article":
        """Return the article as it reads at *now*, with every edit made by then."""
        article = self
        for edit in self.edits:
            if edit.made_at > now:
                break
            article = replace(
                article,
                title=edit.title or article.title,
                title_html=None if edit.title else article.title_html,
                summary=edit.summary or article.summary,
                content=edit.content or article.content,
                updated_at=edit.made_at,
            )
            if edit.republished:
                article = replace(article, released_at=edit.made_at, published_at=edit.made_at)
        return article


@dataclass(frozen=True)
class Event:
    """Something that happened, with the IDs of the articles that report it, in order of release."""

    id: str
    category: str
    articles: tuple[str, ...]


@dataclass(frozen=True)
class Edition:
    """Three days of news: everything the demo's sources publish, in order of release.

    `events` are those with more than one article; `near_misses` are pairs of them that share a company and a day
    and must stay two stories. `noise` is everything in feeds but news: deals, guides, columns.
    `archive` is what the sources published in the five days before.
    """

    starts_at: datetime
    ends_at: datetime
    categories: tuple[DemoCategory, ...]
    sources: tuple[DemoSource, ...]
    events: tuple[Event, ...]
    articles: tuple[Article, ...]
    near_misses: tuple[tuple[str, str], ...]
    noise: tuple[Article, ...] = ()
    archive: tuple[Article, ...] = ()

    @property
    def published(self) -> tuple[Article, ...]:
        """Everything that the sources publish, in order of release."""
        return (*self.archive, *sorted((*self.articles, *self.noise), key=_order))

    def source(self, source_id: str) -> DemoSource:
        """Return the source of that id; KeyError when there is none."""
        return {source.id: source for source in self.sources}[source_id]

    def event(self, event_id: str) -> Event:
        """Return the event of that id; KeyError when there is none."""
        return {event.id: event for event in self.events}[event_id]

    def by_source(self) -> dict[str, tuple[Article, ...]]:
        """Return each source's articles in order of release, with those of the archive."""
        return {s.id: tuple(a for a in self.published if a.source == s.id) for s in self.sources}


def load() -> Edition:
    """Return the sample edition that ships with the program.

    Raises ValueError, naming the file and the article, if the files contradict themselves.
    """
    sources = tuple(_source(raw) for raw in _read("sources.yaml")["sources"])
    categories = tuple(_category(raw) for raw in _read("categories.yaml")["categories"])
    pictures = _read("pictures.yaml")
    articles: list[Article] = []
    events: list[Event] = []
    near_misses: list[tuple[str, str]] = []
    for name in _DAY_FILES:
        day = _read(name)
        for raw in day["events"]:
            members = _articles_of(raw, name)
            articles += members
            events.append(Event(raw["id"], raw["category"], tuple(a.id for a in sorted(members, key=_order))))
        near_misses += [(first, second) for first, second in day["near_misses"]]
    articles += [_article(raw, _SINGLES_FILE, category=raw["category"]) for raw in _read(_SINGLES_FILE)["singles"]]
    noise = [_article(raw, _NOISE_FILE, category=raw["category"]) for raw in _read(_NOISE_FILE)["singles"]]
    past = _read(_ARCHIVE_FILE)
    archive = [article for raw in past["events"] for article in _articles_of(raw, _ARCHIVE_FILE)]
    archive += [_article(raw, _ARCHIVE_FILE, category=raw["category"]) for raw in past["singles"]]
    edition = Edition(
        starts_at=STARTS_AT,
        ends_at=ENDS_AT,
        categories=categories,
        sources=sources,
        events=tuple(events),
        articles=_illustrated(articles, pictures),
        near_misses=tuple(near_misses),
        noise=_illustrated(noise, pictures),
        archive=_illustrated(archive, pictures),
    )
    _check(edition)
    return edition


def gold(edition: Edition) -> dict[str, str]:
    """Return the event of every article, both by id."""
    return {article.id: article.event for article in edition.articles}


def as_stream(edition: Edition) -> list[dict[str, str | None]]:
    """Return the edition as a stream for `replay`: one line an article, in order of arrival.

    Articles are as first released, without later edits. `published` is None if the feed gives no date.
    """
    home = {source.id: _home(source) for source in edition.sources}
    return [
        {
            "id": article.id,
            "title": article.title,
            "summary": article.summary,
            "content": article.content,
            "url": f"{home[article.source]}/a/{article.id}",
            "source": article.source,
            "published": iso(article.published_at) if article.published_at else None,
            "first_seen": iso(article.released_at),
            "category": article.category,
            "event": article.event,
        }
        for article in edition.articles
    ]


def iso(moment: datetime) -> str:
    """Return *moment* in ISO 8601 with Z, as feeds and streams write it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _home(source: DemoSource) -> str:
    # The one outlet that exists must not get addresses on its real domain.
    domain = source.owner if source.owner.endswith(".example") else f"{source.id.replace('_', '-')}.example"
    return f"https://{domain}"


def _read(name: str) -> Mapping[str, Any]:
    text = resources.files("aggregator.demo.sample").joinpath(name).read_text(encoding="utf-8")
    # The loader of libyaml reads the edition ten times as fast; not every build of PyYAML has it.
    data: Mapping[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return data


def _source(raw: Mapping[str, str]) -> DemoSource:
    return DemoSource(raw["id"], raw["name"], raw["owner"], raw["category"], FeedFormat(raw["format"]))


def _category(raw: Mapping[str, Any]) -> DemoCategory:
    return DemoCategory(raw["id"], raw["name"], tuple(raw["seeds"]))


def _article(raw: Mapping[str, Any], name: str, *, category: str, event: str | None = None) -> Article:
    where = f"{name}: '{raw.get('title', '?')}'"
    allowed = _ARTICLE_KEYS if event else _ARTICLE_KEYS | {"category"}
    if unknown := set(raw) - allowed:
        raise ValueError(f"{where}: unknown key {', '.join(sorted(unknown))}")
    article_id = f"{raw['source'].replace('_', '-')}-{_slug(raw['title'])}"
    released_at = _moment(raw["at"], where)
    published = raw.get("published", raw["at"])
    return Article(
        id=article_id,
        guid=f"urn:groundswell:demo:{raw.get('guid', article_id)}",
        source=raw["source"],
        event=event or article_id,
        category=category,
        title=raw["title"],
        title_html=raw.get("title_html"),
        summary=raw["summary"],
        content=_html(raw.get("content", "")),
        released_at=released_at,
        updated_at=released_at,
        published_at=None if published == "missing" else _moment(published, where),
        author=raw.get("author"),
        tags=tuple(raw.get("tags", ())),
        edits=tuple(_edit(e, where) for e in raw.get("edits", ())),
    )


def _articles_of(event: Mapping[str, Any], name: str) -> list[Article]:
    return [_article(raw, name, category=event["category"], event=event["id"]) for raw in event["articles"]]


def _illustrated(articles: Iterable[Article], pictures: Mapping[str, Any]) -> tuple[Article, ...]:
    """Return *articles* in order of release, those with a picture of their own or of their event with it."""
    credit = pictures["credit"]
    ordered = []
    for article in sorted(articles, key=_order):
        own = next((raw for ending, raw in pictures["articles"].items() if article.id.endswith(ending)), None)
        raw = own or pictures["events"].get(article.event)
        illustration = Illustration(raw["file"], raw["caption"], credit) if raw else None
        ordered.append(replace(article, illustration=illustration))
    return tuple(ordered)


def _edit(raw: Mapping[str, Any], where: str) -> Edit:
    if unknown := set(raw) - _EDIT_KEYS:
        raise ValueError(f"{where}: unknown key {', '.join(sorted(unknown))} in an edit")
    return Edit(
        made_at=_moment(raw["at"], where),
        title=raw.get("title"),
        summary=raw.get("summary"),
        content=_html(raw["content"]) if "content" in raw else None,
        republished=raw.get("republished", False),
    )


def _moment(text: str, where: str) -> datetime:
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{where}: '{text}' is not a time like 'd2 14:05'")
    day, hour, minute = map(int, match.groups())
    return STARTS_AT + timedelta(days=day - 1, hours=hour, minutes=minute)


def _slug(title: str) -> str:
    ascii_title = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[a-z0-9]+", ascii_title.lower())[:_SLUG_WORDS])


def _html(text: str) -> str:
    paragraphs = (" ".join(block.split()) for block in re.split(r"\n\s*\n", text.strip()))
    return "\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs if paragraph)


def _order(article: Article) -> tuple[datetime, str]:
    return article.released_at, article.id


def _check(edition: Edition) -> None:
    sources = {s.id for s in edition.sources}
    categories = {c.id for c in edition.categories}
    events = {e.id for e in edition.events}
    _check_single("source", (s.id for s in edition.sources))
    _check_single("event", (e.id for e in edition.events))
    _check_single("article", (a.id for a in edition.published))
    _check_single("guid", (a.guid for a in edition.published))
    for source in edition.sources:
        if source.category not in categories:
            raise ValueError(f"sources.yaml: {source.id}: no category '{source.category}'")
    for article in edition.published:
        if article.source not in sources:
            raise ValueError(f"'{article.title}': no source '{article.source}'")
        if article.category not in categories:
            raise ValueError(f"'{article.title}': no category '{article.category}'")
        moments = [article.released_at, *(e.made_at for e in article.edits)]
        if moments != sorted(set(moments)) or moments[-1] >= edition.ends_at:
            raise ValueError(f"'{article.title}': release and edits must follow each other within the edition")
    for article in edition.archive:
        if not ARCHIVE_STARTS_AT <= article.released_at < edition.starts_at:
            raise ValueError(f"'{article.title}': the archive ends where the edition begins")
    for pair in edition.near_misses:
        if strangers := set(pair) - events:
            raise ValueError(f"near_misses: no event '{strangers.pop()}'")


def _check_single(kind: str, ids: Iterable[str]) -> None:
    if twice := [name for name, count in Counter(ids).items() if count > 1]:
        raise ValueError(f"{kind} '{twice[0]}' occurs twice in the sample edition")
