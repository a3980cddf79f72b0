"""The messages of scripts, in one object that every page includes as JSON.

A pair is a text for one thing and for several; scripts choose by `Intl.PluralRules` and put the number for `%(n)s`.
"""

from __future__ import annotations

from flask_babel import gettext

from web.i18n.wording import both_forms

Texts = dict[str, str | tuple[str, str]]


def browser_texts() -> Texts:
    """Return the messages of static/site.js, marks.js and saved.js."""
    texts: Texts = {
        "auto": gettext("auto"),
        "light": gettext("light"),
        "dark": gettext("dark"),
        "theme": gettext("Theme: %(theme)s"),
        "just_now": gettext("just now"),
        "min_ago": gettext("%(n)s min ago"),
        "h_ago": gettext("%(n)s h ago"),
        "d_ago": gettext("%(n)s d ago"),
        "copy_link": gettext("Copy link"),
        "copied": gettext("Copied"),
        "new_stories": both_forms("new story", "new stories"),
        "read": gettext("Read"),
        "save": gettext("Save"),
        "saved": gettext("Saved in this browser."),
        "removed": gettext("Removed from the saved stories."),
        "unread_only": gettext("Unread only"),
        "saved_stories": gettext("Saved (%(n)s)"),
        "mark_above": gettext("Mark all above as read"),
        "marked": both_forms("story marked as read.", "stories marked as read."),
        "hidden": both_forms("read story hidden.", "read stories hidden."),
        "grew": both_forms("new report since you read it", "new reports since you read it"),
        "full": gettext("This browser’s storage for marks is full or turned off."),
        "saved_on": gettext("saved on %(date)s"),
        "remove": gettext("Remove"),
        "imported": both_forms("story added.", "stories added."),
        "not_marks": gettext("This file is not an export of a Groundswell site."),
        "cleared": gettext("All marks are removed."),
        "undo": gettext("Undo"),
    }
    return {name: text if isinstance(text, tuple) else str(text) for name, text in texts.items()}
