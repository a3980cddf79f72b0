"""A message that can be shown in another language later: `raise DecisionError(Translatable("there is no story ..."))`.

It is a `str` in English, so logs, the command line and the API use it as it is, and pages translate its template
(`web.i18n.messages`). zope.i18nmessageid's `Message` is made the same way. The catalogs hold every template; a test
reads the calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Self

Value = str | int | date
"""A number gets separators, so pass an ID as text; a date becomes a day; a `Translatable` is translated, too."""


class Translatable(str):
    """A message in English, with its template and the values in it."""

    __slots__ = ("template", "values")
    template: str
    values: Mapping[str, Value]

    def __new__(cls, template: str, **values: Value) -> Self:
        """Return *template* with its `%(name)s` replaced."""
        text = template % {name: _in_english(value) for name, value in values.items()} if values else template
        message = super().__new__(cls, text)
        message.template, message.values = template, values
        return message

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Value]]:
        """Survive a copy and a pickle."""
        return (self.template,), dict(self.values)


def message_of(error: Exception) -> str:
    """Return the message of *error*, still translatable if it was raised with a `Translatable`."""
    first = error.args[0] if error.args else ""
    return first if isinstance(first, Translatable) else str(error)


def _in_english(value: Value) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:%d %B %Y}" if isinstance(value, date) else value
