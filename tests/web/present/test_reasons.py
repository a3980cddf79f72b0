"""Every reason has a sentence in every language; reasons of older and newer versions are shown too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import NO_REASON, Reason, ReasonKind, Site, because
from aggregator.store import codec
from scoring.ranking.page_order import PlacePart
from tests.web import newsroom
from web.i18n.catalogs import LOCALES
from web.present import reasons
from web.present.reasons import language_of, sentence

K = ReasonKind
BOTH = because(K.BOTH_MENTION, "Plover", "chips")
HALVES = because(K.HALVES_DIFFER, 0.03, 0.41)
SENTENCES = [
    (because(K.FIRST_REPORT), "first report"),
    (because(K.SAME_LINK), "same link"),
    (because(K.SAME_HEADLINE), "same headline"),
    (because(K.SHARES, "Plover", "1.4 million chips"), "shares Plover, 1.4 million chips"),
    (because(K.CAME_WITH, 7, BOTH), "came with story 7: both mention Plover, chips"),
    (
        because(K.LEFT, 7, HALVES),
        "left story 7 when it split: similarity is 0.03 between its halves and 0.41 within them",
    ),
    (BOTH, "both mention Plover, chips"),
    (HALVES, "similarity is 0.03 between its halves and 0.41 within them"),
    (because(K.EDITOR_SPLIT), "an editor's split"),
    (because(K.EDITOR_MERGE), "an editor's merge"),
    (because(K.EDITOR_MOVE), "an editor's move"),
    (because(K.EDITOR_CATEGORY, "chips"), "an editor put it into chips"),
    (because(K.EDITOR_HIDE), "an editor hid it"),
    (because(K.EDITOR_PIN), "an editor pinned it"),
    *(
        (because(K.EDITOR_UNDO, kind), f"an editor {what}")
        for kind, what in (
            ("split", "undid a split"),
            ("merge", "undid a merge"),
            ("move", "undid a move"),
            ("category", "undid a change of category"),
            ("hide", "made it visible again"),
            ("pin", "unpinned it"),
        )
    ),
    (because(K.FIRST_REPORTED_BY, "wire"), "first reported by wire"),
    (because(K.JOINED, "wire", because(K.SAME_LINK)), "wire: same link"),
    (because(K.TOOK_IN, 7, BOTH), "absorbed story 7: both mention Plover, chips"),
    (because(K.BECAME_PART_OF, 1, because(K.EDITOR_MERGE)), "became part of story 1: an editor's merge"),
    (because(K.WENT_TO, 1, 3), "1 entry went to story 3"),
    (because(K.CAME_FROM, 2, 3), "2 entries came from story 3"),
    (
        because(K.REGROUPED, because(K.EDITOR_MOVE), because(K.WENT_TO, 1, 3), because(K.CAME_FROM, 2, 4)),
        "an editor's move: 1 entry went to story 3, 2 entries came from story 4",
    ),
    (because(K.TEXT_CHANGED), "its source changed the text"),
    (because(K.MODEL, "2026-11-28"), "model 2026-11-28"),
    (because(K.EDITORS_VOTED), "editors voted"),
    (because(K.CONFIG_CHANGED), "feeds.yaml changed"),
    (because(K.BASE), "the starting point of every story"),
    (because(K.WORD, "chip"), "word 'chip'"),
    (because(K.WORDS, 1), "1 word"),
    (because(K.OTHER_WORDS, 12), "12 other words"),
    (because(K.SOURCES, 6), "6 independent sources"),
    (because(K.SOURCES_WITHIN, 3, 1), "3 sources within 1 h"),
    (because(K.LINKS_TO, "example.org"), "link to example.org"),
    (because(K.ADDRESS_WORDS), "words in the address"),
    (because(K.TITLE_MEANING), "what the title says, by its meaning"),
    (because(K.FILED_UNDER, "AI", "Chips"), "filed under AI, Chips"),
    (because(K.SEEN_AT, "13:05"), "13:05 UTC"),
    (because(K.SEEN_ON_WEEKEND, 5, "13:05"), "first seen Saturday 13:05 UTC"),
    (because(K.TITLE_SHAPE, 9, 0), "a title of 9 words, and how it is worded"),
    (because(K.TITLE_SHAPE, 1, 1), "a title of 1 word, and how it is worded, a question"),
    (because(K.NEW_SHARE, 0.4), "40% of the title is new"),
    (because(K.SOURCE_PACE, 1), "its source published 1 other entry within a day"),
    (because(K.OTHERS_REPORT), "others report on the same things"),
    (because(K.OWN_VOTE), "an editor voted on it"),
    (because(K.SIMILAR_VOTES), "editors voted on similar stories"),
    (because(K.WITHOUT, "The Wire"), "without The Wire"),
    (because(K.ALONE, "The Wire"), "with The Wire alone"),
    (because(K.TITLE_ALONE), "by its title alone"),
    (Reason(K.TEXT, ("came with story 3: both tell of chips",)), "came with story 3: both tell of chips"),
    (NO_REASON, ""),
]


@pytest.mark.parametrize(("reason", "expected"), SENTENCES, ids=[expected for _, expected in SENTENCES])
def test_a_reason_reads_as_a_sentence(reason: Reason, expected: str) -> None:
    assert sentence(reason) == expected


def test_every_kind_is_in_the_table_above() -> None:
    assert {reason.kind for reason, _ in SENTENCES} == set(ReasonKind)


@pytest.mark.parametrize("reason", [reason for reason, _ in SENTENCES], ids=[text for _, text in SENTENCES])
def test_a_reason_survives_being_stored(reason: Reason) -> None:
    assert codec.reason(codec.reason_text(reason)) == reason


@given(st.text(max_size=40).filter(lambda text: not text.startswith('["')))
def test_a_sentence_that_an_older_version_stored_is_shown_as_it_is(text: str) -> None:
    stored = codec.reason(text)
    assert sentence(stored) == text
    assert language_of(stored) == ("en" if text else language_of(NO_REASON))


@pytest.mark.parametrize(
    ("plain", "expected"),
    [
        (["of a later version", 3, ["same link"]], "of a later version 3 same link"),
        (["sources", 3, 4, 5], "sources 3 4 5"),
        (["halves differ", "a", "b"], "halves differ a b"),
        (["seen on weekend", 12, "13:05"], "seen on weekend 12 13:05"),
    ],
)
def test_what_a_later_version_stored_is_shown_as_well_as_can_be(plain: list[object], expected: str) -> None:
    assert sentence(Reason.from_plain(plain)) == expected


def test_a_place_names_first_that_a_story_is_breaking_and_last_what_lowers_it() -> None:
    parts = [PlacePart("age", -3.0, 60.0), PlacePart("worth", -1.0, 0.1), PlacePart("coverage", 1.0, 2.0)]
    assert reasons.place(parts) == "2 independent sources, but last new source 60 h ago"
    assert reasons.place(parts, 4) == "4 sources in the last hour, 2 independent sources, but last new source 60 h ago"
    assert reasons.place(parts[:2]) == "last new source 60 h ago"


def test_a_single_source_explains_no_place() -> None:
    parts = [PlacePart("worth", 2.0, 0.9), PlacePart("coverage", 0.0, 1.0)]
    assert reasons.place(parts) == "90% likely on an editor's front page, by its text"
    assert reasons.place(parts[1:]) == "1 independent source"


def test_the_parts_of_a_place_read_as_numbers() -> None:
    assert reasons.place_part(PlacePart("worth", 1.0, 0.801)) == "80% likely on an editor's front page, by its text"
    assert reasons.place_part(PlacePart("score", 1.0, 88.0)) == "score 88"
    assert reasons.place_part(PlacePart("growth", 1.0, 2.0)) == "2 independent sources in the last 3 hours"
    assert reasons.place_part(PlacePart("age", -0.1, 0.4)) == "last new source within the hour"


def test_reasons_follow_the_language_of_the_site(edition_db: Path, make_app: Callable[..., Flask]) -> None:
    config = replace(newsroom.sample_config(), site=Site(title="Groundswell", language="de"))
    app = make_app(edition_db, fallback_config=config)
    with app.test_request_context("/"):
        assert sentence(because(K.SOURCES_WITHIN, 3, 1)) == "3 Quellen innerhalb von 1 Std."
        assert sentence(because(K.SEEN_ON_WEEKEND, 6, "13:05")) == "zuerst gesehen Sonntag 13:05 UTC"
        assert sentence(because(K.NEW_SHARE, 0.4)) == "40\xa0% des Titels sind neu"


def test_the_store_never_sees_a_sentence() -> None:
    """A kind is a short name: sentences belong in web.present.reasons."""
    assert all(len(kind.value) <= 20 and kind.value.islower() for kind in ReasonKind)
    assert msgspec.json.decode(codec.reason_text(BOTH)) == ["both mention", "Plover", "chips"]
    assert len(LOCALES) == 7
