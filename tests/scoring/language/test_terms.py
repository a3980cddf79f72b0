from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.language.make_background import count, pack
from scoring.language.terms import Background, DocumentFrequency, load_background, term, terms

NONE = Background(0, {})


@pytest.mark.parametrize(
    ("form", "other"),
    [
        ("chips", "chip"),
        ("companies", "company"),
        ("released", "release"),
        ("releasing", "releases"),
        ("planned", "planning"),
        ("quickly", "quick"),
    ],
)
def test_forms_of_one_word_are_one_term(form: str, other: str) -> None:
    assert term(form) == term(other)


def test_figures_names_and_other_scripts_stay_and_function_words_go() -> None:
    assert terms("The AI bus of 2 gigawatts says 中国 это Москва") == ["ai", "bus", "2gw", "中国", "москва"]


@given(st.lists(st.lists(st.sampled_from("abcdef"), unique=True), min_size=1, max_size=30))
def test_counts_do_not_remember_what_came_before_the_last_days(days: list[list[str]]) -> None:
    steady = DocumentFrequency(NONE, days=5)
    for day, terms_of_day in enumerate(days):
        steady.add(terms_of_day, day)
    last = len(days) - 1
    fresh = DocumentFrequency(NONE, days=5)
    for day, terms_of_day in enumerate(days):
        if day > last - 5:
            fresh.add(terms_of_day, day)

    assert [steady.idf(t) for t in "abcdef"] == [fresh.idf(t) for t in "abcdef"]
    assert steady.entries == fresh.entries == min(len(days), 5)


def test_a_rarer_term_weighs_more_and_the_background_stands_in_for_a_new_site() -> None:
    counted = DocumentFrequency(Background(100, {"say": 90, "trainium": 1}))
    assert counted.idf("trainium") > counted.idf("say") > 0

    for _ in range(50):
        counted.add(["trainium"], 0)
    assert counted.idf("trainium") < DocumentFrequency(Background(100, {"trainium": 1})).idf("trainium")


def test_the_shipped_background_holds_counts_of_many_entries_and_no_text() -> None:
    background = load_background()
    assert background.documents > 100_000
    assert 0 < background.share("amazon") < 0.2
    assert all(" " not in key for key in background.frequency)


def test_the_background_is_packed_to_the_same_bytes_and_leaves_out_what_is_rare() -> None:
    documents, frequency = count(["Amazon opens"] * 5 + ["Zebra opens"])

    packed = pack(documents, frequency, ["made up"])

    data = json.loads(gzip.decompress(packed))
    assert packed == pack(documents, frequency, ["made up"])
    assert (data["documents"], data["terms"]) == (6, {"6": "open", "5": "amazon"})
