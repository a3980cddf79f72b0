"""Which hubs tell us of news, and what they delivered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.model import HubStatus
from aggregator.store.codec import moment, moment_or_none, shifted, stamp
from aggregator.store.connection import Connection, Row

MOST_WAITING = 4
"""Deliveries of one source that wait for the worker; a hub tries again what it could not deliver."""
MOST_WAITING_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class Subscription:
    """That a hub is to tell us of a source's news, or no longer."""

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
    """When a poll last found news that the hub had not told of."""

    def works(self, now: datetime) -> bool:
        """Return whether the hub may be relied on: its lease holds, and it told of news since it last missed some."""
        confirmed = self.wanted and self.lease_until is not None and self.lease_until > now
        delivered = self.delivered_at
        return confirmed and delivered is not None and (self.missed_at is None or delivered > self.missed_at)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A document that a hub delivered."""

    delivery_id: int
    source_id: str
    content_type: str
    body: bytes


class HubSubscriptions:
    """`subscriptions` and `deliveries`."""

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
        """Return how it stands with each hub that is to tell of news, by source."""
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

    # The worker's side

    def want(self, source_id: str, hub: str, topic: str, token: str, secret: str, now: datetime) -> None:
        """Begin a subscription, in the place of another of that source; its hub is to be asked at once."""
        self._db.run(
            """insert or replace into subscriptions (source_id, hub, topic, token, secret, wanted, due_at)
            values (:id, :hub, :topic, :token, :secret, 1, :now)""",
            {"id": source_id, "hub": hub, "topic": topic, "token": token, "secret": secret, "now": stamp(now)},
        )

    def drop(self, source_id: str, now: datetime) -> None:
        """Let the hub be asked to forget us; where it never confirmed anything, forget it at once."""
        params = {"id": source_id, "now": stamp(now)}
        self._db.run("delete from subscriptions where source_id = :id and lease_until is null", params)
        self._db.run(
            "update subscriptions set wanted = 0, due_at = :now, failures = 0 where source_id = :id and wanted = 1",
            params,
        )

    def forget(self, source_id: str) -> None:
        """End a subscription here."""
        self._db.run("delete from subscriptions where source_id = :id", {"id": source_id})

    def shift_schedule(self, step: timedelta) -> None:
        """Move leases and the times at which hubs are asked: the system clock was set by *step*."""
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

    def due(self, now: datetime, most: int) -> list[Subscription]:
        """Return those whose hub is to be asked now, the longest waiting first."""
        rows = self._db.rows(
            "select * from subscriptions where due_at <= :now order by due_at, source_id limit :most",
            {"now": stamp(now), "most": most},
        )
        return [_subscription(row) for row in rows]

    def asked(self, source_id: str, words: str, failures: int, due_at: datetime) -> None:
        """Note what a hub answered, and when to ask it again."""
        self._db.run(
            """update subscriptions set last_words = :words, failures = :failures, due_at = :due
            where source_id = :id""",
            {"id": source_id, "words": words, "failures": failures, "due": stamp(due_at)},
        )

    def missed(self, source_id: str, now: datetime) -> None:
        """Note that a poll found news that the hub had not told of; part of the transaction of that poll."""
        self._db.run(
            "update subscriptions set missed_at = :now where source_id = :id", {"id": source_id, "now": stamp(now)}
        )

    def deliveries(self, most: int) -> list[Delivery]:
        """Return what waits to be taken in, the oldest first."""
        rows = self._db.rows("select * from deliveries order by delivery_id limit :most", {"most": most})
        return [Delivery(row["delivery_id"], row["source_id"], row["content_type"], row["body"]) for row in rows]

    def taken_in(self, delivery_id: int) -> None:
        """Remove a delivery; part of the transaction that stores its entries."""
        self._db.run("delete from deliveries where delivery_id = :id", {"id": delivery_id})

    # The site's side

    def confirm(self, source_id: str, lease_until: datetime, renew_at: datetime) -> None:
        """The hub has confirmed a subscription; it is to be asked again before the lease ends."""
        self._db.run(
            """update subscriptions set lease_until = :until, due_at = :renew, failures = 0, last_words = 'confirmed'
            where source_id = :id""",
            {"id": source_id, "until": stamp(lease_until), "renew": stamp(renew_at)},
        )

    def refused(self, source_id: str, words: str, again_at: datetime) -> None:
        """The hub has refused a subscription, or ended it."""
        self._db.run(
            "update subscriptions set lease_until = null, due_at = :at, last_words = :words where source_id = :id",
            {"id": source_id, "at": stamp(again_at), "words": words},
        )

    def deliver(self, source_id: str, content_type: str, body: bytes, now: datetime) -> bool:
        """Keep a delivery for the worker; False when too many wait already."""
        waiting = self._db.row(
            """select count(*) filter (where source_id = :id), coalesce(sum(length(body)), 0) from deliveries""",
            {"id": source_id},
        )
        if waiting is None or waiting[0] >= MOST_WAITING or waiting[1] + len(body) > MOST_WAITING_BYTES:
            return False
        params = {"id": source_id, "at": stamp(now), "type": content_type, "body": body}
        self._db.run(
            "insert into deliveries (source_id, at, content_type, body) values (:id, :at, :type, :body)", params
        )
        self._db.run(
            "update subscriptions set delivered_at = :at, deliveries = deliveries + 1 where source_id = :id", params
        )
        return True


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
