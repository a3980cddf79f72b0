"""Decide which voice an entry counts for: its owner's, or that of the original that it copies.

Sources of one owner are one voice, and a reprint counts for the voice of the first publisher of the text. Which entries
are of one event is up to `clusterer`.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from zlib import crc32

from aggregator.config import owner_of
from aggregator.model import Config
from aggregator.text.urls import domain_name, host, registrable_domain
from scoring.language.terms import words_of

# Observed: a wire text is reprinted with its first paragraph unchanged under another headline, cut at
# another length, or with "LONDON (Reuters) -" in front; two independent reports of one event
# share names and figures, but hardly a run of four words. Live tickers repeat their own boilerplate.
# Rule: a text is a copy if the longer of the two contains the share CONTAINED or more of the shorter one's runs of four
# words. If it is more than three times as long, it must begin with them: one feed has a teaser where another has the
# whole article, and a text that quotes later on is a report of its own. A text of fewer than MIN_WORDS words proves
# nothing: short headlines coincide ("Apple unveils new iPad").
# Known to be wrong: a rewritten wire text counts as a voice of its own.
RUN = 4
CONTAINED = 0.8
MIN_WORDS = 12
MAX_DATELINE = 12
"""Runs that may precede the common beginning: "PORT TOWN (Wire) -"."""


_SHARED_HOSTS = """
    feedburner.com youtube.com rsshub.app substack.com medium.com github.com githubusercontent.com github.io
    gitlab.com gitlab.io codeberg.org google.com blogspot.com blogger.com wordpress.com tumblr.com reddit.com rss.app
    feedly.com inoreader.com politepol.com kill-the-newsletter.com openrss.org fetchrss.com rssbridge.org feedspot.com
    mastodon.social bsky.app x.com twitter.com t.me telegram.org facebook.com instagram.com linkedin.com threads.net
    tiktok.com vimeo.com twitch.tv dailymotion.com rumble.com patreon.com ko-fi.com
    beehiiv.com ghost.io buttondown.com buttondown.email mailchi.mp campaign-archive.com convertkit.com kit.com
    dev.to hashnode.dev hashnode.com bearblog.dev write.as micro.blog livejournal.com typepad.com wixsite.com
    squarespace.com neocities.org hubpages.com notion.site
    anchor.fm spotify.com soundcloud.com simplecast.com libsyn.com buzzsprout.com podbean.com acast.com megaphone.fm
    transistor.fm captivate.fm spreaker.com omnycontent.com art19.com blubrry.net fireside.fm castos.com rss.com
    ausha.co podigee.io ivoox.com
    over-blog.com canalblog.com skyrock.com hatenablog.com hatenablog.jp hatenadiary.jp note.com qiita.com zenn.dev
    ameblo.jp fc2.com livedoor.jp livedoor.blog goo.ne.jp seesaa.net pixiv.net tistory.com velog.io
    weibo.com weibo.cn bilibili.com zhihu.com csdn.net jianshu.com cnblogs.com juejin.cn douban.com
    vk.com dzen.ru teletype.in
"""
SHARED_HOSTS = frozenset(_SHARED_HOSTS.split())
"""Sites that host the feeds of many owners; the address of such a feed does not identify its owner."""

_OF_A_USER = re.compile(r"/@|/~\w|/users?/", re.IGNORECASE)
"""In the path of a feed of one user of a site: "/@ann.rss", "/~ann/feed.xml", "/user/ann"."""

MAX_POINTER_WORDS = 12
"""A text of so few words beneath a link to another publisher's article adds nothing."""


