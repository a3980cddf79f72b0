"""Single values: edition, watermark, heartbeat, and the configuration that runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.store.connection import Connection
from aggregator.store.rows import moment, stamp


@dataclass(frozen=True, slots=True)
class ConfigFault:
    """A faulty feeds.yaml that was seen after the one that runs."""

    at: datetime
    words: str


class State:
    """`state` and `config_edits`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def get(self, name: str) -> str | None:
        """Return a value, or None."""
        found: str | None = self._db.value("select value from state where name = :name", {"name": name})
        return found

    def set(self, name: str, value: str) -> None:
        """Keep a value."""
        self._db.run(
            "insert into state (name, value) values (:name, :value) on conflict do update set value = :value",
            {"name": name, "value": value},
        )

    def moment(self, name: str) -> datetime | None:
        """Return a value that is a moment, or None."""
        text = self.get(name)
        return None if text is None else moment(text)

    def set_moment(self, name: str, value: datetime) -> None:
        """Keep a value that is a moment."""
        self.set(name, stamp(value))

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

    def config_text(self) -> str | None:
        """Return the newest feeds.yaml that had no fault, or None."""
        found: str | None = self._db.value(
            "select text from config_edits where fault is null order by edit_id desc limit 1"
        )
        return found

    def config_fault(self) -> ConfigFault | None:
        """Return the fault of the feeds.yaml that was seen last, or None when it runs."""
        row = self._db.row("select at, fault from config_edits order by edit_id desc limit 1")
        if row is None or row["fault"] is None:
            return None
        return ConfigFault(moment(row["at"]), row["fault"])
