"""Single values: edition, watermark, heartbeat, and the configuration that runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.clock import elapsed_since, machine_time
from aggregator.store.codec import moment, stamp
from aggregator.store.connection import Connection


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """A faulty feeds.yaml that was seen after the one that runs."""

    at: datetime
    message: str
    """One line for each error: key, line and kind, without values."""


class State:
    """`state` and `config_edits`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def get(self, name: str) -> str | None:
        """Return a value, or None."""
        value: str | None = self._db.value("select value from state where name = :name", {"name": name})
        return value

    def set(self, name: str, value: str) -> None:
        """Keep a value."""
        self._db.run(
            "insert into state (name, value) values (:name, :value) on conflict do update set value = :value",
            {"name": name, "value": value},
        )

    def clear(self, name: str) -> None:
        """Forget a value."""
        self._db.run("delete from state where name = :name", {"name": name})

    def moment(self, name: str) -> datetime | None:
        """Return a value that is a moment, or None."""
        text = self.get(name)
        return None if text is None else moment(text)

    def set_moment(self, name: str, value: datetime) -> None:
        """Keep a value that is a moment."""
        self.set(name, stamp(value))

    def beat(self, now: datetime, machine_now: str = "") -> None:
        """Say that the worker lives. *machine_now* is `clock.machine_time`, "" where *now* is not real time."""
        self.set_moment("heartbeat", now)
        self.set("heartbeat_machine_time", machine_now)

    def last_heartbeat(self, now: datetime) -> datetime | None:
        """Return when the worker last said that it lives, told by *now*; None: never.

        Its age is right also where the system clock was set since.
        """
        beat_at = self.moment("heartbeat")
        age = elapsed_since(self.get("heartbeat_machine_time") or "", machine_time())
        return beat_at if beat_at is None or age is None else now - age

    def votes_taken(self) -> int:
        """Return up to which `feedback.votes_number` the scores know the votes."""
        return int(self.get("votes_taken") or 0)

    def set_votes_taken(self, number: int) -> None:
        """Keep which votes the scores know."""
        self.set("votes_taken", str(number))

    def scored_with(self) -> str | None:
        """Return the version of the model that the live stories were last scored with, or None."""
        return self.get("scored_with")

    def set_scored_with(self, version: str) -> None:
        """Keep which model it was; part of the transaction of its scores."""
        self.set("scored_with", version)

    def edition(self) -> int:
        """Return the edition number: it grows whenever anything visible changed."""
        return int(self.get("edition") or 0)

    def next_edition(self) -> int:
        """Say that something visible changed; part of the transaction that changed it."""
        edition = self.edition() + 1
        self.set("edition", str(edition))
        return edition

    def watermark(self) -> datetime | None:
        """Return the moment up to which the engine has seen the facts, or None."""
        return self.moment("watermark")

    def set_watermark(self, value: datetime) -> None:
        """Move the watermark; part of the transaction of the results."""
        self.set_moment("watermark", value)

    def clear_watermark(self) -> None:
        """Let the next update start from the first fact."""
        self._db.run("delete from state where name = 'watermark'")

    def save_config(self, text: str, fault: str | None, at: datetime) -> None:
        """Record a feeds.yaml that was seen, unless it is the one seen last."""
        last = self._db.row("select text, fault from config_edits order by edit_id desc limit 1")
        if last is not None and (last["text"], last["fault"]) == (text, fault):
            return
        self._db.run(
            "insert into config_edits (at, text, fault) values (:at, :text, :fault)",
            {"at": stamp(at), "text": text, "fault": fault},
        )

    def keep_id_base(self, site_url: str) -> None:
        """Keep the address that IDs of feed items are made from, unless one is kept already."""
        self._db.run("insert or ignore into state (name, value) values ('id_base', :url)", {"url": site_url})

    def id_base(self) -> str | None:
        """Return the address that the site had first, or None before the worker has run."""
        return self.get("id_base")

    def config_text(self) -> str | None:
        """Return the newest feeds.yaml that had no fault, or None."""
        value: str | None = self._db.value(
            "select text from config_edits where fault is null order by edit_id desc limit 1"
        )
        return value

    def config_seen(self) -> str | None:
        """Return the text of the feeds.yaml that was seen last, valid or not; None when none was."""
        text: str | None = self._db.value("select text from config_edits order by edit_id desc limit 1")
        return text

    def config_fault(self) -> ConfigProblem | None:
        """Return the fault of the feeds.yaml that was seen last, or None when it runs."""
        row = self._db.row("select at, fault from config_edits order by edit_id desc limit 1")
        if row is None or row["fault"] is None:
            return None
        return ConfigProblem(moment(row["at"]), row["fault"])
