"""Finding the feeds of a web page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from aggregator.discovery.find_feeds import Search, addresses, find, on_page, well_known
from aggregator.fetch import Client
from aggregator.fetch.access import of_operator
from aggregator.model import Config, Limits, Site
from aggregator.parse.diagnose import describe
from aggregator.parse.pool import ParserPool
from tests.feedserver import FeedServer

NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)
CONFIG = Config(Site(), (), (), limits=Limits(allow_private=("127.0.0.1",)))
FEED = b"<rss version='2.0'><channel><title>Wire</title><item><title>A</title></item></channel></rss>"
CHANNEL = "UCabcdefghijklmnopqrstuv"


@pytest.mark.parametrize(
    ("page", "feed"),
    [
        (
            f"https://www.youtube.com/channel/{CHANNEL}/videos",
            f"https://www.youtube.com/feeds/videos.xml?channel_id={CHANNEL}",
        ),
        (
            "https://youtube.com/playlist?list=PLabcdefghij",
            "https://www.youtube.com/feeds/videos.xml?playlist_id=PLabcdefghij",
        ),
        (
            f"https://music.youtube.com/channel/{CHANNEL}",
            f"https://www.youtube.com/feeds/videos.xml?channel_id={CHANNEL}",
        ),
        ("https://www.reddit.com/r/python+rust/", "https://www.reddit.com/r/python+rust/.rss"),
        ("https://www.reddit.com/u/someone", "https://www.reddit.com/user/someone/.rss"),
        ("https://arxiv.org/list/cs.CL/recent", "https://rss.arxiv.org/rss/cs.CL"),
        ("https://old.reddit.com/r/MachineLearning/top/", "https://www.reddit.com/r/MachineLearning/.rss"),
        ("https://github.com/python/cpython/issues", "https://github.com/python/cpython/releases.atom"),
        ("https://github.com/gvanrossum", "https://github.com/gvanrossum.atom"),
        ("https://mastodon.social/@Gargron", "https://mastodon.social/@Gargron.rss"),
        ("https://letters.substack.com/p/a-letter", "https://letters.substack.com/feed"),
        ("https://medium.com/@someone/a-story-1a2b", "https://medium.com/feed/@someone"),
        ("https://someone.medium.com/a-story", "https://someone.medium.com/feed"),
        ("https://bsky.app/profile/someone.bsky.social", "https://bsky.app/profile/someone.bsky.social/rss"),
        ("https://somebody.blogspot.com/2026/11/a.html", "https://somebody.blogspot.com/feeds/posts/default"),
    ],
)
def test_feed_addresses_of_large_sites_are_derived(page: str, feed: str) -> None:
    assert addresses(page)[0] == feed


def test_of_an_unknown_site_nothing_is_assumed() -> None:
    assert addresses("https://news.example/a/b") == ()
    assert well_known("https://news.example/blog/")[0] == "https://news.example/blog/feed"


def test_a_page_yields_its_channel_and_links_that_look_like_feeds() -> None:
    page = f'<script>{{"externalId":"{CHANNEL}"}}</script>'.encode()
    assert on_page(page, "https://www.youtube.com/@someone") == (
        f"https://www.youtube.com/feeds/videos.xml?channel_id={CHANNEL}",
    )
    links = b'<a class="x" href="/about">About</a> <a href="/news/rss.xml">RSS</a> <a href="javascript:feed()">no</a>'
    assert on_page(links, "https://a.example/") == ("https://a.example/news/rss.xml",)


@pytest.mark.parametrize(
    "own",
    [
        f'<link rel="canonical" href="https://www.youtube.com/channel/{CHANNEL}">',
        f'<meta itemprop="identifier" content="{CHANNEL}">',
        f'<script>{{"externalId":"{CHANNEL}"}}</script>',
    ],
)
def test_the_channel_of_a_page_is_its_own_and_not_one_that_it_recommends(own: str) -> None:
    other = f'<script>{{"browseId":"{CHANNEL[:-1]}"}}{{"channelId":"UC{"x" * 22}"}}</script>'

    assert on_page((other + own).encode(), "https://www.youtube.com/@someone")[0].endswith(f"channel_id={CHANNEL}")


LINK = '<link rel="alternate" type="application/rss+xml" title="{}" href="{}">'


@pytest.mark.parametrize(
    ("head", "feeds"),
    [
        (LINK.format("Comments", "/comments/feed/") + LINK.format("Posts", "/feed/"), ("/feed/", "/comments/feed/")),
        (LINK.format("A bridge Comments Feed", "/a/feed/") + LINK.format("Blog", "/feed/"), ("/feed/", "/a/feed/")),
        ("<!-- " + LINK.format("Old", "/old.xml") + " -->" + LINK.format("Blog", "/feed/"), ("/feed/",)),
        ('<link rel="alternate" type="text/xml" title="RSS" href="/news.xml">', ("/news.xml",)),
        ('<link rel="alternate" type="application/json" href="/feed.json">', ("/feed.json",)),
        ('<link rel="alternate" title="Atom" href="/news">', ("/news",)),
        ('<link rel="feed" type="application/atom+xml" href="/news">', ("/news",)),
        (LINK.format("Blog", "feed:https://paper.example/news"), ("/news",)),
        ('<link rel="alternate" type="application/json" href="/wp-json/wp/v2/pages/2">', ()),
        ('<link rel="alternate" type="application/json+oembed" href="/oembed?feed=1">', ()),
        ('<link rel="alternate" hreflang="de" href="/de/">', ()),
        ('<link rel="stylesheet" href="/feed.css">', ()),
    ],
)
def test_a_page_names_its_feeds_those_of_comments_last(head: str, feeds: tuple[str, ...]) -> None:
    _, named = describe(f"<!doctype html><html><head>{head}</head></html>".encode(), "https://paper.example/a/")

    assert named == tuple(f"https://paper.example{feed}" for feed in feeds)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with Client(CONFIG.limits) as opened:
        yield opened


async def look(client: Client, url: str) -> Search:
    async with ParserPool() as parser:
        access = of_operator(url, CONFIG)
        return await find(url, client=client, parser=parser, limits=CONFIG.limits, now=NOON, access=access)


async def test_a_page_that_names_its_feed(client: Client, feed_server: FeedServer) -> None:
    feed = feed_server.publish("/hidden/news.xml", FEED)
    link = '<link rel="alternate" type="application/rss+xml" href="/hidden/news.xml">'
    page = feed_server.answer("/", 200, f"<html><head>{link}</head></html>", {"Content-Type": "text/html"})
    discovery = await look(client, page)
    assert [(item.url, item.title, item.format, item.entries) for item in discovery.feeds] == [
        (feed, "Wire", "RSS 2.0", 1)
    ]
    assert (await look(client, feed)).feeds == discovery.feeds


async def test_a_page_that_names_none_has_one_at_a_usual_path(client: Client, feed_server: FeedServer) -> None:
    feed_server.answer("/blog/", 200, "<html><body>Hello</body></html>")
    feed = feed_server.publish("/atom.xml", FEED)
    assert [item.url for item in (await look(client, feed_server.url("/blog/"))).feeds] == [feed]


async def test_a_page_without_feeds_gives_a_message(client: Client, feed_server: FeedServer) -> None:
    discovery = await look(client, feed_server.answer("/", 200, "<html></html>"))
    assert (discovery.feeds, "no feed was found" in discovery.message) == ((), True)
    assert "404" in (await look(client, feed_server.url("/nothing"))).message


@pytest.mark.parametrize(
    "url", ["http://10.1.2.3/", "http://localhost/", "http://169.254.169.254/latest", "http://[::1]/"]
)
async def test_private_addresses_are_refused_also_when_a_page_names_them(
    client: Client, feed_server: FeedServer, url: str
) -> None:
    assert "refused" in (await look(client, url)).message
    link = f'<link rel="alternate" type="application/rss+xml" href="{url}">'
    page = feed_server.answer("/page", 200, f"<html><head>{link}</head></html>")
    assert (await look(client, page)).feeds == ()


BASES = [
    '<base href="/blog/">',
    "<BASE HREF=/blog/ target=_blank>",
    '<base target="_top"><base href="/blog/"><base href="/elsewhere/">',
    '<base href="{site}/blog/">',
]


@pytest.mark.parametrize("base", BASES)
async def test_a_page_with_a_base_moves_its_relative_links(client: Client, feed_server: FeedServer, base: str) -> None:
    feed_server.publish("/blog/feed.xml", FEED)
    head = base.format(site=feed_server.url(""))
    link = '<link rel="alternate" type="application/rss+xml" href="feed.xml">'
    url = feed_server.answer("/", 200, f"<html><head>{head}{link}</head></html>", {"Content-Type": "text/html"})
    discovery = await look(client, url)
    assert [feed.url for feed in discovery.feeds] == [feed_server.url("/blog/feed.xml")]


@pytest.mark.parametrize("base", ["", '<base href="javascript:x">', '<base href="">', "<base>"])
async def test_a_base_that_is_none_changes_nothing(client: Client, feed_server: FeedServer, base: str) -> None:
    feed_server.publish("/a/feed.xml", FEED)
    page = f"<html><head>{base}</head><body><a href='feed.xml'>feed</a></body></html>"
    url = feed_server.answer("/a/index.html", 200, page, {"Content-Type": "text/html"})
    assert [feed.url for feed in (await look(client, url)).feeds] == [feed_server.url("/a/feed.xml")]


async def test_a_bot_check_in_place_of_a_page_is_reported(client: Client, feed_server: FeedServer) -> None:
    url = feed_server.answer("/", 403, "<html><title>Just a moment...</title></html>")
    assert "bot check (Cloudflare)" in (await look(client, url)).message
