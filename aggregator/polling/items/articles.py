"""Fetch the articles behind teasers, for sources with `full_text: yes`, before their entries are stored.

    new or changed items -> teasers among them -> robots.txt -> fetch -> read in a child -> the item with its full text

An entry is stored once, with what was found; so a replay of the stored facts needs no network. What cannot be fetched
keeps its teaser, and the source's row says how many and why. An entry that had its full text and changes in the feed
keeps that text where the page cannot be fetched again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aggregator.errors import NotAFeedError
from aggregator.fetch import Client, access, fetch
from aggregator.fetch.access import Access, origin
from aggregator.fetch.robots import ALLOW_ALL, DENY_ALL, Robots, read_robots
from aggregator.model import Arrival, Failed, Fetched, Limits, ParsedFeed, Source
from aggregator.parse.pool import ParserFailedError, ParserPool
from aggregator.store import Store

log = logging.getLogger(__name__)

TEASER_WORDS = 200
"""An item with more is taken for the whole article."""
STUB_CHARS = 200
"""A summary shorter than this is replaced by the beginning of the article: it says too little to group stories by."""
MAX_PER_POLL = 10
"""Articles fetched in one poll, the newest items first; the backlog of a new source keeps its teasers."""
MAX_TIME_S = 90.0
"""For all articles of one poll."""
PAGE_BYTES = 3_000_000
PAGE_TIMEOUT = timedelta(seconds=15)
ROBOTS_BYTES = 512_000
ROBOTS_LIFETIME, ROBOTS_RETRIED = timedelta(hours=24), timedelta(hours=1)
"""How long a robots.txt counts; how long a host is left alone whose robots.txt could not be read."""
MAX_HOSTS = 2_000
_ACCEPT_PAGE = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"
_ACCEPT_ROBOTS = "text/plain, */*;q=0.1"


@dataclass(frozen=True, slots=True)
class _Rules:
    robots: Robots
    until: datetime


class Articles:
    """Fetches articles, and remembers robots.txt of the hosts it met."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._parser = ParserPool()
        self._robots: dict[tuple[str, str, int | None], _Rules] = {}

    async def aclose(self) -> None:
        """End the child that reads pages."""
        await self._parser.aclose()

    async def complete(
        self,
        source: Source,
        parsed: ParsedFeed,
        *,
        client: Client,
        limits: Limits,
        listed_hosts: frozenset[str],
        user_agent: str,
        now: datetime,
    ) -> ParsedFeed:
        """Return *parsed* with the full text of its new and changed items where it could be fetched."""
        stored = self._store.known_entries.texts(source.id, [arrival.identity for arrival in parsed.arrivals])
        wanted = [
            arrival
            for arrival in parsed.arrivals
            if is_teaser(arrival) and stored.get(arrival.identity, ("",))[0] != arrival.digest
        ]
        if not wanted:
            return parsed
        limits = replace(limits, feed_bytes=min(limits.feed_bytes, PAGE_BYTES), fetch=min(limits.fetch, PAGE_TIMEOUT))
        wanted.sort(key=lambda arrival: arrival.draft.published_at or now, reverse=True)
        page = _Page(self, source, client, limits, listed_hosts, user_agent, now)
        texts: dict[str, Arrival] = {}
        refused: Counter[str] = Counter()
        try:
            async with asyncio.timeout(MAX_TIME_S):
                for arrival in wanted[:MAX_PER_POLL]:
                    result = await page.full_text(arrival)
                    if isinstance(result, Arrival):
                        texts[arrival.identity] = result
                    else:
                        refused[result] += 1
        except TimeoutError:
            refused[f"timed out after {MAX_TIME_S:g} s"] += 1
        for arrival in wanted:
            before = stored.get(arrival.identity)
            if arrival.identity not in texts and before is not None and before[3] > arrival.word_count:
                texts[arrival.identity] = with_text(arrival, before[1], before[2], before[3])
        arrivals = tuple(texts.get(arrival.identity, arrival) for arrival in parsed.arrivals)
        note = _note(len(texts), len(wanted), refused)
        return replace(parsed, arrivals=arrivals, notes=(*parsed.notes, *note))

    async def rules(self, url: str, page: _Page) -> Robots:
        """Return what robots.txt of the host of *url* allows."""
        place = origin(url)
        cached = self._robots.get(place)
        if cached is not None and page.now < cached.until:
            return cached.robots
        scheme, name, port = place
        shown = f"[{name}]" if ":" in name else name
        address = f"{scheme}://{shown}{f':{port}' if port else ''}/robots.txt"
        outcome = await page.get(address, _ACCEPT_ROBOTS, ROBOTS_BYTES)
        robots, lifetime = _robots_of(outcome)
        if len(self._robots) >= MAX_HOSTS:
            self._robots.clear()
        self._robots[place] = _Rules(robots, page.now + lifetime)
        return robots

    async def read(self, outcome: Fetched, title: str, limits: Limits) -> tuple[str, str, int]:
        """Return content, lead and word count of a page; NotAFeedError or ParserFailedError."""
        article = await self._parser.read_page(outcome.body, outcome.url, title, limits)
        return article.content, article.lead, article.word_count


