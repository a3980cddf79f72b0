"""Our subscriptions at the hubs of other sites.

`deliveries` has the documents that hubs deliver.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.model import HubStatus
from aggregator.store.codec import moment, moment_or_none, shifted, stamp
from aggregator.store.connection import Connection, Row


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription to a source at a hub."""

    source_id: str
    hub: str
    topic: str
    token: str
    secret: str
    wanted: bool
    lease_until: datetime | None
    """None: the hub has not confirmed it."""
    failures: int
    delivered_at: datetime | None
    missed_at: datetime | None
    """When a poll last found news that the hub had not delivered."""

    def works(self, now: datetime) -> bool:
        """Return whether the hub is reliable: its lease is valid, and it has delivered since it last missed news."""
        confirmed = self.wanted and self.lease_until is not None and self.lease_until > now
        delivered = self.delivered_at
        return confirmed and delivered is not None and (self.missed_at is None or delivered > self.missed_at)


class HubSubscriptions:
    """`subscriptions`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def all(self) -> dict[str, Subscription]:
        """Return every subscription, by source."""
        return {row["source_id"]: _subscription(row) for row in self._db.rows("select * from subscriptions")}

    def of_source(self, source_id: str) -> Subscription | None:
        """Return the subscription of a source, or None."""
        row = self._db.row("select * from subscriptions where source_id = :id", {"id": source_id})
        return None if row is None else _subscription(row)

    def of_token(self, token: str) -> Subscription | None:
        """Return the subscription whose callback has that token, or None."""
        row = self._db.row("select * from subscriptions where token = :token", {"token": token})
        return None if row is None else _subscription(row)

    def standings(self, now: datetime) -> dict[str, HubStatus]:
        """Return the state of each wanted subscription, by source."""
        return {
            row["source_id"]: HubStatus(
                hub=row["hub"],
                lease_until=moment_or_none(row["lease_until"]),
                delivered_at=moment_or_none(row["delivered_at"]),
                relied_on=_subscription(row).works(now),
                message=row["last_words"],
            )
            for row in self._db.rows("select * from subscriptions where wanted = 1")
        }

    # For the worker

    def want(self, source_id: str, hub: str, topic: str, token: str, secret: str, now: datetime) -> None:
        """Begin a subscription, replacing another of that source; its request to the hub is due at once."""
        with self._db.transaction():
            self.forget(source_id)
            self._db.run(
                """insert into subscriptions (source_id, hub, topic, token, secret, wanted, due_at)
                values (:id, :hub, :topic, :token, :secret, 1, :now)""",
                {"id": source_id, "hub": hub, "topic": topic, "token": token, "secret": secret, "now": stamp(now)},
            )

    def drop(self, source_id: str, now: datetime) -> None:
        """Make an unsubscribe request due; a subscription that was never confirmed is removed at once."""
        params = {"id": source_id, "now": stamp(now)}
        self._db.run("delete from subscriptions where source_id = :id and lease_until is null", params)
        self._db.run(
            "update subscriptions set wanted = 0, due_at = :now, failures = 0 where source_id = :id and wanted = 1",
            params,
        )

    def forget(self, source_id: str) -> None:
        """Remove a subscription without a request to its hub."""
        self._db.run("delete from subscriptions where source_id = :id", {"id": source_id})

    def shift_schedule(self, step: timedelta) -> None:
        """Move leases and due requests by *step*, by which the system clock was set."""
        self._db.run_many(
            "update subscriptions set lease_until = :lease_until, due_at = :due_at where source_id = :id",
            [
                {
                    "id": row["source_id"],
                    "lease_until": shifted(row["lease_until"], step),
                    "due_at": shifted(row["due_at"], step),
                }
                for row in self._db.rows("select source_id, lease_until, due_at from subscriptions")
            ],
        )

    def due(self, now: datetime, limit: int) -> list[Subscription]:
        """Return the subscriptions whose request to the hub is due, the longest waiting first."""
        rows = self._db.rows(
            "select * from subscriptions where due_at <= :now order by due_at, source_id limit :limit",
            {"now": stamp(now), "limit": limit},
        )
        return [_subscription(row) for row in rows]

    def record_request(self, source_id: str, message: str, failures: int, due_at: datetime) -> None:
        """Record a hub's response, and when the next request is due."""
        self._db.run(
            """update subscriptions set last_words = :message, failures = :failures, due_at = :due
            where source_id = :id""",
            {"id": source_id, "message": message, "failures": failures, "due": stamp(due_at)},
        )

    def record_missed(self, source_id: str, now: datetime) -> None:
        """Record that a poll found news that the hub had not delivered; part of the transaction of that poll."""
        self._db.run(
            "update subscriptions set missed_at = :now where source_id = :id", {"id": source_id, "now": stamp(now)}
        )

    # For the site

    def confirm(self, source_id: str, lease_until: datetime, renew_at: datetime) -> None:
        """Record that the hub confirmed a subscription; its renewal is due before the lease ends."""
        self._db.run(
            """update subscriptions set lease_until = :until, due_at = :renew, failures = 0, last_words = 'confirmed'
            where source_id = :id""",
            {"id": source_id, "until": stamp(lease_until), "renew": stamp(renew_at)},
        )

    def refuse(self, source_id: str, message: str, again_at: datetime) -> None:
        """Record that the hub refused a subscription, or ended it."""
        self._db.run(
            "update subscriptions set lease_until = null, due_at = :at, last_words = :message where source_id = :id",
            {"id": source_id, "at": stamp(again_at), "message": message},
        )


def _subscription(row: Row) -> Subscription:
    return Subscription(
        source_id=row["source_id"],
        hub=row["hub"],
        topic=row["topic"],
        token=row["token"],
        secret=row["secret"],
        wanted=bool(row["wanted"]),
        lease_until=None if row["lease_until"] is None else moment(row["lease_until"]),
        failures=row["failures"],
        delivered_at=moment_or_none(row["delivered_at"]),
        missed_at=moment_or_none(row["missed_at"]),
    )
