"""Subscriptions of others to the site's feeds, and pending deliveries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.store.codec import moment, stamp, stamp_or_none
from aggregator.store.connection import Connection, Row, upsert
from aggregator.websub_protocol import Request


@dataclass(frozen=True, slots=True)
class HubRequest:
    """A request that its callback has not confirmed yet."""

    request_id: int
    request: Request
    failures: int


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription of a callback to a feed."""

    subscription_id: int
    topic: str
    callback: str
    secret: str
    lease_until: datetime
    failures: int


class HubRequests:
    """`hub_requests`: written by the site, processed by the worker."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, request: Request, at: datetime) -> None:
        """Store a request, replacing an earlier one of the same callback for the same topic.

        The time of its verification does not change, so repeating a request causes no further calls.
        """
        self._db.run(
            """insert into hub_requests (mode, topic, callback, callback_group, secret, lease_s, due_at)
            values (:mode, :topic, :callback, :group, :secret, :lease, :at)
            on conflict (topic, callback) do update set mode = :mode, secret = :secret, lease_s = :lease""",
            {
                "mode": request.mode,
                "topic": request.topic,
                "callback": request.callback,
                "group": request.group,
                "secret": request.secret,
                "lease": int(request.lease.total_seconds()),
                "at": stamp(at),
            },
        )

    def counts(self) -> tuple[int, int]:
        """Return the number of subscriptions and of unconfirmed requests."""
        subscriptions = self._db.value("select count(*) from hub_subscriptions")
        return int(subscriptions), int(self._db.value("select count(*) from hub_requests"))

    def group_counts(self, group: str) -> tuple[int, int]:
        """Return the number of subscriptions and unconfirmed requests of a group of callback hosts."""
        query = "select count(*) from {} where callback_group = :group"
        subscriptions = self._db.value(query.format("hub_subscriptions"), {"group": group})
        return int(subscriptions), int(self._db.value(query.format("hub_requests"), {"group": group}))

    def make_room(self, group: str) -> bool:
        """Delete a request in favor of one of *group*; return whether there was one to delete.

        The latest request of the group with the most, if *group* has fewer, so that a group with many requests
        displaces its own. Otherwise the latest whose callback did not answer the first time: requests for many
        invented hosts must not keep out others until their last attempt.
        """
        largest = self._db.row(
            "select callback_group, count(*) as n from hub_requests group by callback_group order by n desc limit 1"
        )
        if largest is None:
            return False
        if largest["n"] > self.group_counts(group)[1] + 1:
            condition, parameters = "callback_group = :group", {"group": largest["callback_group"]}
        else:
            condition, parameters = "failures > 0", {}
        request_id = self._db.value(f"select max(request_id) from hub_requests where {condition}", parameters)
        self._db.run("delete from hub_requests where request_id = :id", {"id": request_id})
        return request_id is not None

    def topic_counts(self, topic: str, beginning: str) -> tuple[int, int, bool]:
        """Return the number of topics, of those that begin with *beginning*, and whether *topic* is one of them.

        Topics that are subscribed or requested.
        """
        row = self._db.row(
            """with topics as (select topic from hub_subscriptions union select topic from hub_requests)
            select count(*) as n, count(*) filter (where replace(topic, :beginning, '') != topic) as beginning,
            count(*) filter (where topic = :topic) as known from topics""",
            {"topic": topic, "beginning": beginning},
        )
        return (0, 0, False) if row is None else (row["n"], row["beginning"], bool(row["known"]))

    def searches_of(self, group: str, beginning: str) -> int:
        """Return the number of topics that contain *beginning*, subscribed or requested by a group of hosts."""
        count = self._db.value(
            """select count(*) from (select topic from hub_subscriptions where callback_group = :group
            union select topic from hub_requests where callback_group = :group) as topics
            where replace(topic, :beginning, '') != topic""",
            {"group": group, "beginning": beginning},
        )
        return int(count)

    def to_confirm(self, now: datetime, most: int) -> list[HubRequest]:
        """Return requests whose verification is due, the longest waiting first."""
        rows = self._db.rows(
            "select * from hub_requests where due_at <= :now order by due_at, request_id limit :most",
            {"now": stamp(now), "most": most},
        )
        return [_request(row) for row in rows]

    def due_by_id(self, request_id: int, now: datetime) -> HubRequest | None:
        """Return a request if its verification is due."""
        row = self._db.row(
            "select * from hub_requests where request_id = :id and due_at <= :now",
            {"id": request_id, "now": stamp(now)},
        )
        return None if row is None else _request(row)

    def put_off(self, request_id: int, until: datetime) -> None:
        """Postpone the verification of a request."""
        self._db.run(
            "update hub_requests set due_at = :until, failures = failures + 1 where request_id = :id",
            {"id": request_id, "until": stamp(until)},
        )

    def answered(self, request_id: int) -> None:
        """Delete a request whose callback confirmed or refused it, or never answered."""
        self._db.run("delete from hub_requests where request_id = :id", {"id": request_id})


class HubSubscribers:
    """`hub_subscriptions` and `hub_topics`: subscriptions and pending deliveries."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def is_subscribed(self, topic: str, callback: str) -> bool:
        """Return whether a callback is subscribed to a topic."""
        return bool(
            self._db.value(
                "select 1 from hub_subscriptions where topic = :topic and callback = :callback",
                {"topic": topic, "callback": callback},
            )
        )

    def is_full(self, request: Request, network: str, limit: int) -> bool:
        """Return whether *request* is new and callbacks in *network* already have *limit* subscriptions."""
        query = "select count(*) from hub_subscriptions where callback_network = :network and callback_network != ''"
        is_renewal = self.is_subscribed(request.topic, request.callback)
        return not is_renewal and int(self._db.value(query, {"network": network})) >= limit

    def subscribe(self, request: Request, digest: str, network: str, now: datetime) -> None:
        """Begin or renew a subscription; the current content counts as delivered to a new one.

        network: the network of its callback, "" if unknown
        """
        self._db.run(
            """insert into hub_subscriptions
            (topic, callback, callback_group, callback_network, secret, lease_until, digest)
            values (:topic, :callback, :group, :network, :secret, :until, :digest)
            on conflict (topic, callback) do update
            set secret = :secret, lease_until = :until, callback_group = :group, callback_network = :network""",
            {
                "topic": request.topic,
                "callback": request.callback,
                "group": request.group,
                "network": network,
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
        """Delete expired subscriptions, and feeds without subscribers."""
        self._db.run("delete from hub_subscriptions where lease_until <= :now", {"now": stamp(now)})
        self._db.run("delete from hub_topics where topic not in (select topic from hub_subscriptions)")

    def topics_before(self, edition: int) -> list[str]:
        """Return the subscribed feeds that were not checked in *edition*, the longest unchecked first."""
        rows = self._db.rows(
            """select distinct s.topic, t.edition from hub_subscriptions s left join hub_topics t on t.topic = s.topic
            where t.edition is null or t.edition != :edition order by t.edition nulls first, s.topic""",
            {"edition": edition},
        )
        return [row["topic"] for row in rows]

    def last_check(self, topic: str) -> tuple[str, int] | None:
        """Return digest and edition of the last check of a feed, or None."""
        row = self._db.row("select digest, edition from hub_topics where topic = :topic", {"topic": topic})
        return None if row is None else (row["digest"], row["edition"])

    def note_check(self, topic: str, digest: str, edition: int) -> None:
        """Store the digest of a feed in an edition."""
        self._db.run(
            upsert("hub_topics", ("topic",), ("digest", "edition")),
            {"topic": topic, "digest": digest, "edition": edition},
        )

    def changed(self, topic: str, digest: str, now: datetime) -> None:
        """Make deliveries of a changed feed due, for subscribers that do not have this content.

        A failing callback is not called earlier, and its failures in a row keep counting.
        """
        self._db.run(
            "update hub_subscriptions set due_at = coalesce(due_at, :now) where topic = :topic and digest != :digest",
            {"topic": topic, "digest": digest, "now": stamp(now)},
        )

    def due(self, now: datetime, most: int) -> list[Subscription]:
        """Return the subscriptions with due deliveries, the longest waiting first."""
        rows = self._db.rows(
            """select * from hub_subscriptions where due_at is not null and due_at <= :now
            order by due_at, subscription_id limit :most""",
            {"now": stamp(now), "most": most},
        )
        return [_subscription(row) for row in rows]

    def due_by_id(self, subscription_id: int, now: datetime) -> Subscription | None:
        """Return a subscription if its delivery is due."""
        row = self._db.row(
            "select * from hub_subscriptions where subscription_id = :id and due_at is not null and due_at <= :now",
            {"id": subscription_id, "now": stamp(now)},
        )
        return None if row is None else _subscription(row)

    def delivered(self, subscription_id: int, digest: str, now: datetime) -> None:
        """Record a successful delivery."""
        self._db.run(
            """update hub_subscriptions set due_at = null, failures = 0, digest = :digest, delivered_at = :now,
            last_words = 'delivered' where subscription_id = :id""",
            {"id": subscription_id, "digest": digest, "now": stamp(now)},
        )

    def failed(self, subscription_id: int, message: str, again_at: datetime | None) -> None:
        """Record a failed delivery, and when to retry; None gives up."""
        self._db.run(
            """update hub_subscriptions set failures = failures + 1, due_at = :again, last_words = :words
            where subscription_id = :id""",
            {"id": subscription_id, "words": message, "again": stamp_or_none(again_at)},
        )

    def end(self, subscription_id: int) -> None:
        """Delete a subscription whose callback is gone."""
        self._db.run("delete from hub_subscriptions where subscription_id = :id", {"id": subscription_id})


def _request(row: Row) -> HubRequest:
    return HubRequest(
        row["request_id"],
        Request(row["mode"], row["topic"], row["callback"], row["secret"], timedelta(seconds=row["lease_s"])),
        row["failures"],
    )


def _subscription(row: Row) -> Subscription:
    return Subscription(
        subscription_id=row["subscription_id"],
        topic=row["topic"],
        callback=row["callback"],
        secret=row["secret"],
        lease_until=moment(row["lease_until"]),
        failures=row["failures"],
    )
