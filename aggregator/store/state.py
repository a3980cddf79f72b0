"""Single values of the program: edition, heartbeat, the base of item IDs."""

from __future__ import annotations

from datetime import datetime

from aggregator.model.clock import elapsed_since, machine_time
from aggregator.store.codec import moment, stamp
from aggregator.store.connection import Connection, upsert


class State:
    """`state`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def get(self, name: str) -> str | None:
        """Return a value, or None."""
        value: str | None = self._db.value("select value from state where name = :name", {"name": name})
        return value

    def set(self, name: str, value: str) -> None:
        """Store a value."""
        self._db.run(
            upsert("state", ("name",), ("value",)),
            {"name": name, "value": value},
        )

    def clear(self, name: str) -> None:
        """Delete a value."""
        self._db.run("delete from state where name = :name", {"name": name})

    def moment(self, name: str) -> datetime | None:
        """Return a value that is a moment, or None."""
        text = self.get(name)
        return None if text is None else moment(text)

    def set_moment(self, name: str, value: datetime) -> None:
        """Store a value that is a moment."""
        self.set(name, stamp(value))

    def beat(self, now: datetime, machine_now: str = "") -> None:
        """Store the worker's heartbeat. *machine_now* is `clock.machine_time`, "" if *now* is not real time."""
        self.set_moment("heartbeat", now)
        self.set("heartbeat_machine_time", machine_now)

    def last_heartbeat(self, now: datetime) -> datetime | None:
        """Return the time of the last heartbeat relative to *now*, or None.

        Its age is correct even if the system clock was set since.
        """
        beat_at = self.moment("heartbeat")
        age = elapsed_since(self.get("heartbeat_machine_time") or "", machine_time())
        return beat_at if beat_at is None or age is None else now - age

    def edition(self) -> int:
        """Return the edition number, which grows with every visible change."""
        return int(self.get("edition") or 0)

    def next_edition(self) -> int:
        """Start a new edition; part of the transaction of a visible change."""
        # One statement, because scorers and sites on several machines do this.
        return int(
            self._db.value(
                """insert into state (name, value) values ('edition', '1') on conflict (name)
                do update set value = cast(cast(state.value as integer) + 1 as text) returning value"""
            )
        )

    def keep_id_base(self, site_url: str) -> None:
        """Store the address that IDs of feed items are made from, unless there is one."""
        self._db.run(
            "insert into state (name, value) values ('id_base', :url) on conflict do nothing", {"url": site_url}
        )

    def id_base(self) -> str | None:
        """Return the address that the site had first, or None before the worker has run."""
        return self.get("id_base")
