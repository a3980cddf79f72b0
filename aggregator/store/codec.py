"""Convert rows to domain objects and back: times, pictures, lists.

Knows the format of each column; the queries are with the topics.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import msgspec

from aggregator.model import (
    Contribution,
    Decision,
    DecisionKind,
    Edit,
    Enclosure,
    Entry,
    FeedState,
    Hints,
    Membership,
    Picture,
    Reason,
    Story,
    Validators,
    utc,
)
from aggregator.store.connection import Row


def entry_columns(*, link: str = "e.link", title: str = "e.title", summary: str = "e.summary") -> str:
    """Return the columns that `entry` reads, of a table named or aliased `e`; for three of them, other expressions."""
    return f"""e.entry_id, e.source_id, e.identity, {link} as link, {title} as title, {summary} as summary, e.content,
    e.author, e.tags, e.language, e.picture, e.words, e.published_at, e.first_seen_at, e.edited_at, e.points_to,
    e.discussion, e.origin_name, e.origin_url, e.enclosure, e.backlog"""


ENTRY = entry_columns()
"""The columns that `entry` reads, of a table named or aliased `e`."""


def _first_text(text: str) -> str:
    """Return the expression for a title or summary before any edit."""
    return f"""coalesce(
        (select {text}_before from entry_edits x where x.entry_id = e.entry_id order by edit_id limit 1), e.{text})"""


AS_ARRIVED = entry_columns(link="e.canonical_link", title=_first_text("title"), summary=_first_text("summary"))
"""Columns like `ENTRY`, with the text before any edit; the canonical link never changes."""

STORY = """s.story_id, s.headline, s.summary as story_summary, s.lead_entry_id, s.category_id,
    s.first_seen_at as story_first_seen_at, s.last_source_at, s.updated_at, s.entries, s.sources, s.independent_sources,
    s.score, s.relevance, s.provisional, s.trend, s.contributions, s.merged_into,
    s.hidden, s.pinned, s.published_at as story_published_at"""
"""The columns that `story` reads, of a table named or aliased `s`."""

STORY_COLUMNS = (
    *("headline", "summary", "lead_entry_id", "category_id", "first_seen_at", "last_source_at", "updated_at"),
    *("entries", "sources", "independent_sources", "score", "relevance", "provisional", "trend", "contributions"),
    *("has_vote", "merged_into", "hidden", "pinned", "published_at"),
)
"""The columns of `stories` but its key."""

UNMUTED = "not exists (select 1 from story_rules r where r.story_id = s.story_id and r.effect = 'mute')"
"""Whether no rule of feeds.yaml mutes a story of a table named or aliased `s`."""

LISTABLE = f"s.merged_into is null and s.hidden = 0 and (s.pinned = 1 or {UNMUTED})"
"""Condition for stories that the site lists; others still have a page and are found by a search."""

FEED = """f.source_id, f.url, f.etag, f.last_modified, f.next_poll_at, f.interval_s, f.failures, f.gone, f.move_seen_to,
    f.last_polled_at, f.last_ok_at, f.last_new_at, f.last_words, f.last_kind, f.last_status, f.hints, f.fresh_for_s,
    f.arrivals, f.waits_kept, f.waited_s, f.format_before, f.format_changed_at, f.moved_from, f.moved_at"""
"""The columns that `feed_state` reads, in its order, of a table named or aliased `f`."""
_FEED_COLUMNS = FEED.count(",") + 1


def as_json(value: object) -> str:
    """Return *value* as `json.dumps` writes it, at a fraction of its cost."""
    return msgspec.json.format(msgspec.json.encode(value), indent=0).decode()


def stamp(moment: datetime) -> str:
    """Return *moment* as stored: UTC, fixed width, so that text order is time order."""
    return (moment if moment.tzinfo is UTC else utc(moment)).isoformat(timespec="microseconds")[:26] + "Z"


def stamp_or_none(moment: datetime | None) -> str | None:
    """Like `stamp`; None stays None."""
    return None if moment is None else stamp(moment)


def shifted(text: str | None, step: timedelta) -> str | None:
    """Return a stamp moved by *step*, at most to the end of time."""
    if text is None:
        return None
    try:
        return stamp(moment(text) + step)
    except OverflowError:
        return text


def moment(text: str) -> datetime:
    """Parse a stamp."""
    return datetime.fromisoformat(text)


def moment_or_none(text: str | None) -> datetime | None:
    """Like `moment`; None stays None."""
    return None if text is None else moment(text)


def picture_text(picture: Picture | None) -> str | None:
    """Return *picture* as JSON, or None."""
    return None if picture is None else as_json(picture)


def entry(row: Row) -> Entry:
    """Return the entry in a row of `ENTRY`."""
    return Entry(
        entry_id=row["entry_id"],
        source_id=row["source_id"],
        identity=row["identity"],
        link=row["link"],
        title=row["title"],
        summary=row["summary"],
        content=row["content"],
        author=row["author"],
        tags=tuple(json.loads(row["tags"])),
        language=row["language"],
        picture=Picture(**json.loads(row["picture"])) if row["picture"] else None,
        word_count=row["words"],
        published_at=moment_or_none(row["published_at"]),
        first_seen_at=moment(row["first_seen_at"]),
        edited_at=moment_or_none(row["edited_at"]),
        points_to=row["points_to"],
        discussion=row["discussion"],
        origin_name=row["origin_name"],
        origin_url=row["origin_url"],
        enclosure=Enclosure(**json.loads(row["enclosure"])) if row["enclosure"] else None,
        backlog=bool(row["backlog"]),
    )


def edit(row: Row) -> Edit:
    """Return the edit in a row of `entry_edits`."""
    return Edit(
        edit_id=row["edit_id"],
        entry_id=row["entry_id"],
        at=moment(row["at"]),
        title_before=row["title_before"],
        title=row["title"],
        summary_before=row["summary_before"],
        summary=row["summary"],
    )


def feed_state(row: Row) -> FeedState:
    """Return the state in a row that begins with `FEED`.

    By position, because lookups by name compare all column names, and every poll reads a state.
    """
    (
        source_id, url, etag, last_modified, next_poll_at, interval_s, failures, gone, move_seen_to,
        last_polled_at, last_ok_at, last_new_at, last_words, last_kind, last_status, hints, fresh_for_s,
        arrivals, waits_kept, waited_s, format_before, format_changed_at, moved_from, moved_at,
    ) = row[:_FEED_COLUMNS]  # fmt: skip
    return FeedState(
        source_id=source_id,
        url=url,
        validators=Validators(etag, last_modified),
        next_poll_at=moment_or_none(next_poll_at),
        interval=timedelta(seconds=interval_s),
        failures=failures,
        gone=bool(gone),
        move_seen_to=move_seen_to,
        last_polled_at=moment_or_none(last_polled_at),
        last_ok_at=moment_or_none(last_ok_at),
        last_new_at=moment_or_none(last_new_at),
        last_message=last_words,
        last_kind=last_kind,
        last_status=last_status,
        hints=_hints(hints),
        fresh_for=None if fresh_for_s is None else timedelta(seconds=fresh_for_s),
        arrivals=tuple(json.loads(arrivals)),
        waits_kept=waits_kept,
        waited=timedelta(seconds=waited_s),
        format_before=format_before,
        format_changed_at=moment_or_none(format_changed_at),
        moved_from=moved_from,
        moved_at=moment_or_none(moved_at),
    )


@lru_cache(maxsize=1024)
def _hints(text: str) -> Hints:
    """Parse hints; cached, because most feeds have the same few."""
    return Hints.from_plain(json.loads(text)) if text != "{}" else Hints()


def hints_text(hints: Hints) -> str:
    """Return *hints* as JSON."""
    return as_json(hints.as_plain())


def story(row: Row) -> Story:
    """Return the story in a row of `STORY`."""
    return Story(
        story_id=row["story_id"],
        headline=row["headline"],
        summary=row["story_summary"],
        lead_entry_id=row["lead_entry_id"],
        category_id=row["category_id"],
        first_seen_at=moment(row["story_first_seen_at"]),
        last_source_at=moment(row["last_source_at"]),
        updated_at=moment(row["updated_at"]),
        entries=row["entries"],
        sources=row["sources"],
        independent_sources=row["independent_sources"],
        score=row["score"],
        relevance=row["relevance"],
        provisional=bool(row["provisional"]),
        trend=row["trend"],
        contributions=tuple(_contribution(*part) for part in json.loads(row["contributions"])),
        merged_into=row["merged_into"],
        hidden=bool(row["hidden"]),
        pinned=bool(row["pinned"]),
        published_at=moment_or_none(row["story_published_at"]),
    )


def _contribution(name: str, log_odds: float, points: float, why: str | list[object]) -> Contribution:
    return Contribution(name, log_odds, points, Reason.from_plain(why))


def reason_text(reason: Reason) -> str:
    """Return *reason* as stored: a JSON list."""
    return as_json(reason.as_plain())


def reason(text: str) -> Reason:
    """Parse a reason, or return the sentence of a version before 0.2.0, none of which begins like a list."""
    return Reason.from_plain(json.loads(text) if text.startswith('["') else text)


def decision(row: Row) -> Decision:
    """Return the decision in a row of `decisions`."""
    return Decision(
        decision_id=row["decision_id"],
        kind=DecisionKind(row["kind"]),
        at=moment(row["at"]),
        story_id=row["story_id"],
        entry_ids=tuple(json.loads(row["entry_ids"])),
        other_ids=tuple(json.loads(row["other_ids"])),
        into_id=row["into_id"],
        into_ids=tuple(json.loads(row["into_ids"])),
        category_id=row["category_id"],
        undone_at=moment_or_none(row["undone_at"]),
    )


def contributions_text(parts: tuple[Contribution, ...]) -> str:
    """Return *parts* as JSON, in their order."""
    return msgspec.json.encode([[p.name, p.log_odds, p.points, p.reason.as_plain()] for p in parts]).decode()


def membership(row: Row) -> Membership:
    """Return the membership in a row of `memberships`."""
    return Membership(
        entry_id=row["entry_id"],
        story_id=row["story_id"],
        joined_at=moment(row["joined_at"]),
        similarity=row["similarity"],
        probability=row["probability"],
        reason=reason(row["reason"]),
        voice=row["voice"],
        counted_in=row["counted_in"],
    )
