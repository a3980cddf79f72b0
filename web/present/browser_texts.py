"""The sentences that scripts show, in one object that every page carries as JSON.

A pair is a text for one thing and for several; scripts choose by `Intl.PluralRules` and put the number for `%(n)s`.
"""

from __future__ import annotations

Texts = dict[str, str | tuple[str, str]]


def marks() -> Texts:
    """Return what static/marks.js and static/saved.js say."""
    return {
        "read": "Read",
        "save": "Save",
        "saved": "Saved in this browser.",
        "removed": "Removed from the saved stories.",
        "unread_only": "Unread only",
        "saved_stories": "Saved (%(n)s)",
        "mark_above": "Mark all above as read",
        "marked": ("%(n)s story marked as read.", "%(n)s stories marked as read."),
        "hidden": ("%(n)s read story hidden.", "%(n)s read stories hidden."),
        "grew": ("%(n)s new report since you read it", "%(n)s new reports since you read it"),
        "full": "This browser has no room left for marks, or allows none.",
        "saved_on": "saved on %(date)s",
        "remove": "Remove",
        "imported": ("%(n)s story added.", "%(n)s stories added."),
        "not_marks": "This file is not an export of a Groundswell site.",
        "cleared": "All marks are removed.",
        "undo": "Undo",
    }
