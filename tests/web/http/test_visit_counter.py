from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from itertools import islice, permutations
from pathlib import Path

import pytest
from flask import Flask

from aggregator.store import Store, StoreFault
from tests.web.conftest import Clock
from tests.web.newsroom import NOW, Newsroom
from web.http import visit_counter
from web.http.visit_counter import MAX_PEOPLE_PER_NETWORK, VisitCounter, is_person
from web.request.services import services

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"


def environ_of(address: str = "192.0.2.1", agent: str = FIREFOX, **more: str) -> dict[str, str]:
    return {"REMOTE_ADDR": address, "HTTP_USER_AGENT": agent, **more}


@pytest.fixture
def db(tmp_path: Path) -> Path:
    with Store.open(tmp_path / "news.db"):
        return tmp_path / "news.db"


def counted(db: Path, story_id: int) -> int:
    with Store.open(db) as store:
        return store.feedback.views(story_id)


def test_a_person_counts_once_a_day(db: Path) -> None:
    views = VisitCounter.into(db)
    for _ in range(5):
        views.looked_at(1, environ_of(), NOW)
    views.looked_at(1, environ_of(agent=CHROME), NOW)
    views.looked_at(1, environ_of("192.0.2.2"), NOW)
    views.looked_at(2, environ_of(), NOW)
    views.looked_at(1, environ_of(), NOW + timedelta(days=1))
    views.close()
    assert (counted(db, 1), counted(db, 2)) == (4, 1)


@pytest.mark.parametrize("agent", [FIREFOX, CHROME, IPHONE])
def test_browsers_are_people(agent: str) -> None:
    assert is_person(environ_of(agent=agent))


@pytest.mark.parametrize(
    "agent",
    [
        "", "Googlebot/2.1", "Mozilla/5.0 (compatible; bingbot/2.0)", "curl/8.0", "python-requests/2", "Feedly/1.0",
        "Mozilla/5.0 HeadlessChrome/140", "facebookexternalhit/1.1", "Go-http-client/2.0", "Slackbot-LinkExpanding 1.0",
    ],
)  # fmt: skip
def test_bots_are_not(agent: str) -> None:
    assert not is_person(environ_of(agent=agent))


@pytest.mark.parametrize("header", ["HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_MOZ"])
def test_a_page_fetched_in_advance_was_not_looked_at(header: str) -> None:
    assert not is_person(environ_of(**{header: "prefetch;prerender"}))


def test_no_client_address_is_stored(db: Path) -> None:
    views = VisitCounter.into(db)
    views.looked_at(1, environ_of(), NOW)
    assert "192.0.2.1" not in repr(vars(views))
    views.close()
    assert b"192.0.2.1" not in db.read_bytes()


def test_counts_that_cannot_be_written_are_written_later(db: Path) -> None:
    works = False

    def open_store() -> Store:
        if not works:
            raise StoreFault("database or disk is full")
        return Store.open(db)

    views = VisitCounter(open_store, every_s=3600)
    views.looked_at(1, environ_of(), NOW)
    assert views.flush() is False
    views.looked_at(1, environ_of("192.0.2.2"), NOW)
    works = True
    assert views.flush() is True
    assert counted(db, 1) == 2
    assert views.flush() is True
    assert counted(db, 1) == 2
    views.close()


def test_a_reader_is_counted_on_every_page(
    tmp_path: Path, room: Newsroom, later: Clock, make_app: Callable[..., Flask]
) -> None:
    story_id = room.story("Read me", ["techcrunch_ai"])
    app = make_app(tmp_path / "news.db", later)
    client = app.test_client()
    path = f"/story/{story_id}/read-me"
    for agent in (FIREFOX, FIREFOX, CHROME, "Googlebot/2.1"):
        assert client.get(path, headers={"User-Agent": agent}).status_code == 200
    client.head(path, headers={"User-Agent": IPHONE})
    client.get(f"/story/{story_id}/wrong-slug", headers={"User-Agent": IPHONE})
    assert services(app).visits.flush()
    later.now += timedelta(minutes=2)
    assert "2 views" in client.get(path, headers={"User-Agent": "curl"}).text


def shown(db: Path) -> dict[tuple[int, int], tuple[int, int]]:
    """Return how many people were shown a story at a position, and how many opened it."""
    with Store.open(db) as store:
        impressions = store.feedback.impressions(NOW.date(), NOW.date() + timedelta(days=1))
    return {
        (impression.story_id, impression.place): (impression.people, impression.opened) for impression in impressions
    }


