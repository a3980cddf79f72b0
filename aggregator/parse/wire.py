"""Parsed feeds and limits as plain data, for the way between two processes."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import Any

from aggregator.model import Draft, Hints, Limits, ParsedFeed, Picture


def feed_to_plain(feed: ParsedFeed) -> dict[str, Any]:
    """Return *feed* as what JSON can hold."""
    entries = []
    for draft in feed.entries:
        entry: dict[str, Any] = {name: getattr(draft, name) for name in _DRAFT_FIELDS}
        entry["picture"] = asdict(draft.picture) if draft.picture else None
        entry["published_at"] = draft.published_at.isoformat() if draft.published_at else None
        entries.append(entry)
    return {
        "title": feed.title,
        "site_url": feed.site_url,
        "language": feed.language,
        "entries": entries,
        "notes": list(feed.notes),
        "hints": feed.hints.as_plain(),
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


_DRAFT_FIELDS = tuple(name.name for name in fields(Draft))


def _draft(entry: dict[str, Any]) -> Draft:
    picture, published_at = entry["picture"], entry["published_at"]
    return Draft(
        **entry
        | {
            "tags": tuple(entry["tags"]),
            "picture": Picture(**picture) if picture else None,
            "published_at": datetime.fromisoformat(published_at) if published_at else None,
        }
    )
