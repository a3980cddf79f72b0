"""What an edited configuration would have changed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from aggregator.cli.options import Front
from aggregator.errors import GroundswellError
from aggregator.model import Config, DecisionKind, RuleEffect, StoryRule
from aggregator.store import Store
from aggregator.text.search_words import indexed
from scoring.cli.commands import COMMANDS
from scoring.evaluation.site import preview as previewing
from scoring.evaluation.site.preview import preview
from scoring.relevance.model import load_prior
from scoring.updater import Updater
from tests.scoring.world import CONFIG, HOUR, NOON, newsroom, publish

POLLS = newsroom(3, polls=10, step=4 * HOUR)
NOW = POLLS[-1][0] + HOUR
MUTED = replace(CONFIG, rules=(StoryRule(RuleEffect.MUTE, "trainium"),))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "news.db") as store:
        store.feeds.sync(CONFIG.sources, NOON)
        updater = Updater(store, CONFIG, load_prior())
        for number, poll in enumerate(POLLS):
            publish(store, poll, edit="Update:" if number == 5 else "")
            updater.run(poll[0])
        updater.run(NOW)
        yield store


def of(store: Store, after: Config, days: int = 1) -> previewing.Preview:
    return preview(store, CONFIG, after, load_prior(), NOW, days)


def test_the_same_configuration_changes_nothing(site: Store) -> None:
    result = of(site, CONFIG)

    assert result.hours_changed == 0
    assert result.stories == ()
    assert len(result.hours) == 24
    assert result.entries_before == result.entries_after == site.entries.count()
    assert all(measure.before == measure.after for measure in result.measures)


def test_a_muted_story_is_gone_in_every_hour_that_showed_it(site: Store) -> None:
    (story,) = [s for s in site.stories.each() if "Trainium" in s.headline and not s.merged_into]
    result = of(site, MUTED)

    (change,) = [change for change in result.stories if change.key == story.story_id]
    assert (change.hours_after, change.best_after) == (0, None)
    assert change.hours_before == sum(story.story_id in {s.key for s in hour.gone} for hour in result.hours) > 0
    assert not any(shown.key == story.story_id for hour in result.hours for shown in hour.came)
    assert change.score == story.score


def test_a_removed_source_takes_its_own_stories_along_and_shared_ones_stay_the_same(site: Store) -> None:
    first = site.entries.get(1)
    assert first is not None
    source = first.source_id
    result = of(site, replace(CONFIG, sources=tuple(s for s in CONFIG.sources if s.id != source)))

    assert result.entries_after < result.entries_before
    alone = {
        story.story_id
        for story in site.stories.each()
        if not story.merged_into and {e.source_id for e, _ in site.memberships.of_story(story.story_id)} == {source}
    }
    # A story that now begins with another entry is still the same story.
    assert {change.key for change in result.stories if not change.hours_after} <= alone
    assert [change for change in result.stories if not change.hours_before] == []


def test_exclude_leaves_out_what_it_would_have_left_out(site: Store) -> None:
    excluding = replace(CONFIG, sources=tuple(replace(s, exclude=("trainium",)) for s in CONFIG.sources))
    result = of(site, excluding)

    assert 0 < result.entries_after < result.entries_before


def dump(path: Path) -> list[str]:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as raw:
        raw.create_function("search_words", 1, indexed, deterministic=True)
        return list(raw.iterdump())


def test_nothing_of_the_site_changes(site: Store, tmp_path: Path) -> None:
    site.feedback.vote(1, True, NOW)
    site.decisions.decide(DecisionKind.HIDE, story_id=1, now=NOW)
    before = dump(tmp_path / "news.db")
    of(site, MUTED)
    assert dump(tmp_path / "news.db") == before


def test_a_preview_states_what_new_sources_and_a_short_past_leave_unknown(site: Store) -> None:
    new = replace(CONFIG.sources[0], id="newcomer", url="https://newcomer.example/feed")
    result = of(site, replace(CONFIG, sources=(*CONFIG.sources, new)), days=30)

    assert any("newcomer" in note for note in result.notes)
    assert any("the site has no older entries" in note for note in result.notes)
    assert result.since > NOW - timedelta(days=30)


def test_the_number_of_entries_is_bounded(site: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previewing, "MAX_ENTRIES", 10)
    result = of(site, CONFIG, days=7)

    assert result.entries_before <= 10 + 4  # those of one poll
    assert any("only the newest 10 entries" in note for note in result.notes)


def test_a_site_without_entries_and_odd_spans_are_refused(site: Store) -> None:
    with Store.open(":memory:") as empty, pytest.raises(GroundswellError, match="there are no entries yet"):
        of(empty, CONFIG)
    with pytest.raises(GroundswellError, match="choose 1 to 30"):
        of(site, CONFIG, days=0)


FEEDS = """
categories: [{id: models}, {id: big-tech}, {id: policy}]
sources:
  - {id: herald, url: https://herald.example/feed, category: policy}
  - {id: lantern, url: https://lantern.example/feed, category: models}
  - {id: courier, url: https://courier.example/feed, category: models}
  - {id: beacon, url: https://beacon.example/feed, category: big-tech}
"""


def test_the_command_prints_the_changes_and_keeps_a_status(site: Store, tmp_path: Path) -> None:
    edited, status = tmp_path / "edited.yaml", tmp_path / "status.json"
    edited.write_text(FEEDS + "rules: [{mute: trainium}]\n")
    command = next(item for item in COMMANDS if item.name == "preview")
    args = ["--feeds", str(edited), "--db", str(tmp_path / "news.db"), "--days", "1"]

    def run(*more: str) -> str:
        result = CliRunner().invoke(command, [*args, *more], obj=Front(lambda: NOW, {}))
        return f"{result.output}{result.exception or ''}"

    assert "this site has no configuration yet" in run()
    site.config_edits.save(FEEDS, None, NOW)
    printed = run("--status", str(status), "--hours")
    assert "The front page changes in" in printed
    assert "Gone: " in printed
    assert "Trainium" in printed
    assert "Scorecard" in printed
    stored = json.loads(status.read_text())
    assert stored["state"] == "done"
    assert stored["result"] == json.loads(run("--json"))
    status.with_suffix(".stop").write_text("")
    assert "stopped" in run("--status", str(status))
    assert json.loads(status.read_text())["state"] == "stopped"
    status.with_suffix(".stop").unlink()
    edited.write_text("sources: [{id: x}]")
    run("--status", str(status))
    assert json.loads(status.read_text())["state"] == "failed"
