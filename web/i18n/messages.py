"""Messages from below `web` in the language of the page.

Texts of pages are translated where they are written, by `gettext`. What a store, a search or the configuration has to
say is a `Translatable` and is translated here. Anything else is a sentence in English, and is marked as such.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from flask_babel import gettext

from aggregator.translatable import Translatable, Value, message_of
from web.i18n.catalogs import Catalogs
from web.i18n.wording import day, decimal, language, number


@dataclass(frozen=True, slots=True)
class Notice:
    """A message on a page."""

    text: str
    language: str = ""
    """`en` for a sentence that is not translated, "" for the language of the page."""


def notice(message: str | Exception) -> Notice:
    """Return a message, or that of an error, as a sentence in the language of the page where it can be translated."""
    text = message_of(message) if isinstance(message, Exception) else message
    if isinstance(text, Translatable):
        return Notice(_sentence(translated(text), "。" if language() in ("zh_Hans", "ja") else "."))
    return Notice(_sentence(text, "."), "en")


def fragment(message: str) -> Notice:
    """Return a message as part of a sentence, in the language of the page where it can be translated."""
    return Notice(translated(message)) if isinstance(message, Translatable) else Notice(message, "en")


def translated(message: Translatable) -> str:
    """Return *message* in the language of the page."""
    return str(gettext(message.template, **{name: _worded(value) for name, value in message.values.items()}))


def plain(message: Translatable, catalogs: Catalogs, language: str) -> str:
    """Return *message* outside of a request; in English before the first page in *language*."""
    return str(catalogs.translations(language).gettext(message.template)) % message.values


def _worded(value: Value) -> str:
    if isinstance(value, Translatable):
        return translated(value)
    if isinstance(value, int):
        return number(value)
    if isinstance(value, float):
        return decimal(value, 4)
    return value if isinstance(value, str) else day(value)


_NAME = re.compile(r"[a-z_]+[.:]")
"""What a text begins with that is written as it is: `score:` of a search, `feeds.yaml`."""


def _sentence(text: str, stop: str) -> str:
    """Return *text* with a capital letter in front, unless a name is there, and a full stop behind."""
    first = text[:1] if _NAME.match(text) else text[:1].upper()
    return first + text[1:] + ("" if text.endswith((".", "!", "?", "。")) else stop)
