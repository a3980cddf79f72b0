"""`groundswell explain` prints a score that adds up."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from aggregator.cli.options import Front
from aggregator.model import Membership, ReasonKind, Story, because
from aggregator.store import Store
from tests.scoring.press import HOUR, MONDAY, model, signals
from tests.web import newsroom
from web.cli.explain import explain, membership, score_lines


def test_the_drawing_shows_every_part_and_the_sum() -> None:
    scored = model().score(signals(delays=(0 * HOUR, HOUR, 2 * HOUR)))
    story = Story(
        story_id=1,
        headline="Zephyr Labs unveils a chip",
        summary="",
        lead_entry_id=1,
        category_id="models",
        first_seen_at=MONDAY,
        last_source_at=MONDAY,
        updated_at=MONDAY,
        entries=3,
        sources=3,
        independent_sources=3,
        score=scored.score,
        relevance=scored.relevance,
        provisional=True,
        trend=0.0,
        contributions=scored.contributions,
    )

    drawn = score_lines(story, str)

    assert drawn[0] == f"Score: {scored.score} (provisional)   Zephyr Labs unveils a chip"
    assert any("3 independent sources" in line for line in drawn)
    shown = [line.split()[0] for line in drawn[1:-1]]
    assert sum(round(10 * float(points)) for points in shown) == 10 * scored.score


def test_an_entry_says_why_it_joined_and_how_sure_that_was() -> None:
    shares = because(ReasonKind.SHARES, "Plover", "chips")
    joined = Membership(2, 1, MONDAY, 0.62, 0.914, shares, "plover.example")
    opened = Membership(1, 1, MONDAY, 0.0, 1.0, because(ReasonKind.FIRST_REPORT), "plover.example")
    assert membership(joined) == "shares Plover, chips (91% sure, similarity 0.62)"
    assert membership(opened) == "first report"


def test_the_history_names_sources_and_a_part_of_nothing_has_no_minus(tmp_path: Path) -> None:
    db = newsroom.filled(tmp_path / "news.db")
    with Store.open(db) as store, store.transaction():
        (lead,) = store.story_lists.ranked("", 1)
        store.places.replace({lead.story.story_id: [("age", -0.001, 0.1)]})
        store.feeds.sync(newsroom.sample_config().sources, newsroom.NOW)
    result = CliRunner().invoke(
        explain, [str(lead.story.story_id), "--db", str(db)], obj=Front(lambda: newsroom.NOW, {})
    )
    assert result.exit_code == 0, result.output
    assert "first reported by TechCrunch AI" in result.output
    assert "Northline Wire: shares trainium" in result.output
    assert "+0.00  last new source within the hour" in result.output
    assert "-0.00" not in result.output


def test_json_has_ids_of_sources_in_fields_and_their_names_in_sentences(tmp_path: Path) -> None:
    db = newsroom.filled(tmp_path / "news.db")
    with Store.open(db) as store, store.transaction():
        (lead,) = store.story_lists.ranked("", 1)
        store.feeds.sync(newsroom.sample_config().sources, newsroom.NOW)
    result = CliRunner().invoke(
        explain, [str(lead.story.story_id), "--json", "--db", str(db)], obj=Front(lambda: newsroom.NOW, {})
    )
    assert result.exit_code == 0, result.output
    explained = json.loads(result.output)
    assert "northline_wire" in {entry["source"] for entry in explained["entries"]}
    assert any(line["words"].startswith("Northline Wire: shares trainium") for line in explained["ledger"])
    assert "first reported by TechCrunch AI" in {part["reason"] for part in explained["contributions"]}
