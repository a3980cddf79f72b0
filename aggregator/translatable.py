"""A message that can be shown in another language later: `raise DecisionError(Translatable("there is no story ..."))`.

It is a `str` in English, so logs, the command line and the API use it as it is, and pages translate its template
(`web.i18n.messages`). zope.i18nmessageid's `Message` is made the same way. The catalogs contain every template; a test
reads the calls.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Self

Value = str | int | float | date
"""A whole number gets separators, so pass an ID as text; a float has four places; a date becomes a day; a
`Translatable` is translated, too."""


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

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Return the message of `as_data`; KeyError, TypeError or ValueError if *data* is none."""
        values = {name: cls.from_data(v) if isinstance(v, dict) else v for name, v in data["values"].items()}
        texts = [data["template"], *(value for value in values.values() if not isinstance(value, int | float))]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("a message is text, and so is each value that is no number")
        return cls(data["template"], **values)

    def as_data(self) -> dict[str, Any]:
        """Return the message as plain data; its values may be anything but dates."""
        values = {name: v.as_data() if isinstance(v, Translatable) else v for name, v in self.values.items()}
        return {"template": self.template, "values": values}

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Value]]:
        """Survive a copy and a pickle."""
        return (self.template,), dict(self.values)


def message_of(error: Exception) -> str:
    """Return the message of *error*, still translatable if it was raised with a `Translatable`."""
    first = error.args[0] if error.args else ""
    return first if isinstance(first, Translatable) else str(error)


def stored(message: str) -> str:
    """Return *message* as text from which `read_back` makes it again, still translatable if it was; without dates."""
    if not isinstance(message, Translatable):
        return message
    return json.dumps(message.as_data(), ensure_ascii=False)


def read_back(text: str) -> str:
    """Return the message of which `stored` made *text*; any other text stays as it is."""
    if not text.startswith(_BEGIN):
        return text
    try:
        return Translatable.from_data(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        # Quoted from somewhere else, and it only looks like a stored message.
        return text


_BEGIN = '{"template": '


def _in_english(value: Value) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4f}"
    return f"{value:%d %B %Y}" if isinstance(value, date) else value
