"""The query for due feeds costs the same however many feeds there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aggregator.model import Source
from aggregator.store import Store
from tests.postgres.cluster import Cluster

FEEDS = 5_000
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_what_is_due_is_read_along_the_index(postgres: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.connect(postgres.new_database()) as store:
        store.feeds.sync(
            [
                Source(id=f"s{number}", name="A source", url=f"https://host{number}.example/", category="news")
                for number in range(FEEDS)
            ],
            NOW,
        )
        connection = store._connection
        connection.run(
            """update feeds set next_poll_at = to_char(timestamp '2026-11-23 12:00:00'
            + cast(substr(source_id, 2) as bigint) * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
        )
        plans: list[str] = []
        rows = connection.rows

        def explained(sql: str, params: dict[str, Any] | None = None) -> Any:
            plans.append("\n".join(row[0] for row in rows(f"explain {sql}", params)))
            return rows(sql, params)

        # After the first sync, PostgreSQL's statistics may know the feeds but treat the sources table as empty.
        for table in ("feeds", "sources"):
            connection.run(f"vacuum analyze {table}")
            with monkeypatch.context() as patch:
                patch.setattr(connection, "rows", explained)
                due = store.feeds.due(NOW + timedelta(seconds=9), 40, ["host3.example"], frozenset(range(128)))
            assert 0 < len(due) < 9
        assert len(plans) == 4
        for plan in plans:
            assert "Index Scan using feeds_due" in plan
            assert "Seq Scan" not in plan
            assert "Sort" not in plan
