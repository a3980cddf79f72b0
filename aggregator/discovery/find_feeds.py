"""Find the feeds of a web page.

    the address itself -> feeds that its page names -> known feeds of its site -> links -> usual paths

Knows the feed addresses of large sites, and the usual paths of others. `addresses` and `on_page` are pure; `find` sends
requests, with the same checks as polling.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urljoin, urlsplit

from aggregator.config.values.addresses import feed_key
from aggregator.errors import NotAFeedError
from aggregator.fetch import PUBLIC, Access, Client, fetch
from aggregator.model import Failed, FailureKind, Fetched, Limits, Outcome
from aggregator.parse.diagnose import base_of
from aggregator.parse.pool import ParserFailedError, ParserPool
from aggregator.text.urls import safe_link, shown

_WELL_KNOWN = (
    "/feed",
    "/rss",
    "/rss.xml",
    "/atom.xml",
    "/feed.xml",
    "/index.xml",
    "/feed.json",
    "/feeds/posts/default",
)
_MAX_REQUESTS = 12
_NAME = r"([A-Za-z0-9][A-Za-z0-9_.-]{0,100})"
_REDDIT = r"(?:(?:www|old|new)\.)?reddit\.com"
_YOUTUBE = "https://www.youtube.com/feeds/videos.xml?{}={}"

# Host, path, and the paths or addresses of its feeds, the most wanted first.
_PATTERNS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (r"(?:www\.|m\.|music\.)?youtube\.com", r"/channel/(UC[\w-]{22})(?:/.*)?", (_YOUTUBE.format("channel_id", r"\1"),)),
    (r"(?:www\.|m\.)?youtube\.com", r"/user/([\w-]+)(?:/.*)?", (_YOUTUBE.format("user", r"\1"),)),
    (_REDDIT, r"/r/([\w+-]{1,200})(?:/.*)?", (r"https://www.reddit.com/r/\1/.rss",)),
    (_REDDIT, rf"/u(?:ser)?/{_NAME}(?:/.*)?", (r"https://www.reddit.com/user/\1/.rss",)),
    (r"(?:www\.)?arxiv\.org", r"/list/([\w.-]{1,40})(?:/.*)?", (r"https://rss.arxiv.org/rss/\1",)),
    (
        r"github\.com",
        rf"/{_NAME}/{_NAME}(?:/.*)?",
        tuple(rf"https://github.com/\1/\2/{kind}.atom" for kind in ("releases", "tags", "commits")),
    ),
    (r"github\.com", rf"/{_NAME}/?", (r"https://github.com/\1.atom",)),
    (r"(?:www\.)?medium\.com", rf"/(@?[\w.-]{{1,60}}|tag/{_NAME})(?:/.*)?", (r"https://medium.com/feed/\1",)),
    (r"[\w-]+\.(?:medium|substack)\.com", r".*", ("/feed",)),
    (r"[\w-]+\.tumblr\.com", r".*", ("/rss",)),
    (r"[\w-]+\.(?:wordpress|ghost)\.(?:com|io)", r".*", ("/feed/", "/rss/")),
    (r"[\w-]+\.blogspot\.com", r".*", ("/feeds/posts/default",)),
    (r"bsky\.app", r"/profile/([\w.:-]+)(?:/.*)?", (r"https://bsky.app/profile/\1/rss",)),
    # Mastodon and compatible servers, on any host: /@name is a person.
    (r"(?!(?:www\.|m\.)?(?:youtube|medium|threads|tiktok)\.).+", r"/@([\w.-]{1,60})(?:@[\w.-]+)?/?", (r"/@\1.rss",)),
)
# Where a page of YouTube names its own channel, the surest first; the last one can be a channel that it recommends.
_CHANNELS = (
    re.compile(rb"""<link\s[^>]{0,100}rel=["']canonical["'][^>]{0,100}/channel/(UC[\w-]{22})"""),
    re.compile(rb"""<meta\s[^>]{0,100}itemprop=["'](?:identifier|channelId)["'][^>]{0,50}content=["'](UC[\w-]{22})"""),
    re.compile(rb'"externalId"\s*:\s*"(UC[\w-]{22})"'),
    re.compile(rb"channel_id=(UC[\w-]{22})"),
    re.compile(rb'"(?:channelId|browseId)"\s*:\s*"(UC[\w-]{22})"'),
)
_ANCHOR = re.compile(rb"""<a\b[^>]{0,200}?\shref\s*=\s*["']([^"'\s>]{1,500})["']""", re.IGNORECASE)
_LOOKS_LIKE_FEED = re.compile(r"(?:^|[/.?=_-])(?:rss|atom|feed|feeds)(?:[/.?=_-]|$)|\.rdf$", re.IGNORECASE)
_MAX_PAGE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class FoundFeed:
    """A feed of a page."""

    url: str
    title: str
    format: str
    entries: int
    newest_at: datetime | None = None
    site_url: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """The result of a search for feeds."""

    feeds: tuple[FoundFeed, ...]
    message: str = ""
    """Why there are none."""


