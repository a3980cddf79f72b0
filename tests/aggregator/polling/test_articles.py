"""Full texts: fetched only if allowed, and never at the cost of an entry."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.config import parse_config
from aggregator.model import Config, Entry, Limits, Site, Source
from aggregator.model.clock import SteppedClock
from aggregator.polling.items import articles
from aggregator.polling.poll import Polled
from aggregator.polling.poller import Poller
from aggregator.store import Store
from tests.feedserver import FeedServer
from web.present.formatting import reading_time

ROOT = Path(__file__).parents[3]
NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)
SENTENCE = (
    "The new chip plant in Ohio will employ two thousand workers and open in spring, the company said on Monday. "
)
PARAGRAPHS = "".join(f"<p>Paragraph {number}. {SENTENCE * 3}</p>" for number in range(10))
PAGE = f"""<!doctype html><html><head><title>Chip plant opens</title></head><body><nav>Home News Sport</nav>
<article><h1>Chip plant opens in Ohio</h1>{PARAGRAPHS}<script>alert(1)</script>
<p onclick="x()">Last words.</p></article>
<footer>Cookies and terms</footer></body></html>"""


def item(server: FeedServer, name: str, title: str = "Chip plant opens in Ohio", description: str = "A plant.") -> str:
    return (
        f"<item><guid isPermaLink='false'>{name}</guid><title>{title}</title><link>{server.url(f'/{name}')}</link>"
        f"<description>{description}</description><pubDate>Tue, 17 Nov 2026 11:00:00 GMT</pubDate></item>"
    )


class Desk:
    """A store and a poller with one source that has full texts enabled."""

    def __init__(self, server: FeedServer, store: Store) -> None:
        self.server, self.store = server, store
        self.clock = SteppedClock(NOON)
        url = server.url("/feed.xml")
        self.source = Source("wire", "Wire", url, "news", "wire.example", full_text=True, allow_private=True)
        self.config = Config(Site(), (), (self.source,), limits=Limits(per_host_pause=timedelta()))
        store.feeds.sync(self.config.sources, NOON)
        self.polled: Polled | None = None

    def publish(self, *items: str) -> None:
        body = f"<rss version='2.0'><channel><title>Wire</title>{''.join(items)}</channel></rss>"
        self.server.publish("/feed.xml", body.encode())

    async def poll(self) -> list[Entry]:
        def finished(polled: Polled) -> None:
            self.polled = polled

        async with Poller(
            self.config, store=self.store, clock=self.clock, rng=random.Random(0), finished=finished
        ) as poller:
            await poller.poll_now(["wire"])
        self.clock.at += timedelta(hours=1)
        return sorted(self.store.entries.each(), key=lambda entry: entry.entry_id)

    @property
    def message(self) -> str:
        assert self.polled is not None
        return self.polled.state.last_message


@pytest.fixture
def desk(feed_server: FeedServer) -> Iterator[Desk]:
    with Store.open(":memory:") as store:
        yield Desk(feed_server, store)


async def test_a_teaser_is_stored_with_the_article_behind_it(desk: Desk) -> None:
    desk.server.answer("/a", 200, PAGE, {"Content-Type": "text/html"})
    desk.publish(item(desk.server, "a"))
    (entry,) = await desk.poll()

    assert "<p>Paragraph 9." in entry.content
    assert "Last words." in entry.content
    for unwanted in ("script", "onclick", "Home News", "Cookies"):
        assert unwanted not in entry.content
    assert entry.word_count > 500
    assert reading_time(entry) == "3 min read"
    assert entry.summary.startswith("Chip plant opens in Ohio Paragraph 0.")
    assert desk.message == "1 new"


async def test_an_article_is_fetched_once(desk: Desk) -> None:
    desk.server.answer("/a", 200, PAGE, {"Content-Type": "text/html"})
    desk.publish(item(desk.server, "a"))
    await desk.poll()
    desk.publish(item(desk.server, "a"), item(desk.server, "b"))
    await desk.poll()

    assert desk.server.request_count("/a") == 1
    assert desk.server.request_count("/robots.txt") == 2  # the second poller knows nothing of the first one's


async def test_without_the_key_no_page_is_fetched(desk: Desk) -> None:
    desk.server.answer("/a", 200, PAGE)
    desk.config = replace(desk.config, sources=(replace(desk.source, full_text=False),))
    desk.publish(item(desk.server, "a"))
    (entry,) = await desk.poll()

    assert entry.content == ""
    assert desk.server.request_count("/a") == 0


async def test_an_item_that_holds_the_article_is_left_alone(desk: Desk) -> None:
    desk.publish(item(desk.server, "a", description=f"<![CDATA[{PARAGRAPHS}]]>"))
    (entry,) = await desk.poll()

    assert "Paragraph 9." in entry.content
    assert desk.server.request_count("/a") == 0


async def test_robots_txt_is_respected_also_behind_a_redirect(desk: Desk) -> None:
    desk.server.answer("/robots.txt", 200, "User-agent: *\nDisallow: /a\nDisallow: /closed")
    desk.server.answer("/a", 200, PAGE)
    desk.server.answer("/closed", 200, PAGE)
    desk.server.redirect("/b", "/closed")
    desk.server.answer("/c", 200, PAGE)
    desk.publish(*(item(desk.server, name) for name in "abc"))
    entries = await desk.poll()

    assert desk.server.request_count("/a") == 0
    assert [bool(entry.content) for entry in entries] == [False, False, True]
    assert "full text of 1 of 3 articles (refused by robots.txt)" in desk.message
    assert desk.server.request_count("/robots.txt") == 1


async def test_a_host_whose_robots_txt_fails_is_left_alone(desk: Desk) -> None:
    desk.server.answer("/robots.txt", 503)
    desk.server.answer("/a", 200, PAGE)
    desk.publish(item(desk.server, "a"))
    (entry,) = await desk.poll()

    assert (entry.title, entry.content, desk.server.request_count("/a")) == ("Chip plant opens in Ohio", "", 0)


PAYWALL = PAGE.replace("<head>", '<head><script type="application/ld+json">{"isAccessibleForFree": false}</script>')
CONSENT = PAGE.replace(SENTENCE, "We value your privacy and use cookies to store information on your device. ").replace(
    "<h1>Chip plant opens in Ohio</h1>", ""
)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (404, "gone", "404"),
        (200, "<html><body><p>Subscribe to read.</p></body></html>", "the page contains no article"),
        (200, PAYWALL, "the page is behind a paywall"),
        (200, CONSENT, "the text of the page is about something else"),
        (200, b"%PDF-1.7 \xff\xfe" * 200, "the page contains no article"),
    ],
    ids=["missing", "short", "paywall", "consent", "pdf"],
)
async def test_what_holds_no_article_leaves_the_teaser(desk: Desk, status: int, body: str, reason: str) -> None:
    desk.server.answer("/a", status, body)
    desk.publish(item(desk.server, "a"))
    (entry,) = await desk.poll()

    assert (entry.summary, entry.content) == ("A plant.", "")
    assert reason in desk.message


async def test_a_page_over_the_limit_leaves_the_teaser(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(articles, "PAGE_BYTES", 2_000)
    desk.server.answer("/a", 200, PAGE)
    desk.publish(item(desk.server, "a"))
    (entry,) = await desk.poll()

    assert entry.content == ""
    assert "full text of 0 of 1 articles" in desk.message


async def test_articles_out_of_time_leave_the_teaser(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(articles, "MAX_TIME_S", 0)
    desk.server.answer("/a", 200, PAGE)
    desk.publish(item(desk.server, "a"))
    (entry,) = await desk.poll()

    assert (entry.summary, entry.content) == ("A plant.", "")
    assert "full text of 0 of 1 articles" in desk.message
    assert "timed out after 0 s" in desk.message


async def test_a_page_with_less_text_than_the_feed_leaves_the_item_alone(desk: Desk) -> None:
    teaser = f"{SENTENCE * 9}<a href='/a'>Read more</a>"
    desk.server.answer(
        "/a", 200, f"<html><article><h1>Chip plant opens in Ohio</h1><p>{SENTENCE * 6}</p></article></html>"
    )
    desk.publish(item(desk.server, "a", description=f"<![CDATA[{teaser}]]>"))
    (entry,) = await desk.poll()

    assert desk.server.request_count("/a") == 1
    assert entry.content.count(SENTENCE.strip()) == 9
    assert "the page has no more text than the feed" in desk.message


async def test_only_the_newest_articles_of_a_poll_are_fetched(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(articles, "MAX_PER_POLL", 2)
    for name in "abcd":
        desk.server.answer(f"/{name}", 200, PAGE)
    desk.publish(*(item(desk.server, name) for name in "abcd"))
    entries = await desk.poll()

    assert sum(bool(entry.content) for entry in entries) == 2
    assert "full text of 2 of 4 articles" in desk.message


async def test_an_entry_that_changes_keeps_its_text_where_the_page_is_gone(desk: Desk) -> None:
    desk.server.answer("/a", 200, PAGE)
    desk.publish(item(desk.server, "a"))
    (before,) = await desk.poll()
    desk.server.answer("/a", 404)
    desk.publish(item(desk.server, "a", title="Chip plant opens in Ohio after delay"))
    (after,) = await desk.poll()

    assert after.title == "Chip plant opens in Ohio after delay"
    assert (after.content, after.word_count) == (before.content, before.word_count)


async def test_a_link_to_another_private_host_is_refused(desk: Desk) -> None:
    with FeedServer() as other:
        other.answer("/secret", 200, PAGE)
        inside = other.url("/secret").replace("127.0.0.1", "127.0.0.2")
        desk.publish(item(desk.server, "a").replace(desk.server.url("/a"), inside))
        desk.server.redirect("/b", inside)
        (first,) = await desk.poll()
        desk.publish(item(desk.server, "b"))
        entries = await desk.poll()

        assert other.request_count("/secret") == 0
    assert first.content == ""
    assert all(entry.content == "" for entry in entries)


async def test_a_hostile_page_costs_only_its_text(desk: Desk) -> None:
    deep = "<html><body>" + "<div>" * 200_000 + PARAGRAPHS
    desk.server.answer("/a", 200, deep)
    desk.server.answer("/b", 200, PAGE)
    desk.publish(item(desk.server, "a"), item(desk.server, "b"))
    entries = await desk.poll()

    assert len(entries) == 2
    assert "Paragraph 9." in entries[1].content


def test_the_page_about_it_is_right(tmp_path: Path) -> None:
    """The example parses and its commands run; `sources check` polls the source without storing anything."""
    page = (ROOT / "docs/full-text.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.S)
    assert parse_config(example).sources[0].full_text
    commands = [line for block in re.findall(r"```sh\n(.*?)```", page, re.S) for line in block.splitlines()]
    with FeedServer() as server:
        body = f"<rss version='2.0'><channel><title>Wire</title>{item(server, 'a')}</channel></rss>"
        url = server.publish("/feed.xml", body.encode())
        server.answer("/a", 404)
        feeds = example.replace("https://example.com/feed.xml", url) + "    allow_private: yes\n"
        (tmp_path / "feeds.yaml").write_text(feeds)
        for command in commands:
            done = subprocess.run(
                [sys.executable, "-m", "groundswell", *command.split()[1:]],
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, (command, done.stderr)
    assert "full text of 0 of 1 articles" in done.stdout
