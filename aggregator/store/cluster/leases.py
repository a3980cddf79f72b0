"""Divide hosts among pollers: sources are in 256 shards by a hash of their host, and one poller leases each shard.

    renew      every 10 s: extend the lease; free the shards of dead pollers; take a fair share, or return the surplus
    require    within the transaction of a poll: check that the lease is valid, and keep it until the commit
    leave      at the end: free the shards at once

A poller has one lease for all of its shards. A dead one is removed once its lease has run out; the row lock of
`require` keeps it from being removed while a poll of it commits. All times are the server's, so clocks of machines may
differ. A poller that was paused finds its row gone, and none of its running polls can be stored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection

from aggregator.errors import LeaseLostError
from aggregator.store.connection import Connection

SHARDS = 256
LEASE_S = 45.0
RENEW_S = 10.0
"""A dead poller's shards are polled by others after at most LEASE_S + RENEW_S."""


def shard_of(host: str) -> int:
    """Return the shard of a host; `PostgresDialect.shard` is the same in SQL."""
    return hashlib.md5(host.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()[0]


class PollLeases:
    """The lease of one poller. For one thread.

    name: identifies this process, different at each start
    """

    def __init__(self, connection: Connection, name: str) -> None:
        self._db = connection
        self._name = name
        self._joined = False
        self.shards: frozenset[int] = frozenset()
        """The leased shards; empty before the first `renew`."""
        self.is_fair = False
        """Whether the poller has its fair share, as of the last `renew`."""

    def renew(self, busy: Collection[int] = ()) -> bool:
        """Extend the lease, and take or return shards; return whether the lease was uninterrupted.

        busy: shards with running polls, which are kept for now

        After an interruption others may have polled the same sources, so running polls must be dropped.
        """
        with self._db.transaction():
            unbroken = self._extend()
            self._remove_dead()
            share = self._share()
            mine = frozenset(
                row["shard"] for row in self._db.rows("select shard from poll_shards where poller = :name", self._me)
            )
            if len(mine) > share:
                mine -= self._give_back(sorted(mine - frozenset(busy))[: len(mine) - share])
            elif len(mine) < share:
                mine |= self._take(share - len(mine))
        was_joined, self._joined = self._joined, True
        self.shards = mine
        self.is_fair = len(mine) == share
        return unbroken or not was_joined

    def require(self, host: str) -> None:
        """Ensure until the end of the transaction that only this process polls *host*; LeaseLostError if not."""
        runs = self._db.value(
            "select 1 from pollers where name = :name and leased_until > clock_timestamp() for share", self._me
        )
        if not runs or shard_of(host) not in self.shards:
            raise LeaseLostError(f"the lease of {host} has expired; another poller polls it")

    def others(self) -> int:
        """Return the number of other pollers."""
        return int(
            self._db.value(
                "select count(*) from pollers where name != :name and leased_until > clock_timestamp()", self._me
            )
        )

    def leave(self) -> None:
        """Free the shards."""
        self._db.run("delete from pollers where name = :name", self._me)
        self.shards = frozenset()
        self._joined = False

    @property
    def _me(self) -> dict[str, object]:
        return {"name": self._name}

    def _extend(self) -> bool:
        until = f"clock_timestamp() + interval '{LEASE_S} seconds'"
        if self._db.run_counted(
            f"update pollers set leased_until = {until} where name = :name and leased_until > clock_timestamp()",
            self._me,
        ):
            return True
        self._db.run("delete from pollers where name = :name", self._me)
        self._db.run(f"insert into pollers (name, leased_until) values (:name, {until})", self._me)
        self._db.run(f"insert into poll_shards (shard) select generate_series(0, {SHARDS - 1}) on conflict do nothing")
        return False

    def _remove_dead(self) -> None:
        # Skipped while its last poll commits: an expired lease is found again at the next renewal.
        self._db.run(
            """delete from pollers where name in (select name from pollers
            where leased_until < clock_timestamp() for update skip locked)"""
        )

    def _share(self) -> int:
        """Return this poller's fair number of shards: an equal share, or one more."""
        row = self._db.row("select count(*), count(*) filter (where name < :name) from pollers", self._me)
        assert row is not None
        pollers, before = row
        return int(SHARDS // pollers + (before < SHARDS % pollers))

    def _give_back(self, shards: Collection[int]) -> frozenset[int]:
        self._db.run(
            f"""update poll_shards set poller = null where poller = :name
            and shard in (select value from {self._db.dialect.integers("shards")})""",
            {**self._me, "shards": json.dumps(list(shards))},
        )
        return frozenset(shards)

    def _take(self, number: int) -> frozenset[int]:
        rows = self._db.rows(
            """with free as materialized (select shard from poll_shards where poller is null
            order by shard limit :number for update skip locked)
            update poll_shards set poller = :name from free where poll_shards.shard = free.shard
            returning poll_shards.shard""",
            {**self._me, "number": number},
        )
        return frozenset(row["shard"] for row in rows)