def addresses(url: str) -> tuple[str, ...]:
    """Return the known feeds of a page at *url*; none for an unknown site."""
    parts = urlsplit(url)
    name, path = (parts.hostname or "").lower(), parts.path or "/"
    if re.fullmatch(r"(?:www\.|m\.)?youtube\.com", name) and (
        playlist := re.search(r"(?:^|&)list=([\w-]{10,60})", parts.query)
    ):
        return (_YOUTUBE.format("playlist_id", playlist[1]),)
    for host_pattern, path_pattern, feeds in _PATTERNS:
        match = re.fullmatch(path_pattern, path)
        if match and re.fullmatch(host_pattern, name):
            return tuple(urljoin(url, match.expand(feed)) for feed in feeds)
    return ()


def well_known(url: str) -> tuple[str, ...]:
    """Return the usual paths of feeds, below the page first and then at the root."""
    below = url.partition("?")[0].partition("#")[0].rstrip("/")
    results = [f"{below}{path}" for path in _WELL_KNOWN[:2]] if urlsplit(below).path.strip("/") else []
    return tuple(dict.fromkeys([*results, *(urljoin(url, path) for path in _WELL_KNOWN)]))


def on_page(document: bytes, url: str, named: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the feeds in the page *document*: those it *named*, its channel, links that look like feeds."""
    data = document[:_MAX_PAGE_BYTES]
    results = list(named)
    if "youtube." in url and (channel := next(filter(None, (pattern.search(data) for pattern in _CHANNELS)), None)):
        results.append(_YOUTUBE.format("channel_id", channel[1].decode()))
    base = base_of(data.decode("utf-8", "replace"), url)
    for href in _ANCHOR.findall(data):
        address = safe_link(html.unescape(href.decode("utf-8", "replace")), base)
        if address and _LOOKS_LIKE_FEED.search(urlsplit(address).path + "?" + urlsplit(address).query):
            results.append(address)
    return _distinct(results)


def _distinct(urls: Iterable[str]) -> tuple[str, ...]:
    result: dict[str, str] = {}
    for url in urls:
        if address := safe_link(url):
            result.setdefault(feed_key(address), address)
    return tuple(result.values())


async def find(
    url: str,
    *,
    client: Client,
    parser: ParserPool,
    limits: Limits,
    now: datetime,
    user_agent: str = "",
    access: Access = PUBLIC,
) -> Search:
    """Return the feeds of the page at *url*, the best first; for a feed, itself.

    Feeds that the page names come before known feeds of its site, and those before links and paths that look like
    feeds, which are tried only if there is nothing better.
    """

    async def request(address: str) -> tuple[FoundFeed | None, Outcome, tuple[str, ...]]:
        outcome = await fetch(client, address, limits=limits, now=now, user_agent=user_agent, access=access)
        if not isinstance(outcome, Fetched):
            return None, outcome, ()
        try:
            parsed = await parser.parse(outcome.body, outcome.content_type, outcome.url, limits)
        except NotAFeedError as error:
            return None, outcome, error.feeds
        except ParserFailedError as error:
            return None, Failed(FailureKind.PARSER, str(error)), ()
        newest = max((draft.published_at for draft in parsed.entries if draft.published_at), default=None)
        home = outcome.moved_to or address
        return (
            FoundFeed(home, parsed.title, parsed.hints.format, len(parsed.entries), newest, parsed.site_url),
            outcome,
            (),
        )

    of_site = addresses(url)
    itself, outcome, named = await request(url)
    if itself is not None:
        return Search((itself,))
    if isinstance(outcome, Failed) and (outcome.kind is FailureKind.REFUSED_ADDRESS or not of_site):
        return Search((), f"{shown(url)}: {outcome.message}")
    page = outcome if isinstance(outcome, Fetched) else None
    linked = on_page(page.body, page.url, named) if page else ()
    home = page.url if page else url
    feeds: dict[str, FoundFeed] = {}
    requests = 1
    for candidates in (named, of_site, linked, well_known(home)):
        for address in _distinct(candidates):
            if requests >= _MAX_REQUESTS or feed_key(address) in feeds:
                continue
            requests += 1
            feed, _, _ = await request(address)
            if feed is not None:
                feeds.setdefault(feed_key(feed.url), feed)
        if feeds:
            break
    return Search(
        tuple(feeds.values()), "" if feeds else f"{shown(url)}: no feed was found there, nor at the usual paths"
    )
