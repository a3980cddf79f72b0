"""A site that was copied into PostgreSQL shows the same pages, feeds and API as before."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from aggregator.store.transfer.to_postgres import transfer
from tests.postgres.cluster import Cluster

PATHS = (
    *("/", "/topics", "/sources", "/about", "/accuracy", "/lists", "/categories", "/llms.txt", "/digest", "/healthz"),
    *("/feed.xml", "/feed.json", "/sitemap.xml", "/?sort=score", "/search", "/search?q=openai", "/search?q=openia"),
    *("/search?q=chips+-nvidia&order=newest", "/search?q=%22language+model%22&order=newest", "/search?q=author:smith"),
    *("/search?q=score:>60", "/api/v1/stories", "/api/v1/sources", "/api/v1/categories", "/api/v1/topics"),
)
UNCOUNTED = {"User-Agent": "Googlebot/2.1"}
"""Its visits are not counted, so that no page changes because it was read."""


def stable(text: str) -> str:
    """Return a page without the parts that change with each request."""
    return re.sub(r"nonce-[\w-]+|nonce=\"[^\"]+\"|request [0-9a-f-]+", "", text)


def test_every_page_is_the_same_from_either_database(
    edition_db: Path,
    postgres: Cluster,
    tmp_path: Path,
    make_app: Callable[..., Flask],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    db = tmp_path / "news.db"
    shutil.copy(edition_db, db)
    url = postgres.emptied_database()
    transfer(db, url, lambda name, done, total: None)
    before = make_app(db).test_client()
    stories = re.findall(r"/story/(\d+)", before.get("/").text)[:5]
    paths = (*PATHS, *(path for story in stories for path in (f"/story/{story}", f"/api/v1/stories/{story}")))
    expected = {path: before.get(path, follow_redirects=True, headers=UNCOUNTED) for path in paths}

    monkeypatch.setenv("DATABASE_URL", url)
    after = make_app(tmp_path / "elsewhere.db").test_client()

    differing = []
    for path, answer in expected.items():
        other = after.get(path, follow_redirects=True, headers=UNCOUNTED)
        if (answer.status_code, stable(answer.text)) != (other.status_code, stable(other.text)):
            differing.append((path, answer.status_code, other.status_code))
    assert differing == []
    assert sum(answer.status_code == 200 for answer in expected.values()) > 25
