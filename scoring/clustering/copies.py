"""Decide which voice an entry counts for: its owner, or the original that it copies.

Knows owners and copies: sources of one owner are one voice, and a text that others
reprint speaks with the voice of the first who had it. Leaves which entries tell of one
event to `stories`.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Mapping
from zlib import crc32

from aggregator.config import owner_of
from aggregator.model import Config
from aggregator.text.urls import host, registrable_domain
from scoring.language.terms import words_of

# Observed: a wire text is reprinted with its first paragraph unchanged under another headline, cut at
# another length, or with "LONDON (Reuters) -" in front; two reports of one event in own words share
# names and figures, but hardly a run of four words. Live tickers repeat their own boilerplate.
# Rule: runs of four words; the shorter text's runs stand to CONTAINED or more in the longer one.
# A text of fewer than LEAST_WORDS words proves nothing: short headlines coincide ("Apple unveils new iPad").
# Known to be wrong: a wire text that was rewritten counts as a voice of its own.
RUN = 4
CONTAINED = 0.8
LEAST_WORDS = 12


_SHARED_HOSTS = """
    feedburner.com youtube.com rsshub.app substack.com medium.com github.com githubusercontent.com github.io
    google.com blogspot.com wordpress.com tumblr.com reddit.com rss.app feedly.com politepol.com
    kill-the-newsletter.com openrss.org fetchrss.com rssbridge.org mastodon.social bsky.app
    x.com twitter.com t.me telegram.org facebook.com instagram.com linkedin.com threads.net tiktok.com vimeo.com
    weibo.com weibo.cn bilibili.com zhihu.com pixiv.net patreon.com soundcloud.com
"""
SHARED_HOSTS = frozenset(_SHARED_HOSTS.split())
"""Sites that serve the feeds of many owners; the address of such a feed does not say whose it is."""

MAX_POINTER_WORDS = 12
"""A text this short under the link of somebody else's article adds nothing to it."""


class Owners:
    """Who stands behind an entry: the owner of its source, or the publisher that the entry names."""

    def __init__(self, config: Config) -> None:
        self._by_source = owners(config)
        self._configured = {source.id for source in config.sources if source.owner not in ("", owner_of(source.url))}
        """Sources with an `owner:` of their own."""
        self._by_site = {
            registrable_domain(host(source.url)): self._by_source[source.id]
            for source in config.sources
            if source.url and registrable_domain(host(source.url)) not in SHARED_HOSTS
        }

    def of_source(self, source_id: str) -> str:
        """Return the owner of a source; a source that is not configured is its own."""
        return owner(source_id, self._by_source)

    def of_entry(self, source_id: str, link: str, origin_url: str) -> str:
        """Return the owner of what an entry says.

        origin_url: the site of the publisher that an aggregator names in `<source>`, or a feed as its own, "" for none

        The owner in feeds.yaml stands for everything that the source publishes on the sites that it leads to.
        """
        origin = registrable_domain(host(origin_url)) if origin_url else ""
        own = self.of_source(source_id)
        site = registrable_domain(host(link)) if link else ""
        if source_id in self._configured and (not origin or origin == site):
            return own
        if origin in SHARED_HOSTS:
            return own if source_id in self._configured else source_id
        if origin:
            return self._by_site.get(origin, origin)
        if own not in SHARED_HOSTS or not link:
            return own
        if site in SHARED_HOSTS:
            return source_id
        return self._by_site.get(site, site) if site else own


def is_pointer(points_to: str, summary: str) -> bool:
    """Return whether an entry is no more than a link to an article elsewhere: it says so, or has next to no text."""
    return bool(points_to) or len(words_of(summary)) < MAX_POINTER_WORDS


def owners(config: Config) -> dict[str, str]:
    """Return the owner of every configured source, by its id."""
    return {source.id: source.owner or source.id for source in config.sources}


def owner(source_id: str, known: Mapping[str, str]) -> str:
    """Return whose voice a source is; a source that is not configured speaks for itself."""
    return known.get(source_id, source_id)


def runs(title: str, summary: str) -> array[int]:
    """Return the distinct runs of words of a text, hashed; none when it is too short to prove anything.

    The summary alone where it is long enough: reprints keep the text and change the headline. In an array, because an
    engine keeps those of many thousands of texts: 4 bytes a run, where a set takes 80.
    """
    body = words_of(summary)
    if len(body) < LEAST_WORDS:
        body = words_of(title) + body
    if len(body) < LEAST_WORDS:
        return array("I")
    encoded = [word.encode() for word in body]
    return array("I", {crc32(b" ".join(encoded[i : i + RUN])) for i in range(len(encoded) - RUN + 1)})


def is_copy(text: Collection[int], other: Collection[int]) -> bool:
    """Return whether two texts are one: the runs of the shorter stand in the longer.

    The longer may be three times as long; beyond that it quotes, and does not reprint.

    text: quicker as a set
    """
    if not text or not other:
        return False
    short, long = (len(text), len(other)) if len(text) < len(other) else (len(other), len(text))
    return long <= 3 * short and sum(map(text.__contains__, other)) >= CONTAINED * short


def voice(own: str, text: Collection[int], earlier: Iterable[tuple[str, Collection[int]]]) -> str:
    """Return with whose voice an entry speaks.

    own:     the owner of its source
    text:    its `runs`
    earlier: voice and runs of the story's entries so far, oldest first
    """
    distinct = frozenset(text)
    for said_by, said in earlier:
        if is_copy(distinct, said):
            return said_by
    return own
