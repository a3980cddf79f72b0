"""Files of version 0.1.0 are opened, migrated and used: a database, a model file and a feeds.yaml written by it."""

from __future__ import annotations

import sqlite3
import tarfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from aggregator.config import load_config
from aggregator.demo.edition import STARTS_AT
from aggregator.model import DecisionKind, ReasonKind
from aggregator.site.backup import back_up, restore
from aggregator.store import Store
from aggregator.store.sqlite import migrations
from scoring.learning.model_store import current
from scoring.relevance.model import load_prior
from scoring.updater import Updater
from web.present.reasons import sentence

WRITTEN = Path(__file__).resolve().parent / "data" / "v0.1.0.tar.xz"
LATER = STARTS_AT + timedelta(hours=13)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The folder of a site that ran version 0.1.0."""
    with tarfile.open(WRITTEN) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def test_its_configuration_means_the_same(site: Path) -> None:
    config = load_config(site / "feeds.yaml", env={})
    assert len(config.sources) == 6
    paused = config.source("paused_one")
    assert paused is not None
    assert (paused.enabled, paused.weight, paused.owner, paused.language) == (False, 0.5, "paused", "de")
    assert (paused.full_text, paused.images, paused.user_agent) == (True, False, "Reader/1")
    assert config.scoring.top_share == 0.1
    assert config.retention.entries is None
    assert config.alerts.failures == 5


def test_its_database_keeps_every_fact_and_remains_usable(site: Path) -> None:
    db, config = site / "groundswell.db", load_config(site / "feeds.yaml", env={})
    with closing(sqlite3.connect(db)) as raw:
        before = raw.execute("select entry_id, source_id, identity, title, first_seen_at from entries").fetchall()
    with Store.open(db) as store:
        assert store.faults() == []
        entries = list(store.entries.each())
        assert len(entries) == len(before) == 11
        assert [(e.entry_id, e.source_id, e.identity, e.title) for e in entries] == [row[:4] for row in before]
        assert {vote.up for vote in store.feedback.votes()} == {True, False}
        decisions = store.decisions.history()
        assert {decision.kind for decision in decisions} == {
            DecisionKind.CATEGORY,
            DecisionKind.PIN,
            DecisionKind.HIDE,
        }
        assert [decision.kind for decision in decisions if decision.undone_at] == [DecisionKind.HIDE]
        assert [action.kind for action in store.actions.newest(10)] == ["vote"]
        assert store.config_edits.valid_text() == (site / "feeds.yaml").read_text(encoding="utf-8")
        # It stored reasons as sentences, which are shown unchanged.
        stored = [line.reason for story in store.stories.each() for line in store.stories.ledger(story.story_id)]
        assert {reason.kind for reason in stored} == {ReasonKind.TEXT}
        assert any(sentence(reason).startswith("first reported by ") for reason in stored)
        scored = [part for story in store.stories.each() for part in story.contributions]
        assert "what any story starts with" in {sentence(part.reason) for part in scored if part.name == "base"}
        # Its snapshot of the engine has another format, so the state is rebuilt from the entries.
        updater = Updater(store, config, current(store.models))
        updater.run(LATER)
        stories = {story.story_id: story for story in store.stories.each()}
        assert {membership.story_id for story in stories for _, membership in store.memberships.of_story(story)} <= set(
            stories
        )
        assert any(story.pinned for story in stories.values())
        assert any(story.category_id == "policy" for story in stories.values())
        assert store.story_lists.ranked()


def test_its_learned_model_scores_or_is_set_aside_for_the_prior(site: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Store.open(site / "groundswell.db") as store:
        model = current(store.models)
    if model.version == load_prior().version:
        # Weights are relative to the prior they were trained with; if that has changed, training starts over.
        assert "was made for the prior of another version" in caplog.text
        assert "`groundswell train` makes a new one" in caplog.text
    else:
        assert model.labels == 553


def test_its_backup_is_restored(site: Path, tmp_path: Path) -> None:
    """A backup made by 0.1.0 contains only the database."""
    other = tmp_path / "elsewhere"
    other.mkdir()
    done = restore(site / "groundswell.db", other / "news.db", other / "feeds.yaml", LATER)
    assert (done.models, done.has_config) == (0, False)
    back_up(other / "news.db", other / "feeds.yaml", other / "copy.db")
    restore(other / "copy.db", tmp_path / "again.db", tmp_path / "again.yaml", LATER)
    assert (tmp_path / "again.yaml").read_bytes() == (site / "feeds.yaml").read_bytes()


@pytest.mark.parametrize("steps", range(1, len(migrations.STEPS) + 1))
def test_a_database_of_every_earlier_schema_is_migrated(tmp_path: Path, steps: int) -> None:
    db = tmp_path / "news.db"
    with patch.object(migrations, "STEPS", dict(list(migrations.STEPS.items())[:steps])):
        Store.open(db).close()
    with closing(sqlite3.connect(db)) as raw, raw:
        raw.execute(
            """insert into sources (source_id, name, url, owner, category_id, position, enabled)
            values ('wire', 'Wire', 'https://wire.example/', 'wire.example', 'news', 0, 1)"""
        )
        raw.execute(
            """insert into entries (source_id, identity, link, canonical_link, title, summary, content, author, tags,
            language, words, stated_at, first_seen_at, digest)
            values ('wire', 'a', '', '', 'Fab opens', '', '', '', '[]', '', 2, '', '2026-11-17T12:00:00.000000Z', '')"""
        )
        raw.execute("insert into entries_fts (rowid, title, summary) values (1, 'Fab opens', '')")
        raw.execute("insert into votes values (1, 1, '2026-11-17T12:00:00.000000Z')")
    with Store.open(db) as store:
        assert store.faults() == []
        [entry] = store.entries.each()
        assert (entry.title, entry.source_id) == ("Fab opens", "wire")
        assert [vote.title for vote in store.feedback.votes()] == ["Fab opens"]