def test_a_list_shows_its_stories_once_a_person_and_day_at_the_place_first_seen(db: Path) -> None:
    views = VisitCounter.into(db)
    views.saw((7, 8, 9), environ_of(), NOW)
    views.saw((7, 8, 9), environ_of(), NOW)
    views.saw((9, 8, 7, 6), environ_of(), NOW)
    views.saw((7, 8, 9), environ_of("192.0.2.2"), NOW)
    views.saw((7, 8, 9), environ_of(agent="Googlebot/2.1"), NOW)
    views.close()
    assert shown(db) == {(7, 0): (2, 0), (8, 1): (2, 0), (9, 2): (2, 0), (6, 3): (1, 0)}


def test_who_opens_what_a_list_showed_counts_once_however_often(db: Path) -> None:
    views = VisitCounter.into(db)
    views.saw((7, 8), environ_of(), NOW)
    for _ in range(20):
        views.looked_at(8, environ_of(), NOW)
    views.looked_at(8, environ_of("192.0.2.9"), NOW)  # followed a link from another site
    views.looked_at(7, environ_of("192.0.2.9"), NOW)
    views.saw((7, 8), environ_of("192.0.2.9"), NOW)  # has read both already
    assert views.flush()
    for _ in range(20):
        views.looked_at(8, environ_of(), NOW)
    views.close()
    assert shown(db) == {(7, 0): (1, 0), (8, 1): (1, 1)}


def test_showings_that_cannot_be_written_are_written_later(db: Path) -> None:
    works = False

    def open_store() -> Store:
        if not works:
            raise StoreFault("database or disk is full")
        return Store.open(db)

    views = VisitCounter(open_store, every_s=3600)
    views.saw((7,), environ_of(), NOW)
    assert views.flush() is False
    views.looked_at(7, environ_of(), NOW)
    views.saw((7,), environ_of("192.0.2.2"), NOW)
    works = True
    views.close()
    assert shown(db) == {(7, 0): (2, 1)}


def test_following_a_link_from_a_list_counts_as_opening_the_story_there(
    tmp_path: Path, room: Newsroom, later: Clock, make_app: Callable[..., Flask]
) -> None:
    first = room.story("Zephyr unveils a chip", ["techcrunch_ai"])
    second = room.story("Soup of the day", ["techcrunch_ai"])
    app = make_app(tmp_path / "news.db", later)
    client = app.test_client()
    page = client.get("/newest", headers={"User-Agent": "curl"}).text
    order = [int(part) for part in re.findall(r'href="/story/(\d+)/', page)]
    listed = list(dict.fromkeys(order))
    client.get("/newest", headers={"User-Agent": FIREFOX})
    path = client.get(f"/story/{second}/", headers={"User-Agent": "curl"}).headers["Location"]
    client.get(path, headers={"User-Agent": FIREFOX})
    client.get("/newest?page=2", headers={"User-Agent": CHROME})
    assert services(app).visits.flush()
    assert shown(tmp_path / "news.db") == {
        (first, listed.index(first)): (1, 0),
        (second, listed.index(second)): (1, 1),
    }


def test_a_list_that_changes_all_day_takes_bounded_memory(db: Path) -> None:
    views = VisitCounter(lambda: Store.open(db), max_lists=500)
    # One person and nine stories, in an order that nobody saw before.
    orders = list(islice(permutations(range(1, 10)), 5_000))
    views.saw(orders[0], environ_of(), NOW)
    tracemalloc.start()
    try:
        for order in orders:
            views.saw(order, environ_of(), NOW)
        # Its own memory alone: other threads of the test run allocate, too.
        own = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, visit_counter.__file__)])
    finally:
        tracemalloc.stop()
        views.close()

    assert sum(line.size for line in own.statistics("filename")) < 200 * 500, "bytes"


@pytest.mark.parametrize(
    ("addresses", "limit"),
    [
        (["192.0.2.1"] * 50, MAX_PEOPLE_PER_NETWORK),
        ([f"2001:db8::{number:x}" for number in range(1, 51)], MAX_PEOPLE_PER_NETWORK),
        ([f"192.0.2.{number}" for number in range(1, 51)], 50),
    ],
    ids=["an address", "a /64", "fifty addresses"],
)
def test_a_script_with_many_user_agents_is_a_bounded_number_of_people(
    db: Path, addresses: list[str], limit: int
) -> None:
    views = VisitCounter.into(db)
    for number, address in enumerate(addresses):
        agent = f"{FIREFOX} {number}"
        views.saw((1, 2), environ_of(address, agent), NOW)
        views.looked_at(1, environ_of(address, agent), NOW)
    views.looked_at(2, environ_of("198.51.100.1"), NOW)
    views.close()

    assert counted(db, 1) == limit
    assert counted(db, 2) == 1, "somebody elsewhere still counts"
