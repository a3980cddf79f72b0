from __future__ import annotations

from collections.abc import Callable
from math import fsum
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, assume, given, settings
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from werkzeug.datastructures import Headers

from aggregator.model import Site
from aggregator.store import Store
from aggregator.store.derived.scorecards import Measure
from tests.web import newsroom
from tests.web.newsroom import HOUR, NOW, Newsroom
from web.http.addresses import MAX_QUERY_STRING


def get(client: FlaskClient, path: str, code: int = 200, **more: Any) -> Any:
    answer = client.get(f"/api/v1{path}", **more)
    assert answer.status_code == code, answer.text
    kind = "application/json" if code == 200 else "application/problem+json"
    assert answer.content_type.partition(";")[0] == kind
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    return answer.get_json()


def headlines(client: FlaskClient, path: str) -> list[str]:
    return [item["headline"] for item in get(client, path)["items"]]


def test_every_link_of_the_root_address_works(full: FlaskClient) -> None:
    for url in get(full, "/")["links"].values():
        assert full.get(url + ("?q=a" if url.endswith("search") else "")).status_code == 200


def test_a_story_has_its_entries_its_reasons_and_its_ledger(full: FlaskClient) -> None:
    first = get(full, "/stories?limit=1")["items"][0]
    story = get(full, f"/stories/{first['id']}")
    assert {name: story[name] for name in first} == first
    assert len(story["told_by"]) == story["entries"]
    assert len({item["source"]["id"] for item in story["told_by"]}) == story["sources"]
    assert fsum(part["points"] for part in story["explanation"]) == pytest.approx(story["score"])
    assert story["ledger"][0]["score_before"] is None
    assert story["ledger"][-1]["score_after"] == story["score"]
    assert any(line["words"].startswith("Northline Wire: shares trainium") for line in story["ledger"])
    assert "first reported by TechCrunch AI" in {part["reason"] for part in story["explanation"]}
    assert full.get(story["url"]).status_code == 200


def test_a_merged_story_leads_to_the_one_it_is_part_of(site: FlaskClient, room: Newsroom) -> None:
    first, second = room.story("One", ["seedbed"]), room.story("Two", ["seedbed"])
    room.merge(second, first)
    answer = site.get(f"/api/v1/stories/{second}")
    assert (answer.status_code, answer.location) == (301, f"/api/v1/stories/{first}")
    get(site, "/stories/9223372036854775807", 404)


@pytest.mark.parametrize("query", ["", "?sort=newest", "?sort=score&min_score=30", "?window=7d&min_sources=2"])
def test_pages_joined_by_their_cursors_are_the_complete_list(full: FlaskClient, query: str) -> None:
    mark = "&" if query else "?"
    full_list = [item["id"] for item in get(full, f"/stories{query}{mark}limit=100")["items"]]
    pages: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = get(full, f"/stories{query}{mark}limit=7&cursor={cursor}")
        pages += [entry["id"] for entry in page["items"]]
        cursor = page["next_cursor"]
    assert pages[:100] == full_list
    assert len(pages) == len(set(pages))


def test_a_cursor_continues_in_place_after_the_list_grew(site: FlaskClient, room: Newsroom) -> None:
    for i in range(6):
        room.story(f"Story {i}", ["seedbed"], at=NOW - (9 - i) * HOUR)
    first = get(site, "/stories?sort=newest&limit=3")
    room.story("Just in", ["seedbed"], at=NOW - HOUR)
    then = get(site, f"/stories?sort=newest&limit=3&cursor={first['next_cursor']}")
    assert [item["headline"] for item in first["items"] + then["items"]] == [f"Story {i}" for i in (5, 4, 3, 2, 1, 0)]
    assert then["next_cursor"] is None


def test_a_search_says_in_which_entry_it_found_the_words(site: FlaskClient, room: Newsroom) -> None:
    room.story("Plant announced", ["techcrunch_ai", "seedbed"], titles=["", "Gigawatts for Ohio"])
    results = get(site, "/search?q=ohio")
    assert (results["total"], results["next_cursor"]) == (1, None)
    assert results["items"][0]["found_in"]["title"] == "Gigawatts for Ohio"
    assert get(site, "/search?q=source:nobody")["notes"] == ["no source is called 'nobody'"]


def test_searches_have_cursors_too(full: FlaskClient) -> None:
    full_list = headlines(full, "/search?q=the&limit=100")
    page = get(full, "/search?q=the&limit=5")
    then = get(full, f"/search?q=the&limit=5&cursor={page['next_cursor']}")
    assert [item["headline"] for item in page["items"] + then["items"]] == full_list[:10]


@pytest.mark.parametrize(
    ("path", "code", "parameter"),
    [
        ("/nothing", 404, None),
        ("/stories?category=nothing", 404, None),
        ("/stories?limit=0", 400, "limit"),
        ("/stories?limit=many", 400, "limit"),
        ("/stories?min_scroe=80", 400, "min_scroe"),
        ("/stories?window=1y", 400, "window"),
        ("/stories?cursor=abc", 400, "cursor"),
        ("/search", 400, "q"),
        ("/stories?limit=5&limit=6", 400, None),
        (f"/search?q={'a' * 201}", 400, "q"),
    ],
)
def test_errors_are_problem_details(full: FlaskClient, path: str, code: int, parameter: str | None) -> None:
    body = get(full, path, code)
    assert (body["type"], body["status"]) == ("about:blank", code)
    assert [item["parameter"] for item in body.get("errors", [])] == ([parameter] if parameter else [])


