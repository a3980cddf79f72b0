"""Series with fixed wording across many sources stay apart on a new site; reports of one event in two wordings join."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import combinations

import pytest

from aggregator.demo.edition import load
from scoring.clustering import reclustering
from scoring.clustering.clusterer import Clusterer
from scoring.language.analysed_text import AnalysedText, analyse
from scoring.language.terms import DocumentFrequency, load_background
from tests.scoring.clustering.series import KINDS, Row, rows

SEEDS = (1, 2, 3)
HOURS_BETWEEN_KINDS = 0.8


def entries(seed: int) -> list[tuple[AnalysedText, Row | None]]:
    """Return the series of all kinds among the sample edition, in order of arrival."""
    edition = load().articles
    start = min(article.released_at for article in edition).timestamp()
    results: list[tuple[AnalysedText, Row | None]] = [
        (_text(number, article.source, article.title, article.summary, article.released_at.timestamp()), None)
        for number, article in enumerate(edition, start=1)
    ]
    for place, kind in enumerate(KINDS):
        for row in rows(kind, seed):
            at = start + (2 + place * HOURS_BETWEEN_KINDS) * 3600.0 + row.minutes * 60.0
            results.append((_text(len(results) + 1, row.source, row.title, row.summary, at), row))
    return sorted(results, key=lambda pair: (pair[0].arrived, pair[0].entry_id))


def _text(number: int, source: str, title: str, summary: str, at: float) -> AnalysedText:
    return analyse(
        entry_id=number, source_id=source, link=f"{source}/{number}", title=title, summary=summary, at=at, arrived=at
    )


@cache
def placed(seed: int) -> Sequence[tuple[Row, int]]:
    """Return each row of the series with its story after all rows."""
    clusterer = Clusterer(DocumentFrequency(load_background()))
    story_of: dict[int, int] = {}
    stream = entries(seed)
    for text, _ in stream:
        clusterer.expire(text.arrived)
        placement = clusterer.place(text)
        merge = reclustering.merge_of(clusterer, text, placement)
        clusterer.add(text, placement.story_id)
        story_of[text.entry_id] = placement.story_id
        if merge is not None:
            clusterer.merge(merge.into, merge.story_id)
            story_of |= {entry: merge.into for entry, story in story_of.items() if story == merge.story_id}
    return [(row, story_of[text.entry_id]) for text, row in stream if row is not None]


@pytest.mark.parametrize("kind", KINDS)
def test_things_of_a_series_stay_apart_and_reports_of_one_thing_meet(kind: str) -> None:
    wrong: list[tuple[str, str]] = []
    missed: list[tuple[str, str]] = []
    for seed in SEEDS:
        of_kind = [(row, story) for row, story in placed(seed) if row.kind == kind]
        for (row, story), (other, others_story) in combinations(of_kind, 2):
            if story == others_story and row.thing != other.thing:
                wrong.append((row.title, other.title))
            if story != others_story and row.thing == other.thing:
                missed.append((row.title, other.title))
    assert not wrong
    assert not missed