@dataclass(frozen=True, slots=True)
class _Page:
    """What the pages of one poll have in common."""

    articles: Articles
    source: Source
    client: Client
    limits: Limits
    listed_hosts: frozenset[str]
    user_agent: str
    now: datetime

    async def full_text(self, arrival: Arrival) -> Arrival | str:
        """Return *arrival* with its article, or why there is none."""
        url = arrival.draft.points_to or arrival.draft.link
        if not (await self.articles.rules(url, self)).allows(url):
            return "refused by robots.txt"
        outcome = await self.get(url, _ACCEPT_PAGE, self.limits.feed_bytes)
        if not isinstance(outcome, Fetched):
            return outcome.message
        if not (await self.articles.rules(outcome.url, self)).allows(outcome.url):
            return "refused by robots.txt"
        try:
            content, lead, word_count = await self.articles.read(outcome, arrival.draft.title, self.limits)
        except (NotAFeedError, ParserFailedError) as error:
            return str(error)
        if word_count <= arrival.word_count:
            return "the page has no more text than the feed"
        summary = arrival.draft.summary
        return with_text(arrival, content, lead if len(summary) < STUB_CHARS else summary, word_count)

    async def get(self, url: str, accept: str, size: int) -> Fetched | Failed:
        """Fetch *url* through the guarded client."""
        outcome = await fetch(
            self.client,
            url,
            limits=replace(self.limits, feed_bytes=size),
            now=self.now,
            user_agent=self.source.user_agent or self.user_agent,
            accept=accept,
            access=self._access(url),
        )
        assert isinstance(outcome, Fetched | Failed)  # without validators there is no 304
        return outcome

    def _access(self, url: str) -> Access:
        return access.of_article(url, self.source, self.listed_hosts)


def is_teaser(arrival: Arrival) -> bool:
    """Return whether an item links to an article and has less text than one."""
    return bool(arrival.draft.link) and arrival.word_count < TEASER_WORDS


def with_text(arrival: Arrival, content: str, summary: str, word_count: int) -> Arrival:
    """Return *arrival* with another text; its digest stays that of the item, so the next poll knows it."""
    draft = replace(arrival.draft, content=content, summary=summary)
    return replace(arrival, draft=draft, word_count=word_count)


def _robots_of(outcome: Fetched | Failed) -> tuple[Robots, timedelta]:
    """Return the rules of an answer, and how long they count: RFC 9309, section 2.3.1."""
    if isinstance(outcome, Fetched):
        return read_robots(outcome.body.decode("utf-8", "replace")), ROBOTS_LIFETIME
    if outcome.status is not None and (outcome.status == 200 or 400 <= outcome.status < 500):
        return ALLOW_ALL, ROBOTS_LIFETIME
    return DENY_ALL, ROBOTS_RETRIED


def _note(fetched: int, wanted: int, refused: Counter[str]) -> Sequence[str]:
    if fetched == wanted:
        return ()
    why = f" ({refused.most_common(1)[0][0]})" if refused else ""
    return (f"full text of {fetched} of {wanted} articles{why}",)
