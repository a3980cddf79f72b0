"""Digests: which period, which stories, as page, feed and mail, and when they are sent."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

import feedparser
import pytest
from flask.testing import FlaskClient

from aggregator.model import (
    Alerts,
    AlertTarget,
    Category,
    Changes,
    Config,
    DigestSettings,
    OperatorAlarms,
    Site,
    Source,
)
from aggregator.store import Store
from tests.services import mail_service
from tests.web.newsroom import HOUR, NOW, Newsroom
from web.alerts import Dispatcher
from web.digest import editions, mail
from web.digest.contents import digest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/digests.md").read_text(encoding="utf-8")
DAY = timedelta(days=1)
TODAY = NOW.date()


def get(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, path
    return answer.get_data(as_text=True)


# Periods


def test_a_day_is_midnight_to_midnight_of_the_sites_zone() -> None:
    edition = editions.named("2026-10-25", "Europe/Berlin")

    assert edition is not None
    assert edition.end - edition.begin == timedelta(hours=25)  # the clocks go back
    assert edition.begin == datetime(2026, 10, 24, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "first", "title"),
    [
        ("2026-11-27", date(2026, 11, 27), "Friday, 27 November 2026"),
        ("2026-W48", date(2026, 11, 23), "23 to 29 November 2026"),
        ("2026-W49", date(2026, 11, 30), "30 November to 6 December 2026"),
        ("2026-W53", date(2026, 12, 28), "28 December 2026 to 3 January 2027"),
    ],
)
def test_a_name_stands_for_one_span(name: str, first: date, title: str) -> None:
    edition = editions.named(name, "UTC")

    assert edition is not None
    assert (edition.name, edition.first, mail.span_of(edition)) == (name, first, title)
    later = editions.neighbor(edition, 1, "UTC")
    assert later.begin == edition.end
    assert editions.neighbor(later, -1, "UTC") == edition


NO_NAMES = ["2026-02-30", "2026-W54", "2026-W00", "2026-1-1", "0000-01-01", "9999-W53", "today", ""]


@pytest.mark.parametrize("name", NO_NAMES)
def test_an_invalid_day_or_week_has_no_digest(name: str) -> None:
    assert editions.named(name, "UTC") is None


def test_a_digest_at_the_end_of_the_calendar_is_not_an_error(full: FlaskClient) -> None:
    for name in ("9999-12-31", "0001-01-01", "9999-W52", "0001-W01"):
        get(full, f"/digest/{name}", 404)


# Stories


@pytest.fixture
def independent(config: Config) -> list[str]:
    return list({source.owner: source.id for source in config.sources}.values())


def yesterday(hour: int) -> datetime:
    return datetime(TODAY.year, TODAY.month, TODAY.day, hour, tzinfo=UTC) - DAY


def test_stories_are_ordered_by_score_and_each_stands_once(
    store: Store, room: Newsroom, config: Config, independent: list[str]
) -> None:
    first, second = config.categories[0].id, config.categories[1].id
    room.story("Fifty", independent[:1], at=yesterday(9), score=50, category=second)
    room.story("Ninety", independent[:2], at=yesterday(9), score=90, category=first)
    room.story("Seventy", independent[:1], at=yesterday(9), score=70, category=first)
    room.story("Another day", independent[:1], at=yesterday(9) - DAY, score=99)
    times = [yesterday(9) - DAY, yesterday(10), yesterday(11), yesterday(12)]
    room.story("Grown", independent[:4], times=times, score=40, category=second)
    settings = replace(config, digest=DigestSettings(stories=2))
    edition = editions.named((TODAY - DAY).isoformat(), "UTC")
    assert edition is not None

    message = digest(store, settings, edition)

    names = [[group.listed.story.headline for group in stories] for stories in (message.top, message.grew)]
    assert names == [["Ninety", "Seventy"], ["Grown"]]
    assert message.grew[0].growth_message == "grew from 1 to 4 sources"
    assert [(group, [story.listed.story.headline for story in stories]) for group, stories in message.categories] == [
        (second, ["Fifty"])
    ]
    assert message.total == 4


def test_old_entries_of_a_new_source_are_not_news(
    store: Store, room: Newsroom, config: Config, independent: list[str]
) -> None:
    room.story("From years ago", independent[:2], at=yesterday(9), score=90, backlog=True)
    room.story("From yesterday", independent[:2], at=yesterday(9), score=50)
    edition = editions.named((TODAY - DAY).isoformat(), "UTC")
    assert edition is not None

    message = digest(store, config, edition)

    assert [story.listed.story.headline for story in message.top] == ["From yesterday"]


def test_a_hidden_story_is_in_no_digest(store: Store, room: Newsroom, config: Config, independent: list[str]) -> None:
    story_id = room.story("Hidden", independent[:2], at=yesterday(9), score=90)
    story = store.stories.get(story_id)
    assert story is not None
    with store.transaction():
        store.stories.save(Changes(stories=(replace(story, hidden=True),)))
    edition = editions.named((TODAY - DAY).isoformat(), "UTC")
    assert edition is not None

    assert digest(store, config, edition).total == 0


# Pages and feeds


def test_a_day_and_a_week_are_pages_that_link_to_each_other(full: FlaskClient) -> None:
    index = get(full, "/digest")
    days = re.findall(r'href="/digest/(\d{4}-\d\d-\d\d)"', index)
    weeks = re.findall(r'href="/digest/(\d{4}-W\d\d)"', index)
    assert days == sorted(days, reverse=True)
    assert days[0] == TODAY.isoformat()
    assert weeks

    page = get(full, f"/digest/{days[1]}")
    assert "<h1>The day in stories</h1>" in page
    assert f'rel="prev" href="/digest/{days[2]}"' in page
    assert f'rel="next" href="/digest/{days[0]}"' in page
    assert f'href="/digest/{weeks[0]}"' in page
    assert "/story/" in page
    assert "stories with news" in page
    assert "with news so far" in get(full, f"/digest/{days[0]}")
    assert "<h1>The week in stories</h1>" in get(full, f"/digest/{weeks[0]}")


def test_invalid_days_have_no_pages(full: FlaskClient, site: FlaskClient) -> None:
    for name in ((TODAY + DAY).isoformat(), "2020-01-01", "2026-02-30", "x", quote("2026-11-27\n")):
        get(full, f"/digest/{name}", 404)
    assert "No digests yet" in get(site, "/digest")
    get(site, f"/digest/{TODAY}", 404)


def test_a_day_without_stories_says_so(site: FlaskClient, room: Newsroom, independent: list[str]) -> None:
    room.story("Old", independent[:1], at=NOW - 3 * DAY)
    assert "Nothing was published on this day" in get(site, f"/digest/{TODAY - 2 * DAY}")


@pytest.mark.parametrize("form", ["rss", "atom", "json"])
def test_the_feed_has_an_item_for_each_day_and_week_that_is_over(full: FlaskClient, form: str) -> None:
    answer = full.get(f"/digest.{form}")
    assert answer.status_code == 200
    body = answer.get_data(as_text=True)
    assert "Accept" in answer.headers["Vary"]  # browsers get another content type
    if form == "json":
        items = answer.get_json()["items"]
        links, ids = [item["url"] for item in items], [item["id"] for item in items]
        assert "_groundswell" not in items[0]
        assert "<li><a href=" in items[0]["content_html"]
    else:
        parsed = feedparser.parse(body)
        assert not parsed.bozo
        links, ids = [entry.link for entry in parsed.entries], [entry.id for entry in parsed.entries]
        assert "gs:score" not in body
    assert len(set(ids)) == len(ids) >= 2
    assert not any(link.endswith(TODAY.isoformat()) for link in links)
    assert any(link.endswith((TODAY - DAY).isoformat()) for link in links)


def test_headlines_of_sources_are_escaped_everywhere(
    store: Store, room: Newsroom, config: Config, independent: list[str], site: FlaskClient
) -> None:
    room.story("<script>alert(1)</script> & co", independent[:1], at=yesterday(9), score=90)
    edition = editions.named((TODAY - DAY).isoformat(), "UTC")
    assert edition is not None
    content = mail.message(digest(store, config, edition), config, NOW)

    (item,) = site.get("/digest.json").get_json()["items"]
    for text in (content["html"], get(site, f"/digest/{edition.name}"), item["content_html"]):
        assert "<script>alert" not in text
    assert "&lt;script&gt;" in content["html"]
    assert "<script>alert(1)</script> & co" in content["text"]


# Mail


def run(dispatcher: Dispatcher, *moments: datetime) -> None:
    async def steps() -> None:
        for moment in moments:
            await dispatcher.step(moment)

    asyncio.run(steps())


def test_digests_are_mailed_once_at_their_time(
    store: Store, room: Newsroom, config: Config, independent: list[str]
) -> None:
    """Europe/Berlin, at 07:30: daily each day, weekly on Monday."""
    monday = TODAY - timedelta(days=TODAY.weekday())
    zone = ZoneInfo("Europe/Berlin")
    morning = datetime(monday.year, monday.month, monday.day, 7, 30, tzinfo=zone).astimezone(UTC)
    for back in range(1, 6):
        room.story(f"Story of {back} days ago", independent[:2], at=morning - back * DAY, score=60 + back)
    with mail_service() as server:
        target = AlertTarget(f"mailto://127.0.0.1:{server.port}/?from=site@news.example&to=me@reader.example")
        settings = replace(
            config,
            site=Site(timezone="Europe/Berlin", url="https://news.example"),
            alerts=Alerts(allow_private=True),
            digest=DigestSettings(at=7 * 60 + 30, daily=(target,), weekly=(target,)),
        )
        dispatcher = Dispatcher(settings, store, Path())
        run(dispatcher, morning - 2 * HOUR, morning - timedelta(minutes=1))
        assert server.received == []
        run(dispatcher, morning + timedelta(minutes=1), morning + timedelta(minutes=3), morning + 5 * HOUR)
        run(Dispatcher(settings, store, Path()), morning + 6 * HOUR)
        assert len(server.received) == 2
        run(dispatcher, morning + DAY, morning + DAY + HOUR)
        assert len(server.received) == 3

    daily, weekly, _ = server.received
    assert daily["Subject"] == f"Groundswell: The day in stories: {mail.span_of(editions.day(monday - DAY, 'UTC'))}"
    assert "The week in stories" in weekly["Subject"]
    plain, rich = (part.get_content() for part in weekly.iter_parts())
    assert plain.index("Story of 5 days ago") < plain.index("Story of 2 days ago")
    assert "https://news.example/story/" in plain
    assert 'href="https://news.example/story/' in rich
    assert not re.search(r"<(img|script|link|style)\b", rich)


def test_a_clock_that_was_just_set_sends_no_digest_and_raises_no_alarm(
    store: Store, room: Newsroom, config: Config, independent: list[str]
) -> None:
    room.story("News", independent[:2], at=NOW - DAY)
    settled = [True]
    with mail_service() as server:
        target = AlertTarget(f"mailto://127.0.0.1:{server.port}/?from=site@news.example&to=me@reader.example")
        settings = replace(
            config,
            alerts=Alerts(allow_private=True, operator=OperatorAlarms(disk=2**63)),
            digest=DigestSettings(at=(NOW - HOUR).hour * 60, daily=(target,)),
        )
        dispatcher = Dispatcher(settings, store, Path(), is_settled=lambda: settled[0])
        settled[0] = False
        run(dispatcher, NOW, NOW + 31 * DAY)
        assert (server.received, store.alarms.standing()) == ([], [])
        settled[0] = True
        run(dispatcher, NOW + HOUR, NOW + DAY)
        assert len(server.received) == 1
        assert [alarm.subject for alarm in store.alarms.standing()] == ["disk"]


def test_a_digest_that_was_just_configured_waits_for_its_next_time(
    store: Store, room: Newsroom, config: Config, independent: list[str]
) -> None:
    room.story("News", independent[:2], at=NOW - DAY)
    with mail_service() as server:
        target = AlertTarget(f"mailto://127.0.0.1:{server.port}/?from=site@news.example&to=me@reader.example")
        before = (NOW - HOUR).hour * 60
        settings = replace(config, alerts=Alerts(allow_private=True), digest=DigestSettings(at=before, daily=(target,)))
        run(Dispatcher(settings, store, Path()), NOW, NOW + HOUR)
        assert server.received == []
        run(Dispatcher(settings, store, Path()), NOW + DAY)
        assert len(server.received) == 1


def test_the_commands_of_the_page_work_with_the_file_on_it(tmp_path: Path) -> None:
    database = tmp_path / "groundswell.db"
    now = datetime.now(UTC)
    week_before = (now - timedelta(weeks=1)).isocalendar()
    with Store.open(database) as store:
        room = Newsroom(
            store, Config(Site(), (Category("news", "News"),), (Source("a", "A", "https://a.example/f", "news"),))
        )
        for back in (1, 7, 8):
            room.story(f"Story of {back} days ago", ["a"], at=now - back * DAY)
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    (tmp_path / "feeds.yaml").write_text(f"sources: [{{id: a, url: 'https://a.example/f'}}]\n{example}")
    commands = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.S) for line in block.splitlines()]
    assert len(commands) == 5
    results = {}
    with mail_service() as server:
        address = f"mailto://127.0.0.1:{server.port}/?from=site@news.example&to=me@reader.example"
        for command in commands:
            done = subprocess.run(
                [sys.executable, "-m", "groundswell", *command.split()[1:]],
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": str(ROOT), "DIGEST_TO": address},
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, (command, done.stderr)
            results[command] = done.stdout

    assert "Story of 1 days ago" in results["groundswell digest"]
    weekly = results["groundswell digest --week --html"]
    assert f"/digest/{week_before.year}-W{week_before.week:02}" in weekly
    assert weekly.startswith("<!doctype html>")
    assert len(server.received) == 1
