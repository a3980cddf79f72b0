"""The commands that find and repair entries that arrived under a clock that was ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from click.testing import CliRunner

from aggregator.store import Store
from groundswell.cli import cli
from scoring.relevance.model import load_prior
from scoring.updater import Updater
from tests.scoring.world import CONFIG, newsroom, publish


def test_check_names_entries_of_the_future_and_update_dates_them_back(tmp_path: Path) -> None:
    feeds, db = tmp_path / "feeds.yaml", tmp_path / "news.db"
    feeds.write_text("categories: [{id: ai, name: AI}]\nsources: []\n")
    ahead = datetime.now(UTC) + timedelta(days=30)
    with Store.open(db) as store:
        store.feeds.sync(CONFIG.sources, ahead)
        for _, entries, source in newsroom(4, polls=3):
            publish(store, (ahead, entries, source))
        Updater(store, CONFIG, load_prior()).run(ahead)
    arguments = ["--feeds", str(feeds), "--db", str(db)]

    checked = CliRunner().invoke(cli, ["check", *arguments])
    assert checked.exit_code == 1
    assert "groundswell update --date-back" in checked.output

    assert CliRunner().invoke(cli, ["update", "--date-back", *arguments]).exit_code == 0
    assert CliRunner().invoke(cli, ["check", *arguments]).exit_code == 0
