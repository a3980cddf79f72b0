"""A site on a streaming replica: everything can be read, and writes are refused with a message."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from aggregator.store import Store
from tests.postgres.cluster import Cluster, binaries, running_cluster
from tests.postgres.test_same_results import tell
from tests.scoring.world import CONFIG, NOON
from web.app import close_app, create_app

TOKEN = "r" * 43


@pytest.fixture
def replica_site(postgres: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Flask]:
    url = postgres.new_database()
    with Store.connect(url) as store:
        tell(store)
    folder = binaries()
    assert folder is not None
    with running_cluster(folder, replica_of=postgres) as replica:
        monkeypatch.setenv("DATABASE_URL", replica.same_database(url, postgres))
        app = create_app(tmp_path / "groundswell.db", lambda: NOON, fallback_config=CONFIG, token=TOKEN)
        yield app
        close_app(app)


def test_a_replica_is_read_and_refuses_changes(replica_site: Flask, postgres: Cluster) -> None:
    client = replica_site.test_client()
    stories = client.get("/api/v1/stories").get_json()["items"]
    assert stories

    rules = [rule for rule in replica_site.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments]
    # Health reports that no worker runs; wrong tokens for reader apps would use up this address's attempts.
    pages = [str(rule) for rule in rules if not str(rule).startswith(("/healthz", "/api/greader"))]
    pages += [f"/story/{stories[0]['id']}.md", "/trending.rss"]
    failed = {path: code for path in pages if (code := client.get(path).status_code) >= 500}
    assert failed == {}

    origin = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    signed_in = client.post("/admin/sign-in", data={"token": TOKEN}, headers=origin)
    assert signed_in.status_code == 403
    assert "a copy of the database that can only be read" in signed_in.text
    posted = client.post(
        "/api/v1/entries",
        json={"source": CONFIG.sources[0].id, "id": "1", "title": "Harbour reopens", "url": "http://news.example/1"},
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    assert posted.status_code == 403
    assert "can only be read" in posted.get_json()["detail"]
    # Refused writes do not break the connection or later pages.
    assert client.get("/").status_code == 200


def test_a_replica_follows_what_is_written(postgres: Cluster) -> None:
    url = postgres.new_database()
    folder = binaries()
    assert folder is not None
    with Store.connect(url) as store, running_cluster(folder, replica_of=postgres) as replica:
        store.state.set("a name", "a value")
        with Store.connect(replica.same_database(url, postgres)) as copy:
            deadline = time.monotonic() + 30
            while copy.state.get("a name") != "a value":
                assert time.monotonic() < deadline
                time.sleep(0.05)
