"""Parsed feeds and limits as plain data, for the way between two processes."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from aggregator.model import Draft, Hints, Limits, ParsedFeed, Picture


def feed_to_plain(feed: ParsedFeed) -> dict[str, Any]:
    """Return *feed* as what JSON can hold."""
    entries = []
    for draft in feed.entries:
        values = list(_values(draft))
        picture, published_at = values[_PICTURE], values[_PUBLISHED_AT]
        values[_PICTURE] = _picture_values(picture) if picture else None
        values[_PUBLISHED_AT] = published_at.isoformat() if published_at else None
        entries.append(values)
    return {
        "title": feed.title,
        "site_url": feed.site_url,
        "language": feed.language,
        "entries": entries,
        "notes": list(feed.notes),
        "hints": feed.hints.as_plain(),
        "unchanged": feed.unchanged,
        "items_seen": feed.items_seen,
    }


def feed_from_plain(plain: dict[str, Any]) -> ParsedFeed:
    """Return the feed that `feed_to_plain` made *plain* of."""
    return ParsedFeed(
        title=plain["title"],
        site_url=plain["site_url"],
        language=plain["language"],
        entries=tuple(_draft(entry) for entry in plain["entries"]),
        notes=tuple(plain["notes"]),
        hints=Hints.from_plain(plain["hints"]),
        unchanged=tuple(plain["unchanged"]),
        items_seen=plain["items_seen"],
    )


def limits_to_plain(limits: Limits) -> dict[str, Any]:
    """Return *limits* as what JSON can hold."""
    plain = {name.name: getattr(limits, name.name) for name in fields(limits)}
    return {name: value.total_seconds() if isinstance(value, timedelta) else value for name, value in plain.items()}


def limits_from_plain(plain: dict[str, Any]) -> Limits:
    """Return the limits that `limits_to_plain` made *plain* of."""
    spans = {name.name for name in fields(Limits) if isinstance(name.default, timedelta)}
    values: dict[str, Any] = {}
    for name, value in plain.items():
        values[name] = timedelta(seconds=value) if name in spans else tuple(value) if isinstance(value, list) else value
    return Limits(**values)


# Values in the order of the fields: a third of the bytes and the time of names beside each.
_DRAFT_FIELDS = tuple(name.name for name in fields(Draft))
_values = attrgetter(*_DRAFT_FIELDS)
_picture_values = attrgetter(*(name.name for name in fields(Picture)))
_TAGS, _PICTURE, _PUBLISHED_AT = (_DRAFT_FIELDS.index(name) for name in ("tags", "picture", "published_at"))


def _draft(values: list[Any]) -> Draft:
    picture, published_at = values[_PICTURE], values[_PUBLISHED_AT]
    values[_TAGS] = tuple(values[_TAGS])
    values[_PICTURE] = Picture(*picture) if picture else None
    values[_PUBLISHED_AT] = datetime.fromisoformat(published_at) if published_at else None
    return Draft(*values)