class Owners:
    """The owners of entries: of their source, or of the publisher that the entry names."""

    def __init__(self, config: Config) -> None:
        self._by_source = owners(config)
        self._configured = {source.id for source in config.sources if source.owner not in ("", owner_of(source.url))}
        """Sources with their own `owner:`."""
        self._hosted = {
            source.id
            for source in config.sources
            if source.id not in self._configured and (source.owner in SHARED_HOSTS or _of_a_user(source.url))
        }
        """Sources whose address names a host of many owners."""
        self._by_site = {
            registrable_domain(host(source.url)): self._by_source[source.id]
            for source in config.sources
            if source.url and not _of_a_user(source.url) and registrable_domain(host(source.url)) not in SHARED_HOSTS
        }

    def of_source(self, source_id: str) -> str:
        """Return the owner of a source; a source that is not configured is its own."""
        return owner(source_id, self._by_source)

    def of_entry(self, source_id: str, link: str, origin_url: str) -> str:
        """Return the owner of an entry.

        origin_url: the site of the publisher that an aggregator names in `<source>`, or a feed as its own, "" for none

        The owner in feeds.yaml counts for everything that the source publishes on the sites that it links to. Sites of
        one feed whose domains differ in their ending are of one owner, unless they have sources of their own.
        """
        origin = registrable_domain(host(origin_url)) if origin_url else ""
        own = self.of_source(source_id)
        site = registrable_domain(host(link)) if link else ""
        if source_id in self._configured and (not origin or domain_name(origin) == domain_name(site)):
            return own
        if origin in SHARED_HOSTS:
            return own if source_id in self._configured else source_id
        if not origin and source_id in self._hosted and link:
            if site in SHARED_HOSTS or site == own:
                return source_id
            return self._by_site.get(site, site) if site else own
        publisher = self._by_site.get(origin, origin) if origin else own
        is_other_ending = site != (origin or own) and domain_name(site) == domain_name(origin or own)
        return self._by_site.get(site, publisher) if is_other_ending else publisher


def _of_a_user(url: str) -> bool:
    return _OF_A_USER.search(url.partition("://")[2].partition("?")[0]) is not None


def is_pointer(points_to: str, summary: str) -> bool:
    """Return whether an entry is only a link to an article elsewhere: the feed says so, or it has hardly any text."""
    return bool(points_to) or len(words_of(summary)) < MAX_POINTER_WORDS


def owners(config: Config) -> dict[str, str]:
    """Return the owner of every configured source, by source ID."""
    return {source.id: source.owner or source.id for source in config.sources}


def owner(source_id: str, owners: Mapping[str, str]) -> str:
    """Return the owner of a source; a source that is not configured is its own owner."""
    return owners.get(source_id, source_id)


def runs(title: str, summary: str) -> array[int]:
    """Return the distinct runs of words of a text, hashed; empty if it is too short to prove anything.

    In order of the text. Uses the summary alone if it is long enough: reprints keep the text and change the headline.
    The result is an array, because the engine keeps those of many thousands of texts: 4 bytes per run, where a set
    takes 80.
    """
    body = words_of(summary)
    if len(body) < MIN_WORDS:
        body = words_of(title) + body
    if len(body) < MIN_WORDS:
        return array("I")
    encoded = [word.encode() for word in body]
    return array("I", dict.fromkeys([crc32(b" ".join(encoded[i : i + RUN])) for i in range(len(encoded) - RUN + 1)]))


def is_copy(text: Sequence[int], other: Sequence[int], distinct: Collection[int] = ()) -> bool:
    """Return whether one text is a copy of the other: the longer contains the runs of the shorter.

    If it is more than three times as long, its beginning must contain them.

    text, other: their `runs`
    distinct:    those of *text* as a set, if the caller has it
    """
    if not text or not other:
        return False
    short, long = (text, other) if len(text) < len(other) else (other, text)
    if len(long) <= 3 * len(short):
        present = sum(map((distinct or frozenset(text)).__contains__, other))
    else:
        present = sum(map(frozenset(short).__contains__, long[: len(short) + MAX_DATELINE]))
    return present >= CONTAINED * len(short)


def voice(own: str, text: Sequence[int], earlier: Iterable[tuple[str, Sequence[int]]]) -> str:
    """Return the voice of an entry.

    own:     the owner of its source
    text:    its `runs`
    earlier: voice and runs of the story's entries so far, oldest first
    """
    distinct = frozenset(text)
    for earlier_voice, earlier_runs in earlier:
        if is_copy(text, earlier_runs, distinct):
            return earlier_voice
    return own
