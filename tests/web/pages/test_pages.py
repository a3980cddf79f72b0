from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from aggregator.model import Category, Config, Site
from aggregator.model.clock import FastClock, SteppedClock
from aggregator.store import Store
from aggregator.store.lock import WorkerLock
from tests.web.newsroom import HOUR, NOW, Newsroom
from web.present import story_path

LONG = ("Amazon and OpenAI agree on gigawatts of Trainium and more, " * 9)[:500]
ARABIC = "أوبن إيه آي توقّع صفقة رقائق مع أمازون"
CHINESE = "亚马逊与OpenAI达成两吉瓦Trainium芯片协议"


def text(page: str) -> str:
    """Return the visible text with white space collapsed."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", re.sub(r"(?s)<head>.*?</head>", "", page))).split())


def get(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, f"{path}: {answer.status}"
    return answer.text


def lead_path(client: FlaskClient) -> str:
    match = re.search(r'class="lead">.*?<h3[^>]*><a href="([^"]+)"', get(client, "/"), re.S)
    assert match
    return match[1]


# The front page


def test_the_front_page_leads_with_what_trends_and_names_the_others_who_tell_it(full: FlaskClient) -> None:
    page = get(full, "/")
    lead = text(page[page.index('class="lead"') : page.index('<ol class="river"')])
    assert "OpenAI takes 2 gigawatts of Amazon's Trainium" in lead
    assert "Big Tech" in lead
    assert "Score: 73" in lead
    assert "via TechCrunch AI 8 h ago" in lead
    assert "8 sources, 7 independent" in lead
    assert "1 min read" in lead
    assert re.search(r"\b\d+ views\b", lead)
    assert "Also reporting" in page
    assert "Amazon confirms Trainium4 for 2028" in lead


def test_the_front_page_has_a_section_for_each_category_and_the_newest(full: FlaskClient, config: Config) -> None:
    page = get(full, "/")
    for category in config.categories:
        assert f'<h2 id="in-{category.id}">{category.name.replace("&", "&amp;")}</h2>' in page
        assert f'<a href="/category/{category.id}">View all' in page
    assert '<h2 id="newest">Newest</h2>' in page
    assert "13 of 14 sources healthy" in text(page)


def test_a_first_visit_fits_in_twenty_five_kilobytes(full: FlaskClient) -> None:
    page = full.get("/", headers={"Accept-Encoding": "gzip"})
    assert page.headers["Content-Encoding"] == "gzip"
    assets = re.findall(r'(?:href|src)="(/static/[^"]+)"', get(full, "/"))
    sizes = [len(full.get(asset, headers={"Accept-Encoding": "gzip"}).data) for asset in assets]
    assert len(assets) == 4
    assert len(page.data) + sum(sizes) < 25_000
    # One style sheet for all pages, so that a second page needs none: as much as two photographs in a list.
    assert len(full.get(next(a for a in assets if ".css" in a)).data) < 32_000


def test_no_script_holds_up_the_first_picture_of_a_page(full: FlaskClient) -> None:
    scripts = re.findall(r"<script(?! type=.application/)[^>]*>", get(full, "/"))
    assert len(scripts) == 2
    assert all(" async" in script or " defer" in script for script in scripts)


def test_a_site_of_one_story_shows_it(site: FlaskClient, room: Newsroom) -> None:
    room.story("One event and nothing else", ["techcrunch_ai"])
    room.rank()
    assert "One event and nothing else" in get(site, "/")


def test_stories_that_nobody_ranked_yet_are_shown_as_the_newest(site: FlaskClient, room: Newsroom) -> None:
    room.story("Came a minute ago", ["techcrunch_ai"])
    page = get(site, "/")
    assert "Came a minute ago" in page
    assert "Newest stories" in page


# Empty states


def test_without_a_worker_the_front_page_says_how_to_start_one(tmp_path: Path, make_app: Callable[..., Flask]) -> None:
    page = get(make_app(tmp_path / "none.db").test_client(), "/")
    assert "has never run on this database" in page
    assert "groundswell run" in page
    assert "groundswell demo" in page


def test_while_the_first_poll_runs_the_front_page_says_how_far_it_is(site: FlaskClient, room: Newsroom) -> None:
    room.polled("seedbed")
    page = text(get(site, "/"))
    assert "The first poll is running" in page
    assert "1 of 14 sources polled so far" in page
    assert "groundswell demo" in page


def test_when_all_sources_fail_the_front_page_says_why(site: FlaskClient, room: Newsroom) -> None:
    for source in room.config.sources:
        room.polled(source.id, "network", "no address for the host name: is there a network?", None)
    for path in ("/", "/sources", "/category/policy"):
        page = text(get(site, path))
        assert "All sources are failing" in page
        assert "no address for the host name" in page
        assert "groundswell demo" in page


def test_a_silent_worker_is_reported(tmp_path: Path, room: Newsroom, make_app: Callable[..., Flask]) -> None:
    room.story("An older story", ["techcrunch_ai"])
    client = make_app(tmp_path / "news.db", lambda: NOW + timedelta(minutes=9)).test_client()
    assert "The worker is not running" in get(client, "/sources")
    assert "Last heartbeat: 9 min ago" in text(get(client, "/sources"))
    assert "The worker is not running" in get(client, "/")
    answer = client.get("/healthz")
    assert (answer.status_code, answer.get_json()["ok"], answer.get_json()["worker_age_s"]) == (503, False, 544)


def test_a_running_worker_that_cannot_write_is_reported_with_the_cause(
    tmp_path: Path, room: Newsroom, make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    room.story("An older story", ["techcrunch_ai"])
    later = SteppedClock(NOW + timedelta(minutes=9))
    client = make_app(tmp_path / "news.db", later).test_client()
    with WorkerLock(tmp_path / "news.db"):
        assert "cannot write: see its log." in text(get(client, "/sources"))
        full = os.statvfs_result((4096, 4096, 1_000, 2, 2, 10, 10, 10, 0, 255))
        monkeypatch.setattr(os, "statvfs", lambda path: full)
        later.at += timedelta(minutes=1)
        page = text(get(client, "/sources"))
        assert "The worker cannot write: the disk is full. Last heartbeat: 10 min ago" in page
        assert "The database cannot be written: the disk is full." in text(get(client, "/"))
        answer = client.get("/healthz")
        assert (answer.status_code, answer.get_json()["why"]) == (503, "the worker cannot write: the disk is full")
    later.at += timedelta(minutes=1)
    assert "The worker is not running" in get(client, "/sources")


def test_under_a_fast_clock_a_living_worker_is_not_taken_for_silent(
    tmp_path: Path, room: Newsroom, make_app: Callable[..., Flask]
) -> None:
    fast = FastClock(lambda: NOW, NOW, NOW + timedelta(minutes=50), speed=300, end=NOW + timedelta(days=1))
    client = make_app(tmp_path / "news.db", fast).test_client()
    assert client.get("/healthz").get_json()["ok"] is True


def test_a_category_without_stories_points_elsewhere(site: FlaskClient, room: Newsroom) -> None:
    room.story("Something about models", ["techcrunch_ai"], category="models")
    assert "No stories in Policy yet" in get(site, "/category/policy")
    assert "No matching stories" in get(site, "/category/policy?min_score=99")


# Lists


def headlines(page: str) -> list[str]:
    return [unescape(h) for h in re.findall(r'<h2 class="hed"[^>]*><a [^>]*>([^<]*)</a>', page)]


def test_a_category_lists_by_trend_age_or_score(site: FlaskClient, room: Newsroom) -> None:
    room.story("Hot", ["techcrunch_ai"], category="models", trend=5, score=50, at=NOW - 30 * HOUR)
    room.story("Young", ["techcrunch_ai"], category="models", trend=1, score=20, at=NOW - HOUR)
    room.story("Good", ["techcrunch_ai"], category="models", trend=3, score=90, at=NOW - 9 * 24 * HOUR)
    room.story("Elsewhere", ["techcrunch_ai"], category="policy", trend=9)
    room.rank()
    assert headlines(get(site, "/category/models")) == ["Hot", "Good", "Young"]
    assert headlines(get(site, "/category/models?sort=newest")) == ["Young", "Hot", "Good"]
    assert headlines(get(site, "/category/models?sort=score")) == ["Good", "Hot", "Young"]
    assert headlines(get(site, "/category/models?min_score=40")) == ["Hot", "Good"]
    assert headlines(get(site, "/category/models?window=24h")) == ["Young"]
    assert headlines(get(site, "/category/models?window=7d&sort=score")) == ["Hot", "Young"]
    assert headlines(get(site, "/newest")) == ["Young", "Elsewhere", "Hot", "Good"]
    assert headlines(get(site, "/trending"))[0] == "Elsewhere"


def test_a_list_continues_on_further_pages(site: FlaskClient, room: Newsroom) -> None:
    for i in range(35):
        room.story(f"Story {i}", ["techcrunch_ai"], trend=100 - i)
    room.rank()
    first, second = get(site, "/trending"), get(site, "/trending?page=2")
    assert len(headlines(first)) == 30
    assert headlines(second) == [f"Story {i}" for i in range(30, 35)]
    assert 'rel="next" href="/trending?page=2"' in first
    assert 'rel="prev" href="/trending"' in second
    assert "Page 3 does not exist" in get(site, "/trending?page=3")


@pytest.mark.parametrize(
    "query",
    ["page=0", "page=-1", "page=x", "page=" + "9" * 100, "min_score=abc", "min_score=-5", "min_score=1e9", "sort=x",
     "window=%00", "window=24h&window=7d", "min_sources=²", "%ff=%fe", "sort[]=a", "q=" + "a" * 3000],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/trending", "/category/models", "/search", "/category/models.rss"])
def test_an_odd_query_gives_a_page(full: FlaskClient, path: str, query: str) -> None:
    assert full.get(f"{path}?{query}").status_code in (200, 400)


def test_a_page_beyond_the_last_is_refused_with_a_message(full: FlaskClient) -> None:
    assert "at most 1,000 pages" in get(full, "/trending?page=1001", 400)


# A story


def test_a_story_shows_its_score_its_sources_and_its_reasons(full: FlaskClient) -> None:
    page = get(full, lead_path(full))
    visible = text(page)
    for part in (
        "Big Tech Score: 73", "OpenAI takes 2 gigawatts", "AWS and OpenAI have agreed",
        "8 h ago", "1 min read", "8 sources, 7 independent", "Infrastructure desk , TechCrunch AI",
        "The agreement runs for eight years.", "Read the original at TechCrunch AI", "Why this score",
        "“trainium”", "Score history", "Northline Wire: shares trainium, gigawatts, openai",
        "Trending now", "More in Big Tech",
        "counted with The Ledgerline", "4 sources within 1 h", "first reported by TechCrunch AI",
    ):  # fmt: skip
        assert part in visible, part
    assert '<time datetime="2026-11-19T09:20:00Z" title="19 Nov 2026, 09:20 UTC">8 h ago</time>' in page
    assert "10 entries in 7 hours; 7 independent sources. First: TechCrunch AI" in visible
    assert page.count('href="/category/big-tech">View all') == 1


def test_the_parts_of_a_score_add_up_on_the_page(full: FlaskClient) -> None:
    page = get(full, lead_path(full))
    start = page.index('class="parts"')
    table = page[start : page.index("</table>", start)]
    points = [float(p.replace("−", "-")) for p in re.findall(r'class="num (?:plus|minus)">([^<]+)<', table)]
    shown = re.search(r'<tfoot>.*?class="num">(\d+)<', table, re.S)
    assert shown
    assert round(sum(points), 6) == float(shown[1])


def test_a_story_has_one_address(site: FlaskClient, room: Newsroom) -> None:
    story_id = room.story(CHINESE, ["techcrunch_ai"])
    story = room.store.stories.get(story_id)
    assert story
    address = story_path(story)
    assert get(site, address)
    for other in (f"/story/{story_id}", f"/story/{story_id}/", f"/story/{story_id}/an-older-headline"):
        answer = site.get(other)
        assert (answer.status_code, answer.location) == (301, address)
    get(site, "/story/999/anything", 404)
    get(site, f"/story/{10**30}/anything", 404)
    get(site, "/story/abc/def", 404)


def test_a_merged_story_leads_to_the_one_it_became(site: FlaskClient, room: Newsroom) -> None:
    first, second, third = (room.story(name, ["techcrunch_ai"]) for name in ("First", "Second", "Third"))
    room.merge(first, second)
    room.merge(second, third)
    answer = site.get(f"/story/{first}/first")
    assert (answer.status_code, answer.location) == (301, f"/story/{third}/third")


def test_a_provisional_score_says_so(site: FlaskClient, room: Newsroom) -> None:
    story_id = room.story("Thin", ["techcrunch_ai"], provisional=True, contributions=())
    page = get(site, f"/story/{story_id}/thin")
    assert "This score is provisional" in page
    assert "The parts of this score will be available" in page


@pytest.mark.parametrize(("headline", "language"), [(LONG, "en"), (ARABIC, "ar"), (CHINESE, "zh-Hans")])
def test_any_headline_has_its_page(site: FlaskClient, room: Newsroom, headline: str, language: str) -> None:
    room.story(headline, ["techcrunch_ai", "seedbed"], language=language)
    room.rank()
    path = lead_path(site)
    page = get(site, unquote(path))
    assert f"{headline}</h1>" in page
    assert 'dir="auto"' in page
    assert (f'dir="auto" lang="{language}"' in page) == (language != "en")


def test_a_story_of_sixty_sources_lists_them_all(site: FlaskClient, room: Newsroom) -> None:
    sources = [source.id for source in room.config.sources]
    reporters = [sources[i % len(sources)] for i in range(60)]
    story_id = room.story("Everybody tells it", reporters)
    page = get(site, f"/story/{story_id}/everybody-tells-it")
    assert page.count('rel="noopener noreferrer nofollow ugc"') >= 60
    assert page.count('<circle class="dot') >= 60


def test_a_story_without_a_usable_link_is_text(site: FlaskClient, room: Newsroom) -> None:
    story_id = room.story("No link", ["techcrunch_ai"], link="javascript:alert(1)//")
    page = get(site, f"/story/{story_id}/no-link")
    assert "javascript:" not in page
    assert "Read the original" not in page


# Search


def test_search_finds_by_words_and_says_how_many(full: FlaskClient) -> None:
    page = text(get(full, "/search?q=trainium"))
    assert "2 stories" in page
    assert "OpenAI takes 2 gigawatts" in page
    assert "AWS puts the whole Neuron compiler" in page
    only = get(full, "/search?q=trainium&category=open-source")
    assert headlines(only) == ["AWS puts the whole Neuron compiler under Apache 2.0, code generator included"]


def test_search_without_a_result_suggests_what_has_one(full: FlaskClient) -> None:
    page = text(get(full, "/search?q=trainium+zeppelin"))
    assert "No matching stories" in page
    assert "trainium 2" in page
    filtered = get(full, "/search?q=trainium&min_score=100")
    assert "Without filters:" in filtered
    assert "Try fewer words" in get(full, "/search?q=zeppelin")
    assert "Search all stories" in get(full, "/search")


def test_a_long_search_is_cut_and_says_so(full: FlaskClient) -> None:
    assert "Only the first 200 characters were used" in get(full, "/search?q=" + "ab+" * 300)
    get(full, "/search?q=" + "a" * 5000, 414)


@pytest.mark.parametrize("query", ['"', '""', "AND OR NOT", "a*", "title:x", "NEAR(", "-x", "%00", "';drop", "{{7*7}}"])
def test_any_search_is_a_page(full: FlaskClient, query: str) -> None:
    get(full, "/search?q=" + query)


# Sources and words


def test_sources_tell_how_each_one_is(full: FlaskClient) -> None:
    page = text(get(full, "/sources"))
    assert "Failing 1 Healthy 13" in page
    assert "timed out after 20 s" in page
    assert "3 failures in a row" in page
    assert "nothing new since Tuesday not modified, HTTP 304" in page
    assert "in 18 minutes" in page
    assert "The worker is not running" not in page


def test_an_error_in_the_configuration_is_shown_with_its_message(site: FlaskClient, room: Newsroom) -> None:
    room.store.config_edits.save("sources: [", "feeds.yaml:14:5: category <scince> is not one of science", NOW)
    page = get(site, "/sources")
    assert "feeds.yaml has an error" in page
    assert "category &lt;scince&gt; is not one of science" in page


def test_a_source_shows_what_it_published_and_in_which_story(full: FlaskClient) -> None:
    page = text(get(full, "/source/techcrunch_ai"))
    assert "TechCrunch AI" in page
    assert "Published entries" in page
    assert "story : OpenAI takes 2 gigawatts" in page
    get(full, "/source/nobody", 404)


def test_a_source_that_was_never_polled_has_a_page(tmp_path: Path, make_app: Callable[..., Flask]) -> None:
    page = text(get(make_app(tmp_path / "x.db").test_client(), "/source/seedbed"))
    assert "No entries yet" in page
    assert "This source has not been polled yet" in page


def test_about_speaks_of_the_configuration_that_runs(site: FlaskClient, store: Store) -> None:
    store.config_edits.save(
        "site: {title: The Morning Swell}\ncategories: [{id: news, name: News}]\n"
        "scoring: {top_share: 0.25, half_life: 90m}\nsources: [{id: a, url: 'https://a.example/feed'}]\n",
        None,
        NOW,
    )
    store.state.next_edition()
    page = text(get(site, "/about"))
    assert "scores below 15 ranks below every fresh story of 15 or more" in page
    assert "The Morning Swell polls 1 source, groups" in page
    assert "among the top 25%" in page
    assert "halves every 1 hour" in page


def test_a_configuration_that_cannot_be_read_leaves_the_last_one(site: FlaskClient, store: Store) -> None:
    store.config_edits.save("future: true\n", None, NOW)
    assert "Groundswell polls 14 sources" in text(get(site, "/about"))


def test_feeds_lists_everything_to_subscribe_to(full: FlaskClient, config: Config) -> None:
    page = get(full, "/feeds")
    linked = set(re.findall(r'href="([^"]+\.(?:rss|atom|json))"', page))
    assert len(linked) == 3 * (3 + len(config.categories) + len(config.sources)), "trending, newest, digests and these"
    for path in sorted(linked):
        get(full, path)


# Operation


def test_health_is_well_while_the_worker_beats(full: FlaskClient) -> None:
    answer = full.get("/healthz")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.get_json()["ok"] is True
    assert answer.get_json()["worker_age_s"] == 4
    assert answer.get_json()["edition"] > 1


def test_a_site_is_ready_while_its_worker_is_down(
    edition_db: Path, make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    late = make_app(edition_db, clock=lambda: NOW + timedelta(hours=1)).test_client()
    assert late.get("/healthz").status_code == 503
    assert (late.get("/readyz").status_code, late.get("/readyz").get_json()["ok"]) == (200, True)
    (tmp_path / "other.db").write_bytes(b"this is no database " * 500)
    assert make_app(tmp_path / "other.db").test_client().get("/readyz").status_code == 503


def test_a_damaged_database_gives_calm_pages_and_recovers(tmp_path: Path, make_app: Callable[..., Flask]) -> None:
    db = tmp_path / "news.db"
    db.write_bytes(b"this is no database " * 500)
    client = make_app(db).test_client()
    for path in ("/", "/sources", "/story/1/x", "/trending.rss", "/search?q=a"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert "Temporarily unavailable" in answer.text
        assert answer.headers["Retry-After"] == "10"
        assert "Traceback" not in answer.text
    assert client.get("/healthz").get_json()["ok"] is False
    assert client.get("/about").status_code == 200


def test_the_demo_makes_the_browser_reload(edition_db: Path, make_app: Callable[..., Flask]) -> None:
    client = make_app(edition_db, refresh=timedelta(seconds=5)).test_client()
    assert client.get("/").headers["Refresh"] == "5"
    assert client.get("/").headers["Refresh"] == "5"
    assert "Refresh" not in client.get("/trending.rss").headers
    assert "Refresh" not in client.get("/nothing").headers


def test_the_site_is_named_by_its_configuration(tmp_path: Path, make_app: Callable[..., Flask]) -> None:
    named = Config(Site(title="<b>Swell", language="de"), (Category("a", "A & B"),), ())
    page = get(make_app(tmp_path / "x.db", fallback_config=named).test_client(), "/")
    assert "&lt;b&gt;Swell" in page
    assert '<html lang="de">' in page
    assert "A &amp; B" in page
