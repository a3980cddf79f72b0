"""The outcome of the last scheduled backup: stored here, and shown by `groundswell check`, an alarm and `/admin`.

`web.admin.wording` words it in the language of the site, `summary` in English.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

import msgspec

from aggregator.site.backup import Contents
from aggregator.site.database import is_file
from aggregator.store import Store
from aggregator.text.wording import plural, size

_STATE = "backup_message"
_CHECKED = "and checked"
"""What the message of a successful backup contains that a version before 0.2 stored."""


@dataclass(frozen=True, slots=True)
class LastBackup:
    """A backup that was made, or the reason why none was."""

    file: str = ""
    machine: str = ""
    """Which machine has the file, where the site runs on several."""
    contents: Contents | None = None
    error: str = ""
    """As the command printed it, in English; "" for a backup that was made."""


def note_made(store: Store, file: Path, contents: Contents) -> None:
    """Store that a backup was made and verified."""
    _set(store, LastBackup(str(file), _machine(), contents))


def note_failed(store: Store, error: str) -> None:
    """Store why no backup was made."""
    _set(store, LastBackup(machine=_machine(), error=error))


def last_backup(store: Store) -> LastBackup | None:
    """Return the outcome of the last scheduled backup, None if it is not known."""
    text = store.state.get(_STATE) or ""
    try:
        return msgspec.json.decode(text, type=LastBackup)
    except msgspec.MsgspecError:
        return LastBackup(error=text) if text and _CHECKED not in text else None


def summary(last: LastBackup) -> str:
    """Return the outcome in one line."""
    where = f"{last.machine}: " if last.machine else ""
    return where + (last.error if last.contents is None else made_message(last.file, last.contents))


def made_message(file: str | Path, contents: Contents) -> str:
    """Return a line about a verified backup."""
    parts = [plural(contents.entries, "entry", "entries"), plural(contents.stories, "story", "stories")]
    parts += ["feeds.yaml"] * contents.has_config + [plural(contents.models, "model file")] * bool(contents.models)
    verified = "restored" if is_file() else "read back"
    return f"{file}: {size(contents.bytes)}, {verified} and checked: {', '.join(parts)}"


def _machine() -> str:
    return "" if is_file() else platform.node()


def _set(store: Store, last: LastBackup) -> None:
    store.state.set(_STATE, msgspec.json.encode(last).decode())
