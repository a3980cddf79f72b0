"""The worker's nightly jobs work with PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from aggregator.store import Store
from groundswell.cli import cli
from tests.aggregator.store.test_store import NOON, SOURCE, add, arrival
from tests.postgres.cluster import Cluster


def test_the_nightly_measurement_counts_the_words_that_suggestions_come_from(
    postgres: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.emptied_database()
    with Store.connect(url) as store:
        store.feeds.sync([SOURCE], NOON)
        add(store, arrival("a", title="Nvidia opens a lab"))
        assert store.search.nearest("nvdia") == []
    (tmp_path / "feeds.yaml").write_text("sources: [{id: wire, url: 'https://wire.example/feed'}]\n")
    monkeypatch.setenv("DATABASE_URL", url)

    done = CliRunner().invoke(cli, ["evaluate", "--live", "--feeds", str(tmp_path / "feeds.yaml")])

    assert done.exit_code == 0, done.output
    with Store.connect(url) as store:
        assert store.search.nearest("nvdia") == ["nvidia"]
