"""Actions of the operator, as kinds with values; pages describe them in the language of the site."""

from __future__ import annotations

from enum import StrEnum


class ActionKind(StrEnum):
    """A kind of line in the audit log. Values by name are those of its text in `web.admin.wording`."""

    SIGNED_IN = "signed in"
    VOTED_UP = "voted up"
    VOTED_DOWN = "voted down"
    VOTE_WITHDRAWN = "vote withdrawn"
    SPLIT = "split"
    MERGE = "merge"
    MOVE = "move"
    CATEGORY = "category"
    HIDE = "hide"
    PIN = "pin"
    DECISION_UNDONE = "decision undone"
    SOURCE_ADDED = "source added"
    SOURCES_IMPORTED = "sources imported"
    SOURCE_PAUSED = "source paused"
    SOURCE_RESUMED = "source resumed"
    SOURCE_REMOVED = "source removed"
    POLL_REQUESTED = "poll requested"
    RULE_ADDED = "rule added"
    RULE_REMOVED = "rule removed"
    MODEL_CHOSEN = "model chosen"
    TRAINING_REQUESTED = "training requested"
    TOKEN_MADE = "token made"
    TOKEN_REVOKED = "token revoked"
    DATABASE_REPLACED = "database replaced"
