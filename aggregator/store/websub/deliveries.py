"""Documents that hubs delivered, until the worker stores their entries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.store.codec import stamp
from aggregator.store.connection import Connection

MAX_WAITING = 4
"""Limit of waiting deliveries per source; the hub retries what does not fit."""
MAX_WAITING_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class Delivery:
    """A document that a hub delivered."""

    delivery_id: int
    source_id: str
    content_type: str
    body: bytes


class HubDeliveries:
    """`deliveries`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, source_id: str, content_type: str, body: bytes, now: datetime) -> bool:
        """Store a delivery for the worker; False when too many are waiting."""
        waiting = self._db.row(
            """select count(*) filter (where source_id = :id), coalesce(sum(length(body)), 0) from deliveries""",
            {"id": source_id},
        )
        if waiting is None or waiting[0] >= MAX_WAITING or waiting[1] + len(body) > MAX_WAITING_BYTES:
            return False
        params = {"id": source_id, "at": stamp(now), "type": content_type, "body": body}
        self._db.run(
            "insert into deliveries (source_id, at, content_type, body) values (:id, :at, :type, :body)", params
        )
        self._db.run(
            "update subscriptions set delivered_at = :at, deliveries = deliveries + 1 where source_id = :id", params
        )
        return True

    def waiting(self, limit: int) -> list[Delivery]:
        """Return the deliveries that are not stored yet, the oldest first."""
        rows = self._db.rows("select * from deliveries order by delivery_id limit :limit", {"limit": limit})
        return [Delivery(row["delivery_id"], row["source_id"], row["content_type"], row["body"]) for row in rows]

    def remove(self, delivery_id: int) -> None:
        """Remove a delivery; part of the transaction that stores its entries."""
        self._db.run("delete from deliveries where delivery_id = :id", {"id": delivery_id})
