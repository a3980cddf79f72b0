"""Meaning as evidence next to words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aggregator.model import Embedding
from scoring.clustering.clusterer import Clusterer
from scoring.clustering.comparison import nearest_meaning
from scoring.language.analysed_text import AnalysedText, analyse
from scoring.language.terms import DocumentFrequency, load_background
from scoring.meaning.embeddings import quantize

FIRST = "OpenAI signs up for Amazon Trainium chips"
OTHER = "Amazon chips for cloud customers get cheaper"


def embedding(angle: float, encoder: str = "test") -> Embedding:
    return Embedding(encoder, quantize(np.array([np.cos(angle), np.sin(angle)], np.float32)))


def text(number: int, title: str, embedding_of_title: Embedding | None) -> AnalysedText:
    at = 1_700_000_000.0 + 60.0 * number
    return analyse(
        entry_id=number,
        source_id=f"s{number}",
        link="",
        title=title,
        summary="",
        at=at,
        arrived=at,
        embedding=embedding_of_title,
    )


def placed(first: Embedding | None, other: Embedding | None) -> tuple[int, float]:
    """Return where the second headline is placed after the first, and with which probability."""
    clusterer = Clusterer(DocumentFrequency(load_background()))
    for item in (text(1, FIRST, first), text(2, "Ferry docks by itself", None)):
        clusterer.add(item, clusterer.place(item).story_id)
    placement = clusterer.place(text(3, OTHER, other))
    return placement.story_id, placement.probability


def test_of_the_same_words_those_join_that_mean_the_same() -> None:
    assert placed(embedding(0.0), embedding(0.1))[0] == 1
    assert placed(embedding(0.0), embedding(1.5))[0] == 3


@pytest.mark.parametrize(("first", "other"), [(None, 0.0), (0.0, None), (None, None)])
def test_where_one_was_not_encoded_the_words_decide_alone(first: float | None, other: float | None) -> None:
    embeddings = [None if angle is None else embedding(angle) for angle in (first, other)]

    assert placed(*embeddings) == placed(None, None)


def test_embeddings_of_two_encoders_are_not_compared() -> None:
    assert placed(embedding(0.0, "old"), embedding(0.0, "new")) == placed(None, None)


def test_the_nearest_of_the_latest_entries_counts() -> None:
    clusterer = Clusterer(DocumentFrequency(load_background()))
    entry = clusterer._weigh(text(1, FIRST, embedding(0.0)))
    members = [
        replace(entry.member, embedding=vector)
        for vector in (embedding(1.0), embedding(0.2), None, embedding(0.0, "old"))
    ]

    assert nearest_meaning(entry, members) == pytest.approx(np.cos(0.2), abs=0.01)
    assert nearest_meaning(entry, members[2:]) is None


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ("Release notes: version 1.0.2", "Release notes: version 8.1.5"),
        ("Answers and hints for November 17", "Answers and hints for November 18"),
        ("Quillbox is hiring a backend engineer in Porto", "Quillbox is hiring a product designer in Porto"),
    ],
)
def test_where_versions_dates_or_words_in_a_frame_differ_an_equal_meaning_adds_nothing(first: str, other: str) -> None:
    odds = []
    for vector in (embedding(0.0), None):
        clusterer = Clusterer(DocumentFrequency(load_background()))
        for item in (text(1, first, vector), text(2, "Ferry docks by itself", None)):
            clusterer.add(item, clusterer.place(item).story_id)
        placement = clusterer.place(text(3, other, vector))
        odds.append(placement.probability if placement.story_id == 1 else 1.0 - placement.probability)

    assert odds[0] <= odds[1]


def test_similarity_is_judged_against_the_nearest_other_story() -> None:
    """Titles on one subject are all close to each other; the evidence is what stands out."""
    probabilities = []
    for stranger in (1.5, 0.25):
        clusterer = Clusterer(DocumentFrequency(load_background()))
        for item in (text(1, FIRST, embedding(0.0)), text(2, "Ferry docks by itself", embedding(stranger))):
            clusterer.add(item, clusterer.place(item).story_id)
        probabilities.append(clusterer.place(text(3, OTHER, embedding(0.1))).probability)

    assert probabilities[0] > probabilities[1]
