"""Search by meaning and related stories: page, API and feed agree, and without an encoder, words decide."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from aggregator.model import Changes, Config, MeaningSettings, RuleEffect
from scoring.meaning.encoding import encode
from scoring.meaning.search import QueryEncoder
from tests.scoring.meaning.concepts import ConceptEncoder, FailingEncoder
from tests.web.newsroom import Newsroom


@pytest.fixture
def stories(room: Newsroom) -> dict[str, int]:
    """Four stories, encoded afterwards as a worker does."""
    headlines = ("Tremor felt across Chile", "Earthquake in the north", "Ferry docks by itself", "Court halts takeover")
    ids = {
        headline: room.story(headline, ["seedbed"], link=f"https://news.example/{headline}") for headline in headlines
    }
    encoder = ConceptEncoder()
    room.store.embeddings.add(
        encoder.name, encode(encoder, room.store.embeddings.missing(encoder.name, 16)), placed=False
    )
    return ids


@pytest.fixture
def reader(tmp_path: Path, config: Config, make_app: Callable[..., Flask], stories: dict[str, int]) -> FlaskClient:
    queries = QueryEncoder(lambda settings: ConceptEncoder() if settings.model else None)
    return make_app(tmp_path / "news.db", fallback_config=config, query_encoder=queries).test_client()


def test_hidden_and_merged_stories_take_no_place_among_the_newest(room: Newsroom, stories: dict[str, int]) -> None:
    tremor, earthquake, ferry, _ = stories.values()
    story = room.store.stories.get(tremor)
    assert story is not None
    with room.store.transaction():
        room.store.stories.save(Changes(stories=(replace(story, hidden=True),)))
    room.merge(earthquake, ferry)

    newest = room.store.embeddings.newest(ConceptEncoder().name, 2)

    assert [entry.story_id for entry in newest] == [stories["Court halts takeover"], ferry]


def test_embeddings_of_another_encoder_are_left_out_where_one_is_named(room: Newsroom, stories: dict[str, int]) -> None:
    embeddings, name = room.store.embeddings, ConceptEncoder().name
    embeddings.add("another", {stories["Ferry docks by itself"]: b"\x01\x02"}, placed=False)

    named = embeddings.of_stories(name, [*stories.values()])
    every = embeddings.of_stories("", [*stories.values()])

    assert {entry.embedding.encoder for entry in named} == {name}
    assert len(every) == len(named) + 1


def test_stories_without_a_word_of_the_query_are_found_by_meaning_everywhere_alike(
    reader: FlaskClient, stories: dict[str, int]
) -> None:
    first, second = stories["Tremor felt across Chile"], stories["Earthquake in the north"]
    query = "q=chilean+quake&sort=meaning"

    page = reader.get(f"/search?{query}").text
    api = reader.get(f"/api/v1/search?{query}").json
    feed = reader.get(f"/search.json?{query}").json

    assert api is not None
    assert feed is not None
    assert [item["id"] for item in api["items"]] == [first, second]
    assert [item["title"] for item in feed["items"]] == ["Tremor felt across Chile", "Earthquake in the north"]
    assert re.findall(r'class="hed"[^>]*><a href="/story/(\d+)', page) == [str(first), str(second)]
    assert '<option value="meaning" selected>' in page
    assert "no sentence encoder" not in page
    assert reader.get("/api/v1/search?q=chilean+quake").json == {**api, "items": [], "total": 0}


def test_filters_hold_and_matching_words_come_first(reader: FlaskClient, stories: dict[str, int]) -> None:
    answer = reader.get("/api/v1/search?q=earthquake&sort=meaning").json
    assert answer is not None
    assert [item["id"] for item in answer["items"]] == [
        stories["Earthquake in the north"],
        stories["Tremor felt across Chile"],
    ]
    filtered = reader.get("/api/v1/search?q=earthquake&sort=meaning&min_score=99").json
    assert filtered is not None
    assert filtered["items"] == []


def test_without_an_encoder_the_words_decide_and_the_page_says_so(
    tmp_path: Path, config: Config, make_app: Callable[..., Flask], stories: dict[str, int]
) -> None:
    without = replace(config, meaning=MeaningSettings(""))
    page = (
        make_app(tmp_path / "news.db", fallback_config=without).test_client().get("/search?q=earthquake&sort=meaning")
    )

    assert "This site has no sentence encoder" in page.text
    assert "Earthquake in the north" in re.sub("</?mark>", "", page.text)
    assert "Tremor felt" not in page.text
    assert 'value="meaning"' not in page.text


def test_while_the_encoder_fails_a_search_by_meaning_goes_by_words(
    tmp_path: Path, make_app: Callable[..., Flask], stories: dict[str, int]
) -> None:
    queries = QueryEncoder(lambda _: FailingEncoder())
    reader = make_app(tmp_path / "news.db", query_encoder=queries).test_client()

    answer = reader.get("/api/v1/search?q=earthquake&sort=meaning").json

    assert answer is not None
    assert [item["id"] for item in answer["items"]] == [stories["Earthquake in the north"]]


def test_a_story_shows_related_ones_by_meaning(reader: FlaskClient, stories: dict[str, int], room: Newsroom) -> None:
    def related(headline: str) -> list[str]:
        page = reader.get(f"/story/{stories[headline]}", follow_redirects=True).text
        section = re.search(r'aria-labelledby="related">(.*?)</section>', page, re.S)
        return re.findall(r"/story/(\d+)", section[1]) if section else []

    assert set(related("Tremor felt across Chile")) == {str(stories["Earthquake in the north"])}
    assert related("Ferry docks by itself") == []

    room.store.story_rules.replace(RuleEffect.MUTE, {stories["Earthquake in the north"]: "earthquake"})
    room.store.state.next_edition()
    assert related("Tremor felt across Chile") == []
