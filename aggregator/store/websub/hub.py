"""Who subscribed to which of our feeds, and what is still to be delivered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.store.codec import moment, stamp, stamp_or_none
from aggregator.store.connection import Connection, Row
from aggregator.websub_protocol import Request


@dataclass(frozen=True, slots=True)
class HubRequest:
    """A request that is not confirmed yet."""

    request_id: int
    request: Request
    failures: int


@dataclass(frozen=True, slots=True)
class Subscription:
    """That a feed's changes are delivered somewhere."""

    subscription_id: int
    topic: str
    callback: str
    secret: str
    lease_until: datetime
    failures: int


class HubSubscribers:
    """`hub_subscriptions`, `hub_requests` and `hub_topics`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    # Requests: written by the site, answered by the worker.

    def ask(self, request: Request, at: datetime) -> None:
        """Remember a request; a later one of the same callback for the same topic takes its place."""
        self._db.run(
            """insert or replace into hub_requests (mode, topic, callback, secret, lease_s, due_at)
            values (:mode, :topic, :callback, :secret, :lease, :at)""",
            {
                "mode": request.mode,
                "topic": request.topic,
                "callback": request.callback,
                "secret": request.secret,
                "lease": int(request.lease.total_seconds()),
                "at": stamp(at),
            },
        )

    def counts(self) -> tuple[int, int]:
        """Return how many subscriptions and how many unconfirmed requests there are."""
        one, other = (self._db.value(f"select count(*) from {name}") for name in ("hub_subscriptions", "hub_requests"))
        return int(one), int(other)

    def callbacks_like(self, beginning: str) -> int:
        """Return how many subscriptions and requests have a callback that begins so."""
        return sum(
            int(
                self._db.value(
                    f"select count(*) from {name} where substr(callback, 1, :length) = :beginning",
                    {"length": len(beginning), "beginning": beginning},
                )
            )
            for name in ("hub_subscriptions", "hub_requests")
        )

    def is_subscribed(self, topic: str, callback: str) -> bool:
        """Return whether a callback gets a topic, so that a request renews or ends that."""
        return bool(
            self._db.value(
                "select 1 from hub_subscriptions where topic = :topic and callback = :callback",
                {"topic": topic, "callback": callback},
            )
        )

    def to_confirm(self, now: datetime, most: int) -> list[HubRequest]:
        """Return requests whose callback is to be asked now, the longest waiting first."""
        rows = self._db.rows(
            "select * from hub_requests where due_at <= :now order by due_at, request_id limit :most",
            {"now": stamp(now), "most": most},
        )
        return [
            HubRequest(
                row["request_id"],
                Request(row["mode"], row["topic"], row["callback"], row["secret"], timedelta(seconds=row["lease_s"])),
                row["failures"],
            )
            for row in rows
        ]

    def put_off(self, request_id: int, until: datetime) -> None:
        """Ask again later."""
        self._db.run(
            "update hub_requests set due_at = :until, failures = failures + 1 where request_id = :id",
            {"id": request_id, "until": stamp(until)},
        )

    def answered(self, request_id: int) -> None:
        """Forget a request: its callback confirmed or refused it, or never answered."""
        self._db.run("delete from hub_requests where request_id = :id", {"id": request_id})

    # Subscriptions.

    def subscribe(self, request: Request, digest: str, now: datetime) -> None:
        """Begin or renew a subscription; what the feed holds now counts as delivered to a new one."""
        self._db.run(
            """insert into hub_subscriptions (topic, callback, secret, lease_until, digest)
            values (:topic, :callback, :secret, :until, :digest)
            on conflict (topic, callback) do update set secret = :secret, lease_until = :until""",
            {
                "topic": request.topic,
                "callback": request.callback,
                "secret": request.secret,
                "until": stamp(now + request.lease),
                "digest": digest,
            },
        )

    def unsubscribe(self, topic: str, callback: str) -> None:
        """End a subscription."""
        self._db.run(
            "delete from hub_subscriptions where topic = :topic and callback = :callback",
            {"topic": topic, "callback": callback},
        )

    def end_leases(self, now: datetime) -> None:
        """End the subscriptions that were not renewed in time, and forget feeds that nobody listens to."""
        self._db.run("delete from hub_subscriptions where lease_until <= :now", {"now": stamp(now)})
        self._db.run("delete from hub_topics where topic not in (select topic from hub_subscriptions)")

    def topics(self) -> list[str]:
        """Return the feeds that are subscribed to."""
        return [row["topic"] for row in self._db.rows("select distinct topic from hub_subscriptions order by topic")]

    # Changes and deliveries.

    def seen(self, topic: str) -> tuple[str, int] | None:
        """Return the digest of a feed when it was last looked at, and the edition then; None before the first time."""
        row = self._db.row("select digest, edition from hub_topics where topic = :topic", {"topic": topic})
        return None if row is None else (row["digest"], row["edition"])

    def saw(self, topic: str, digest: str, edition: int) -> None:
        """Remember what a feed is like in an edition."""
        self._db.run(
            "insert or replace into hub_topics (topic, digest, edition) values (:topic, :digest, :edition)",
            {"topic": topic, "digest": digest, "edition": edition},
        )

    def changed(self, topic: str, digest: str, now: datetime) -> None:
        """Say that a feed has changed: whoever has not got it like this is due."""
        self._db.run(
            """update hub_subscriptions set due_at = :now, failures = 0 where topic = :topic and digest != :digest""",
            {"topic": topic, "digest": digest, "now": stamp(now)},
        )

    def due(self, now: datetime, most: int) -> list[Subscription]:
        """Return to whom something is to be delivered now, the longest waiting first."""
        rows = self._db.rows(
            """select * from hub_subscriptions where due_at is not null and due_at <= :now
            order by due_at, subscription_id limit :most""",
            {"now": stamp(now), "most": most},
        )
        return [_subscription(row) for row in rows]

    def delivered(self, subscription_id: int, digest: str, now: datetime) -> None:
        """Say that a feed arrived."""
        self._db.run(
            """update hub_subscriptions set due_at = null, failures = 0, digest = :digest, delivered_at = :now,
            last_words = 'delivered' where subscription_id = :id""",
            {"id": subscription_id, "digest": digest, "now": stamp(now)},
        )

    def failed(self, subscription_id: int, words: str, again_at: datetime | None) -> None:
        """Say that a delivery failed, and when to try again; None gives it up."""
        self._db.run(
            """update hub_subscriptions set failures = failures + 1, due_at = :again, last_words = :words
            where subscription_id = :id""",
            {"id": subscription_id, "words": words, "again": stamp_or_none(again_at)},
        )

    def end(self, subscription_id: int) -> None:
        """End a subscription whose callback is gone."""
        self._db.run("delete from hub_subscriptions where subscription_id = :id", {"id": subscription_id})


def _subscription(row: Row) -> Subscription:
    return Subscription(
        subscription_id=row["subscription_id"],
        topic=row["topic"],
        callback=row["callback"],
        secret=row["secret"],
        lease_until=moment(row["lease_until"]),
        failures=row["failures"],
    )
