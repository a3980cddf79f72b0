from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import Client

from aggregator.store import Store
from tests.web.conftest import Clock
from tests.web.newsroom import HOUR, NOW, Newsroom
from web.http.hints import WHOLE_EDITION, hints_of
from web.http.page_cache import PageCache

Environ = dict[str, Any]


class Origin:
    """A WSGI application that counts its calls."""

    def __init__(self) -> None:
        self.request_count = 0
        self.body = b"<p>news</p>" * 100
        self.keep: timedelta | None = WHOLE_EDITION
        self.status = "200 OK"
        self.story: int | None = None
        self.answers = threading.Event()
        self.answers.set()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.request_count += 1
        assert self.answers.wait(10)
        assert environ["REQUEST_METHOD"] in ("GET", "POST")
        hints_of(environ).keep_for, hints_of(environ).story_id = self.keep, self.story
        start_response(self.status, [("Content-Type", "text/html; charset=utf-8"), ("X-Kept", "yes")])
        return [self.body]


class Front:
    """A page cache in front of an origin, controlled by the test."""

    def __init__(self, **options: Any) -> None:
        self.origin = Origin()
        self.clock = Clock()
        self.edition: int | None = 1
        self.seen: list[int] = []
        self.ticks = 0.0
        self.cache = cache = PageCache(
            self.origin,
            clock=self.clock,
            edition=lambda: self.edition,
            looked_at=lambda story_id, environ, now: self.seen.append(story_id),
            ticks=lambda: self.ticks,
            **{"edition_every_s": 0.0, **options},
        )
        self.client = Client(cache)

    def settle(self) -> None:
        """Wait for renderings in the background."""
        deadline = time.monotonic() + 10
        while self.cache._making:
            assert time.monotonic() < deadline
            time.sleep(0.001)


@pytest.fixture
def front() -> Front:
    return Front()


def test_a_page_is_rendered_once_an_edition(front: Front) -> None:
    first = front.client.get("/")
    assert front.client.get("/").data == first.data
    assert front.origin.request_count == 1
    front.edition = 2
    front.client.get("/")
    assert front.origin.request_count == 2


def test_a_popular_page_is_rendered_again_in_the_background() -> None:
    front = Front(stale_s=1.0)
    first = front.client.get("/")
    front.edition = 2
    front.ticks = 0.9
    front.origin.body = b"<p>second</p>" * 100
    assert front.client.get("/").data == first.data, "nobody waits for the new edition"
    front.settle()
    assert front.origin.request_count == 2
    second = front.client.get("/")
    assert second.data != first.data, "and it is there as soon as it is made"
    front.edition = 3
    front.ticks = 2.0
    front.origin.body = b"<p>third</p>" * 100
    assert front.client.get("/").data not in (first.data, second.data), "whoever comes rarely never sees an old one"


def test_a_page_is_not_rendered_twice_at_once() -> None:
    front = Front(stale_s=1.0)
    first = front.client.get("/")
    front.edition = 2
    front.origin.answers.clear()
    for front.ticks in (0.9, 1.1, 5.0):
        assert front.client.get("/").data == first.data, "it takes its time, and the last one stands meanwhile"
    front.origin.body = b"<p>second</p>" * 100
    front.origin.answers.set()
    front.settle()
    assert front.client.get("/").data != first.data
    assert front.origin.request_count == 2


def test_concurrent_requests_share_one_rendering() -> None:
    front = Front(stale_s=1.0)
    front.origin.answers.clear()
    with ThreadPoolExecutor(3) as pool:
        pages = [pool.submit(lambda: Client(front.cache).get("/").data) for _ in range(3)]
        while not front.origin.request_count:
            time.sleep(0.001)
        front.origin.answers.set()
        assert len({page.result(10) for page in pages}) == 1
    assert front.origin.request_count == 1


def test_a_failure_in_the_background_reaches_the_next_request() -> None:
    front = Front(stale_s=1.0)
    front.client.get("/")
    front.edition = 2
    front.origin.status = "500 Internal Server Error"
    assert front.client.get("/").status_code == 200
    front.settle()
    assert front.client.get("/").status_code == 500


def test_the_edition_is_looked_up_twice_a_second_at_most() -> None:
    front = Front(edition_every_s=0.5)
    front.client.get("/")
    front.edition = 2
    front.ticks = 0.4
    front.client.get("/")
    assert front.origin.request_count == 1
    front.ticks = 0.6
    front.client.get("/")
    assert front.origin.request_count == 2


def test_a_page_with_ages_is_rendered_again_after_its_time(front: Front) -> None:
    front.origin.keep = timedelta(seconds=60)
    front.client.get("/")
    front.clock.now += timedelta(seconds=59)
    front.client.get("/")
    assert front.origin.request_count == 1
    front.clock.now += timedelta(seconds=1)
    front.client.get("/")
    assert front.origin.request_count == 2
    front.clock.now -= timedelta(days=365)
    front.client.get("/")
    assert front.origin.request_count == 3


def test_path_query_and_host_tell_pages_apart(front: Front) -> None:
    for path in ("/", "/a", "/?q=1", "/?q=2"):
        front.client.get(path)
    front.client.get("/", headers={"Host": "other"})
    assert front.origin.request_count == 5


@pytest.mark.parametrize(
    ("accepted", "zipped"),
    [("", False), ("gzip", True), ("br, gzip;q=0.5", True), ("gzip;q=0", False), ("*", True), ("identity", False)],
)
def test_a_page_is_compressed_for_clients_that_accept_it(front: Front, accepted: str, zipped: bool) -> None:
    answer = front.client.get("/", headers={"Accept-Encoding": accepted})
    assert (answer.headers.get("Content-Encoding") == "gzip") is zipped
    assert (gzip.decompress(answer.data) if zipped else answer.data) == front.origin.body
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert int(answer.headers["Content-Length"]) == len(answer.data)


