from __future__ import annotations

from collections.abc import Sequence

import pytest

from aggregator.model import NO_REASON, Cause, Changes, ReasonKind, because
from scoring.clustering import comparison, reclustering
from scoring.clustering.bisection import Halves
from scoring.clustering.clusterer import Placement
from scoring.engine import Engine
from scoring.relevance.model import load_prior
from tests.scoring.world import CONFIG, HOUR, NOON, entry

REPORTS = (
    ("Earthquake strikes northern Ruritania", "A tremor was felt in the province of Strelsau.", "lantern"),
    (
        "Dozens hurt as buildings fall in Zenda",
        "Rescue teams dig for survivors in the old town of Zenda.",
        "courier",
    ),
    (
        "Rescue teams dig in Zenda after earthquake in Ruritania",
        "A tremor in northern Ruritania felled buildings in the old town of Zenda; dozens are hurt.",
        "beacon",
    ),
)


ELECTIONS = (
    ("Democrat wins special election in Strelsau's 4th district", "", "lantern"),
    ("Democrat wins special election in Hentzau's 11th district", "", "lantern"),
    ("Marta Quell wins Strelsau House seat in special election", "", "courier"),
)


def with_margin(
    margin: float, monkeypatch: pytest.MonkeyPatch, reports: Sequence[tuple[str, str, str]] = REPORTS
) -> tuple[Engine, list[Changes]]:
    monkeypatch.setattr(reclustering, "MERGE_MARGIN", margin)
    monkeypatch.setattr(reclustering, "MIN_LIKENESS", 0.0)
    engine = Engine(CONFIG, load_prior())
    steps = []
    for number, (title, summary, source) in enumerate(reports, start=1):
        at = NOON + number * HOUR
        steps.append(engine.step([entry(number, title, summary, source=source, at=at)], at))
    return engine, steps


def test_a_report_on_both_merges_two_stories(monkeypatch: pytest.MonkeyPatch) -> None:
    apart, steps = with_margin(99.0, monkeypatch)
    assert [story.story_id for story in apart.stories()] == [1, 2]

    engine, steps = with_margin(-20.0, monkeypatch)

    older, gone = steps[2].stories
    assert [story.story_id for story in engine.stories()] == [1]
    assert (older.story_id, older.entries, older.independent_sources, older.merged_into) == (1, 3, 3, None)
    assert (gone.story_id, gone.merged_into) == (2, 1)
    final = {m.entry_id: m for m in steps[2].memberships}
    assert {m.story_id for m in final.values()} == {1}
    assert all(m.joined_at == NOON + 3 * HOUR for m in final.values())
    assert [(line.story_id, line.cause) for line in steps[2].ledger] == [
        (1, Cause.JOINED),
        (1, Cause.MERGED),
        (2, Cause.MERGED),
    ]
    assert steps[2].ledger[-1].reason.kind == ReasonKind.BECAME_PART_OF
    assert steps[2].ledger[-1].reason.values[0] == 1
    assert steps[2].ledger[-1].score_after == older.score


def test_two_things_of_one_series_do_not_merge(monkeypatch: pytest.MonkeyPatch) -> None:
    _, steps = with_margin(-20.0, monkeypatch, ELECTIONS)
    assert not any(story.merged_into for step in steps for story in step.stories)


@pytest.mark.parametrize(("limit", "value"), [("MIN_SERIES_NAMES", 99.0), ("MAX_SERIES_ENTRIES", 0)])
def test_reports_of_one_wording_merge_if_their_names_tell_little_or_the_stories_are_large(
    limit: str, value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, limit, value)
    _, steps = with_margin(-20.0, monkeypatch, ELECTIONS)
    assert any(story.merged_into for step in steps for story in step.stories)


def test_what_comes_later_joins_the_story_that_stayed(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, _ = with_margin(-20.0, monkeypatch)
    at = NOON + 5 * HOUR

    changes = engine.step([entry(4, "Buildings fall in Zenda: dozens hurt", "Old town of Zenda.", at=at)], at)

    assert changes.memberships[0].story_id == 1


def test_a_voice_keeps_its_time_in_a_merge(monkeypatch: pytest.MonkeyPatch) -> None:
    """A merge is not news: the trend counts each voice from when it joined its story at the time."""
    engine, steps = with_margin(-20.0, monkeypatch)

    assert steps[2].stories[0].last_source_at == NOON + 3 * HOUR
    assert [voice.joined for voice in engine._state.live[1].voices.values()] == [NOON + n * HOUR for n in (1, 2, 3)]


@pytest.mark.parametrize(("across", "parts"), [(0.14, True), (0.16, False)])
def test_a_story_splits_where_its_halves_share_less_than_a_seventh_of_what_each_shares(
    across: float, parts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clusterer = Engine(CONFIG, load_prior())._state.clusterer
    monkeypatch.setattr(clusterer, "halves", lambda texts: Halves((0, 2), (1, 3), across, 1.0))
    split = reclustering.split_of(clusterer, [], 0)
    assert (split.leaving if split else None) == ((1, 3) if parts else None)


QUAKE = ("Earthquake strikes northern Ruritania", "A tremor was felt in the province of Strelsau and in Zenda.")
CHIP = ("Plover unveils an error-corrected processor", "Banks may order the processor of Plover from May.")


def mixed(separated: float, monkeypatch: pytest.MonkeyPatch) -> tuple[Engine, list[Changes]]:
    """Two entries of one event and two of another, all in one story."""
    monkeypatch.setattr(reclustering, "MAX_SPLIT_RATIO", separated)
    engine = Engine(CONFIG, load_prior())
    place = engine._state.clusterer.place
    monkeypatch.setattr(
        engine._state.clusterer,
        "place",
        lambda text: place(text) if text.entry_id == 1 else Placement(1, 0.2, 0.6, NO_REASON),
    )
    steps = []
    for number, (report, source) in enumerate(
        zip((QUAKE, CHIP, QUAKE, CHIP), ("lantern", "courier", "beacon", "quill"), strict=True), start=1
    ):
        at = NOON + number * HOUR
        steps.append(engine.step([entry(number, *report, source=source, at=at)], at))
    return engine, steps


def test_a_story_whose_halves_share_nothing_falls_apart_and_both_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    together, _ = mixed(0.0, monkeypatch)
    assert [(story.story_id, story.entries) for story in together.stories()] == [(1, 4)]

    engine, steps = mixed(0.35, monkeypatch)

    assert [(story.story_id, story.entries) for story in engine.stories()] == [(1, 2), (2, 2)]
    moved = [member for member in steps[3].memberships if member.story_id == 2]
    assert [member.entry_id for member in moved] == [2, 4]
    assert all((member.reason.kind, member.reason.values[0]) == (ReasonKind.LEFT, 1) for member in moved)
    assert [(line.story_id, line.cause) for line in steps[3].ledger] == [
        (1, Cause.JOINED),
        (1, Cause.SPLIT),
        (2, Cause.SPLIT),
    ]
    assert steps[3].ledger[1].reason.values[1] == because(ReasonKind.WENT_TO, 2, 2)


@pytest.mark.parametrize(("entries", "due"), [(3, False), (4, True), (5, False), (6, True), (9, True), (500, False)])
def test_a_story_is_looked_at_each_time_it_grew_by_half(entries: int, due: bool) -> None:
    assert reclustering.due(entries) == due
