from __future__ import annotations

import re
from html import unescape
from urllib.parse import quote

from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.web.newsroom import Newsroom


def page(client: FlaskClient, query: str, more: str = "") -> str:
    answer = client.get(f"/search?q={quote(query)}{more}")
    assert answer.status_code == 200
    return answer.text


def links(html_: str) -> list[str]:
    return [unescape(match) for match in re.findall(r'<li><a href="/search\?q=([^"&]+)', html_)]


def test_search_matches_are_marked_and_escaped(site: FlaskClient, room: Newsroom) -> None:
    room.story("Trainium <b>beats</b> expectations", ["seedbed"], summary="The trainium & the market")
    text = page(site, "trainium")
    assert "<mark>Trainium</mark> &lt;b&gt;beats&lt;/b&gt; expectations" in text
    assert "The <mark>trainium</mark> &amp; the market" in text


def test_a_story_found_by_another_sources_headline_says_where(site: FlaskClient, room: Newsroom) -> None:
    room.story("Plant announced", ["techcrunch_ai", "seedbed"], titles=["", "Gigawatts for Ohio"])
    text = page(site, "ohio")
    assert "Plant announced" in text
    assert re.search(r"Match in .*Gigawatts for <mark>Ohio</mark>", text, re.S)


def test_search_operators_apply_and_are_explained_on_the_page(full: FlaskClient, room: Newsroom) -> None:
    assert "score:&gt;80" in full.get("/search").text
    some, fewer = (re.search(r"(\d+) stor", page(full, q)) for q in ("score:>1", "score:>60"))
    assert some
    assert fewer
    assert int(some[1]) > int(fewer[1]) > 0
    assert "No source is called &#39;nobody&#39;." in page(full, "source:nobody")
    assert "score: takes a number" in page(full, "score:high")


def test_a_misspelled_search_offers_what_may_have_been_meant(full: FlaskClient) -> None:
    assert "trainium" in links(page(full, "trainuim"))
    assert "trainium%20gigawatts" in links(page(full, "trainuim gigawtats"))


def test_a_search_is_a_feed_with_all_operators(full: FlaskClient) -> None:
    for query in ("trainium", "score:>60 category:big-tech", '-trainium after:3d "data center"'):
        feed = full.get(f"/search.json?q={quote(query)}&sort=best").get_json()
        shown = re.findall(r'<h2 class="hed"[^>]*><a href="([^"]+)"', page(full, query))
        assert [item["url"].removeprefix("http://localhost") for item in feed["items"]][:30] == shown
        assert quote(query) in feed["feed_url"]


ODD = st.sampled_from(
    ['"', "-", "*", "(", "AND", "source:", "score:>", "after:", "片", "\x00", "<mark>", "&", "%", "{{"]
)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), st.lists(ODD, max_size=8).map("".join))
)
def test_any_search_is_a_page_and_a_feed(full: FlaskClient, query: str) -> None:
    page(full, query)
    assert full.get(f"/search.rss?q={quote(query)}").status_code == 200