def test_who_has_the_page_gets_a_304(front: Front) -> None:
    first = front.client.get("/")
    etag = first.headers["ETag"]
    for validator in (etag, f'"x", {etag}', f"W/{etag}", "*", f'{etag[:-1]}-gzip"', f'W/{etag[:-1]}-br"'):
        answer = front.client.get("/", headers={"If-None-Match": validator})
        assert (answer.status_code, answer.data) == (304, b"")
        assert answer.headers["ETag"] == etag
        assert answer.headers["X-Kept"] == "yes"
        assert "Content-Type" not in answer.headers
    assert front.client.get("/", headers={"If-None-Match": '"other"'}).status_code == 200
    assert front.client.get("/", headers={"Accept-Encoding": "gzip"}).headers["ETag"] != etag


def test_last_modified_is_when_the_content_last_changed(front: Front) -> None:
    first = front.client.get("/").headers["Last-Modified"]
    assert front.client.get("/", headers={"If-Modified-Since": first}).status_code == 304
    front.clock.now += HOUR
    front.edition = 2
    assert front.client.get("/").headers["Last-Modified"] == first, "a new edition with the same content"
    front.origin.body += b"more"
    front.edition = 3
    answer = front.client.get("/", headers={"If-Modified-Since": first})
    assert (answer.status_code, answer.headers["Last-Modified"] != first) == (200, True)
    for odd in ("yesterday", "", "Thu, 99 Nov 2026 99:00:00 GMT"):
        assert front.client.get("/", headers={"If-Modified-Since": odd}).status_code == 200


def test_head_is_get_without_the_body(front: Front) -> None:
    head = front.client.head("/")
    full = front.client.get("/")
    assert head.data == b""
    assert list(head.headers) == list(full.headers)
    assert front.origin.request_count == 1
    front.origin.keep = None
    front.edition = 2
    head = front.client.head("/")
    assert (head.data, int(head.headers["Content-Length"])) == (b"", len(front.origin.body))


def test_only_responses_that_a_view_allows_are_cached(front: Front) -> None:
    front.origin.keep = None
    front.client.get("/")
    front.client.get("/")
    assert front.origin.request_count == 2
    front.origin.keep, front.origin.status = WHOLE_EDITION, "404 Not Found"
    front.client.get("/")
    front.client.get("/")
    assert front.origin.request_count == 4
    front.client.post("/")
    assert front.origin.request_count == 5


def test_memory_is_bounded_and_the_page_longest_unread_goes_first() -> None:
    front = Front(max_bytes=12_000)
    for path in ("/a", "/b", "/c"):
        front.client.get(path)
    front.client.get("/a")
    front.client.get("/d")
    front.client.get("/e")
    requests = front.origin.request_count
    front.client.get("/e")
    assert front.origin.request_count == requests
    front.client.get("/b")
    assert front.origin.request_count == requests + 1


def test_what_was_last_read_is_better_than_an_apology(front: Front) -> None:
    front.origin.keep = timedelta(seconds=60)
    front.client.get("/")
    front.clock.now += HOUR
    front.origin.status, front.origin.keep = "503 Service Unavailable", None
    front.edition = None
    assert front.client.get("/").status_code == 200
    assert front.client.get("/other").status_code == 503


def test_readers_count_although_the_page_came_from_memory(front: Front) -> None:
    front.origin.story = 7
    etag = front.client.get("/story/7/x").headers["ETag"]
    front.client.get("/story/7/x")
    front.client.get("/story/7/x", headers={"If-None-Match": etag})
    front.client.head("/story/7/x")
    assert front.seen == [7, 7, 7]


# With the real site


def test_a_change_of_the_stories_shows_at_once(
    tmp_path: Path, store: Store, room: Newsroom, make_app: Callable[..., Flask]
) -> None:
    client = make_app(tmp_path / "news.db").test_client()
    room.story("First", ["techcrunch_ai"])
    room.rank()
    assert "Second" not in client.get("/").text
    room.story("Second", ["seedbed"])
    room.rank()
    assert "Second" in client.get("/").text
    assert "Second" in client.get("/trending.rss").text


def test_ages_move_with_the_clock_and_feeds_do_not(
    tmp_path: Path, room: Newsroom, later: Clock, make_app: Callable[..., Flask]
) -> None:
    client = make_app(tmp_path / "news.db", later).test_client()
    room.story("Moves", ["techcrunch_ai"], at=NOW - HOUR)
    room.rank()
    feeds = {path: client.get(path).data for path in ("/trending.rss", "/newest.atom", "/category/models.json")}
    assert "1 h ago" in client.get("/").text
    later.now += 5 * HOUR
    assert "6 h ago" in client.get("/").text
    for path, body in feeds.items():
        etag = client.get(path).headers["ETag"]
        assert client.get(path).data == body
        assert client.get(path, headers={"If-None-Match": etag}).status_code == 304


def test_a_replaced_database_is_opened_again(tmp_path: Path, config: Any, make_app: Callable[..., Flask]) -> None:
    db, other = tmp_path / "news.db", tmp_path / "other.db"
    with Store.open(db) as store:
        Newsroom(store, config).story("From the old one", ["techcrunch_ai"])
    with Store.open(other) as store:
        room = Newsroom(store, config)
        for name in ("From the backup", "And another"):
            room.story(name, ["techcrunch_ai"])
    client = make_app(db).test_client()
    assert "From the old one" in client.get("/newest").text
    for ending in ("-wal", "-shm"):
        Path(f"{db}{ending}").unlink(missing_ok=True)
    other.replace(db)
    assert "From the backup" in client.get("/newest").text