def test_other_methods_and_other_names_are_refused_as_problems(full: FlaskClient) -> None:
    for method in ("post", "put", "delete", "patch"):
        answer = full.open("/api/v1/stories", method=method)
        assert (answer.status_code, answer.content_type) == (405, "application/problem+json")
        assert "GET" in answer.headers["Allow"]
    get(full, "/stories", 400, headers={"Host": "elsewhere.example"})


def test_the_scorecard_is_there_once_it_was_measured(site: FlaskClient, store: Store) -> None:
    assert get(site, "/accuracy") == {"day": None, "items": []}
    measure = Measure(7, "", "brier", "site", 0.12, 0.1, None, 40, 30)
    with store.transaction():
        store.scorecards.save(NOW.date(), [measure], {})
        store.state.next_edition()
    body = get(site, "/accuracy")
    assert body["day"] == NOW.date().isoformat()
    assert body["items"] == [
        {"name": "brier", "window_days": 7, "category": "", "method": "site", "value": 0.12, "low": 0.1, "high": None,
         "cases": 40, "needed": 30}
    ]  # fmt: skip


def test_an_answer_is_not_sent_twice(full: FlaskClient) -> None:
    for path in ("/stories", "/stories/1", "/openapi.json"):
        etag = full.get(f"/api/v1{path}").headers["ETag"]
        assert full.get(f"/api/v1{path}", headers={"If-None-Match": etag}).status_code == 304


def test_a_database_that_cannot_be_read_is_a_problem_too(tmp_path: Path, make_app: Callable[..., Flask]) -> None:
    (tmp_path / "bad.db").write_bytes(b"no database at all" * 100)
    answer = make_app(tmp_path / "bad.db").test_client().get("/api/v1/stories")
    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    assert (answer.headers["Retry-After"], answer.headers["Cache-Control"]) == ("10", "no-store")


def test_pages_of_others_may_read_a_public_site_and_not_a_local_one(
    edition_db: Path, make_app: Callable[..., Flask]
) -> None:
    def headers(site: Site, method: str = "GET") -> Headers:
        config = newsroom.sample_config()
        client = make_app(
            edition_db, fallback_config=type(config)(site, config.categories, config.sources)
        ).test_client()
        return client.open("/api/v1/stories", method=method).headers

    def allowed(site: Site, method: str = "GET") -> str | None:
        return headers(site, method).get("Access-Control-Allow-Origin")

    assert allowed(Site(url="https://news.example.org")) == "*"
    assert allowed(Site(url="https://news.example.org"), "OPTIONS") == "*"
    assert headers(Site(url="https://news.example.org"))["Access-Control-Expose-Headers"] == "ETag, Last-Modified, Link"
    preflight = headers(Site(url="https://news.example.org"), "OPTIONS")
    assert preflight["Access-Control-Allow-Methods"] == "GET, HEAD"
    assert preflight["Access-Control-Allow-Headers"] == "If-None-Match, If-Modified-Since"
    assert preflight["Access-Control-Max-Age"] == "86400"
    assert allowed(Site(url="http://127.0.0.1:8000")) is None
    assert allowed(Site(url="http://news.local")) is None


def test_secret_feed_addresses_are_never_shown(full: FlaskClient) -> None:
    items = get(full, "/sources")["items"]
    assert items
    assert all(item["feed"].startswith("https://") for item in items)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
def test_the_interface_keeps_what_its_description_promises(
    edition_db: Path, make_app: Callable[..., Flask], mode: GenerationMode
) -> None:
    """schemathesis: requests that fit the description get the described responses, others are refused."""
    described = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", make_app(edition_db))
    assert described.raw_schema["openapi"].startswith("3.1")
    for results in described.get_all_operations():
        assert isinstance(results, Ok)
        operation = results.ok()
        if mode is GenerationMode.NEGATIVE and not operation.query:
            continue

        @settings(
            max_examples=25,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def holds(case: Any) -> None:
            # What is longer than any address is refused with 414 before it is read, which is not in the description.
            assume(len(urlencode(case.query or {}, doseq=True)) < MAX_QUERY_STRING / 2)
            case.call_and_validate(headers={"Accept-Encoding": "identity"})

        holds()


def test_people_read_the_same_description(full: FlaskClient) -> None:
    page = full.get("/api").text
    for path, methods in get(full, "/openapi.json")["paths"].items():
        assert f"<code>{path}</code>" in page
        for operation in (of for method, of in methods.items() if method != "parameters"):
            for parameter in operation.get("parameters", []):
                assert f"<code>{parameter['name']}</code>" in page
    for field in ("source", "id", "title", "published"):
        assert f"<code>{field}</code>" in page
