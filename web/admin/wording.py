"""The admin pages in the language of the site: lines of the audit log, the last backup, and the forecast of disk use.

Each kind of action has a text with placeholders for its values.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext

from aggregator.model.actions import ActionKind
from aggregator.site.disk_use import DiskUse
from aggregator.site.last_backup import LastBackup
from aggregator.store.editorial.sessions import Action
from web.i18n.wording import listing, plural, size


def worded(action: Action) -> tuple[str, str]:
    """Return a line of the audit log as a sentence, and its language: "" for that of the page."""
    if action.what not in _KINDS:
        # Stored by a version before 0.2, as a sentence; or by a newer version.
        return action.message[:1].upper() + action.message[1:], "en"
    text = _text(
        ActionKind(action.what), {**_NO_VALUES, **{name: _value(name, v) for name, v in action.values.items()}}
    )
    return text[:1].upper() + text[1:], ""


_KINDS = {kind.value for kind in ActionKind}
_NO_VALUES = dict.fromkeys(
    ["headline", "other", "entries", "category", "source", "sources", "rule", "before", "after", "name", "what"], "?"
)
"""For a line that a newer or broken version wrote: it is shown with a gap instead of failing."""


def _value(name: str, value: str | int) -> str:
    if name == "entries" and isinstance(value, int):
        return plural(value, "entry", "entries")
    return plural(value, "source") if name == "sources" and isinstance(value, int) else str(value)


def _text(kind: ActionKind, values: Mapping[str, str]) -> str:
    # `gettext` ignores values without a placeholder.
    match kind:
        case ActionKind.SIGNED_IN:
            return str(gettext("signed in"))
        case ActionKind.VOTED_UP:
            return str(gettext("voted “%(headline)s” relevant", **values))
        case ActionKind.VOTED_DOWN:
            return str(gettext("voted “%(headline)s” not relevant", **values))
        case ActionKind.VOTE_WITHDRAWN:
            return str(gettext("withdrew the vote on “%(headline)s”", **values))
        case ActionKind.SPLIT:
            return str(gettext("split %(entries)s off “%(headline)s”", **values))
        case ActionKind.MOVE:
            return str(gettext("moved %(entries)s from “%(headline)s” to “%(other)s”", **values))
        case ActionKind.MERGE:
            return str(gettext("merged “%(headline)s” with “%(other)s”", **values))
        case ActionKind.CATEGORY:
            return str(gettext("moved “%(headline)s” to %(category)s", **values))
        case ActionKind.HIDE:
            return str(gettext("hid “%(headline)s”", **values))
        case ActionKind.PIN:
            return str(gettext("pinned “%(headline)s”", **values))
        case ActionKind.DECISION_UNDONE:
            return str(gettext("undid an earlier change to “%(headline)s”", **values))
        case _:
            return _other_text(kind, values)


def _other_text(kind: ActionKind, values: Mapping[str, str]) -> str:
    match kind:
        case ActionKind.SOURCE_ADDED:
            return str(gettext("added the source %(source)s", **values))
        case ActionKind.SOURCES_IMPORTED:
            return str(gettext("added %(sources)s from an OPML file", **values))
        case ActionKind.SOURCE_PAUSED:
            return str(gettext("paused the source %(source)s", **values))
        case ActionKind.SOURCE_RESUMED:
            return str(gettext("resumed the source %(source)s", **values))
        case ActionKind.SOURCE_REMOVED:
            return str(gettext("removed the source %(source)s", **values))
        case ActionKind.POLL_REQUESTED:
            return str(gettext("requested a poll of %(source)s", **values))
        case ActionKind.RULE_ADDED:
            return str(gettext("added the rule “%(rule)s”", **values))
        case ActionKind.RULE_REMOVED:
            return str(gettext("removed the rule “%(rule)s”", **values))
        case ActionKind.MODEL_CHOSEN:
            return str(gettext("switched from model %(before)s to %(after)s", **values))
        case ActionKind.TRAINING_REQUESTED:
            return str(gettext("requested a training", **values))
        case ActionKind.TOKEN_MADE:
            return str(gettext("made the reader token “%(name)s”", **values))
        case ActionKind.TOKEN_REVOKED:
            return str(gettext("revoked the reader token “%(name)s”", **values))
        case _:
            return str(gettext("the database was replaced: %(what)s", **values))


def backup_summary(last: LastBackup) -> str:
    """Return the outcome of the last backup in one line; `aggregator.site.last_backup.summary` does so in English."""
    if last.contents is None:
        # The reason stays in English, as the command prints it.
        line = gettext("failed: %(why)s", why=last.error)
    else:
        contents = last.contents
        parts = [plural(contents.entries, "entry", "entries"), plural(contents.stories, "story", "stories")]
        parts += ["feeds.yaml"] * contents.has_config
        parts += [plural(contents.models, "model file")] * bool(contents.models)
        values = {"file": last.file, "size": size(contents.bytes), "contents": listing(parts)}
        line = gettext("%(file)s (%(size)s), verified: %(contents)s", **values)
    return f"{last.machine}: {line}" if last.machine else str(line)


def disk_summary(use: DiskUse) -> str:
    """Return the forecast of disk use in one line; `aggregator.site.disk_use.summary` does so in English."""
    entries = plural(use.entries, "entry", "entries")
    now = gettext("%(size)s for %(entries)s", size=size(use.database), entries=entries)
    if use.free is not None:
        now += ", " + gettext("%(size)s free", size=size(use.free))
    if not use.growth_per_day:
        return f"{now}; {gettext('not growing')}"
    growth = f"{now}; {gettext('grows by %(size)s a month', size=size(round(use.growth_per_day * 30)))}"
    if use.days_left is None:
        return growth
    return f"{growth}; {gettext('full in %(days)s', days=plural(round(use.days_left), 'day'))}"
