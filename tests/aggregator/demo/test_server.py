"""The demo's feed server over real HTTP."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import feedparser
import httpx
import pytest

from aggregator.demo.edition import Edition
from aggregator.demo.server import FeedServer


class Watch:
    """A clock that stands still until it is set."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def watch(edition: Edition) -> Watch:
    return Watch(edition.starts_at + timedelta(days=2, hours=9, minutes=19))


@pytest.fixture
def client(edition: Edition, watch: Watch) -> Iterator[httpx.Client]:
    with FeedServer(edition, watch) as server, httpx.Client(base_url=server.base_url, trust_env=False) as client:
        yield client


def test_a_feed_follows_the_clock(client: httpx.Client, watch: Watch) -> None:
    def titles() -> list[str]:
        return [entry.title for entry in feedparser.parse(client.get("/feeds/techcrunch_ai").content).entries]

    before = titles()
    watch.now += timedelta(minutes=1)
    after = titles()

    assert not any("2 gigawatts of Amazon's Trainium" in title for title in before)
    assert after[0] == "OpenAI takes 2 gigawatts of Amazon's Trainium in a deal for 1.4 million chips"
    assert after[1:] == before[:19]


def test_an_unchanged_feed_is_not_sent_again(client: httpx.Client, watch: Watch) -> None:
    first = client.get("/feeds/techcrunch_ai")
    by_tag = client.get("/feeds/techcrunch_ai", headers={"If-None-Match": first.headers["ETag"]})
    by_date = client.get("/feeds/techcrunch_ai", headers={"If-Modified-Since": first.headers["Last-Modified"]})
    watch.now += timedelta(minutes=1)
    changed = client.get(
        "/feeds/techcrunch_ai",
        headers={
            "If-None-Match": first.headers["ETag"],
            "If-Modified-Since": first.headers["Last-Modified"],
        },
    )

    assert (first.status_code, by_tag.status_code, by_date.status_code) == (200, 304, 304)
    assert by_tag.content == by_date.content == b""
    assert by_tag.headers["ETag"] == first.headers["ETag"]
    assert changed.status_code == 200


def test_the_tag_counts_before_the_date(client: httpx.Client) -> None:
    date = client.get("/feeds/rulemaker").headers["Last-Modified"]

    answer = client.get("/feeds/rulemaker", headers={"If-None-Match": '"other"', "If-Modified-Since": date})

    assert answer.status_code == 200


@pytest.mark.parametrize("since", ["yesterday", "Thu, 99 Nov 2026 09:20:00 GMT", ""])
def test_a_date_that_is_none_is_ignored(client: httpx.Client, since: str) -> None:
    assert client.get("/feeds/rulemaker", headers={"If-Modified-Since": since}).status_code == 200


def test_gzip_is_sent_to_those_who_take_it(client: httpx.Client) -> None:
    zipped = client.get("/feeds/seedbed", headers={"Accept-Encoding": "br, gzip;q=0.8"})
    plain = client.get("/feeds/seedbed", headers={"Accept-Encoding": "identity"})
    refused = client.get("/feeds/seedbed", headers={"Accept-Encoding": "gzip;q=0"})

    assert zipped.headers["Content-Encoding"] == "gzip"
    assert int(zipped.headers["Content-Length"]) < int(plain.headers["Content-Length"])
    assert "Content-Encoding" not in plain.headers
    assert "Content-Encoding" not in refused.headers
    assert zipped.content == plain.content == refused.content
    assert plain.headers["Content-Type"] == "application/feed+json; charset=utf-8"


def test_head_gives_the_headers_alone(client: httpx.Client) -> None:
    headers = {"Accept-Encoding": "identity"}
    full = client.get("/feeds/commons_log", headers=headers)
    head = client.head("/feeds/commons_log", headers=headers)

    assert head.content == b""
    assert dict(head.headers) == dict(full.headers)


def test_an_article_page_appears_when_its_article_does(client: httpx.Client, watch: Watch, edition: Edition) -> None:
    article_id = edition.event("aws-openai-trainium").articles[0]
    early = client.get(f"/a/{article_id}")
    watch.now += timedelta(minutes=1)
    page = client.get(f"/a/{article_id}")

    assert early.status_code == 404
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "This is a sample article" in page.text


def test_every_link_of_the_front_page_leads_to_a_feed(client: httpx.Client, edition: Edition) -> None:
    front = client.get("/").text

    for source in edition.sources:
        assert f'href="/feeds/{source.id}"' in front
        assert client.get(f"/feeds/{source.id}").status_code == 200


@pytest.mark.parametrize("path", ["/feeds/", "/feeds/none", "/a/", "/a/none", "/robots.txt", "/feeds/seedbed/more"])
def test_an_unknown_address_is_not_found(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_date_header_is_the_edition_s(client: httpx.Client) -> None:
    assert client.get("/").headers["Date"] == "Thu, 19 Nov 2026 09:19:00 GMT"


def test_the_port_is_set_before_the_start_and_free_after_the_stop(edition: Edition, watch: Watch) -> None:
    first = FeedServer(edition, watch)
    port = int(first.base_url.rsplit(":", 1)[1])
    first.start()
    first.stop()

    with FeedServer(edition, watch, port=port) as second:
        assert second.base_url == first.base_url
        assert httpx.get(f"{second.base_url}/", trust_env=False).status_code == 200


def test_a_server_that_was_never_started_can_be_stopped(edition: Edition, watch: Watch) -> None:
    FeedServer(edition, watch).stop()


def test_a_picture_is_served_as_png(client: httpx.Client, edition: Edition) -> None:
    illustration = next(a.illustration for a in edition.articles if a.illustration)
    answer = client.get(f"/pictures/{illustration.file}")
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")
    assert client.get("/pictures/../edition.py").status_code == 404
