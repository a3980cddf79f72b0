"""Every feeds.yaml that was seen, valid or not: the site runs with the last valid one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.store.codec import moment, stamp
from aggregator.store.connection import Connection


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """An invalid feeds.yaml that was saved after the one in use."""

    at: datetime
    message: str
    """One line for each error: key, line and kind, without values."""


class ConfigEdits:
    """`config_edits`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def save(self, text: str, fault: str | None, at: datetime) -> None:
        """Record a feeds.yaml that was seen, unless it is the one seen last."""
        last = self._db.row("select text, fault from config_edits order by edit_id desc limit 1")
        if last is not None and (last["text"], last["fault"]) == (text, fault):
            return
        self._db.run(
            "insert into config_edits (at, text, fault) values (:at, :text, :fault)",
            {"at": stamp(at), "text": text, "fault": fault},
        )

    def valid_text(self) -> str | None:
        """Return the newest feeds.yaml that had no fault, or None."""
        value: str | None = self._db.value(
            "select text from config_edits where fault is null order by edit_id desc limit 1"
        )
        return value

    def valid_id(self) -> int | None:
        """Return the number of the newest feeds.yaml that had no fault: it grows with each."""
        value: int | None = self._db.value("select max(edit_id) from config_edits where fault is null")
        return value

    def latest_text(self) -> str | None:
        """Return the text of the feeds.yaml that was seen last, valid or not; None when none was."""
        text: str | None = self._db.value("select text from config_edits order by edit_id desc limit 1")
        return text

    def problem(self) -> ConfigProblem | None:
        """Return the fault of the feeds.yaml that was seen last, or None when it runs."""
        row = self._db.row("select at, fault from config_edits order by edit_id desc limit 1")
        if row is None or row["fault"] is None:
            return None
        return ConfigProblem(moment(row["at"]), row["fault"])
