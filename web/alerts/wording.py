"""What messages say: a title, a text with links and reasons, and the same as plain data for webhooks.

Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from aggregator.model import Config, Entry, Listed
from aggregator.text.markup import clip
from aggregator.text.urls import safe_link
from aggregator.text.wording import plural
from web.present.formatting import source_count, standfirst, story_path
from web.present.score import why

MAX_TITLE_CHARS = 200
MAX_SUMMARY_CHARS = 280
MAX_SOURCES_NAMED = 5
MAX_LINES = 20


def story_message(
    listed: Listed, entries: Sequence[Entry], config: Config, now: datetime, *, rule: str, sources_before: int | None
) -> dict[str, Any]:
    """Return the message about a story; *sources_before* where an earlier message said how many sources it had."""
    story = listed.story
    names = {source.id: source.name for source in config.sources}
    category = config.category(story.category_id)
    sources = list(dict.fromkeys(names.get(entry.source_id, entry.source_id) for entry in entries))
    url = f"{config.site.url.rstrip('/')}{story_path(story)}"
    original = safe_link(listed.lead.link)
    reason = why(story.contributions, story.score)
    section = category.name if category else story.category_id
    lead = f"Score {story.score}" if sources_before is None else f"Now {plural(story.independent_sources, 'source')}"
    more = f" and {len(sources) - MAX_SOURCES_NAMED} more" if len(sources) > MAX_SOURCES_NAMED else ""
    began = story.first_seen_at.astimezone(ZoneInfo(config.site.timezone))
    lines = [
        clip(standfirst(story), MAX_SUMMARY_CHARS),
        "",
        f"{section}, {source_count(story.sources, story.independent_sources)}: "
        f"{', '.join(sources[:MAX_SOURCES_NAMED])}{more}",
        f"First seen {began:%d %B, %H:%M} {began.tzname()}",
        f"Score {story.score}{' (provisional)' if story.provisional else ''}: {reason}" if reason else "",
        *([f"Before: {plural(sources_before, 'source')}"] if sources_before is not None else []),
        "",
        url,
        *([f"Original: {original}"] if original else []),
    ]
    return {
        "title": clip(f"{lead}: {story.headline}", MAX_TITLE_CHARS),
        "text": _joined(lines),
        "data": {
            "type": "story" if sources_before is None else "story.grew",
            "rule": rule,
            "at": now.isoformat(),
            "story": {
                "id": story.story_id,
                "headline": story.headline,
                "url": url,
                "original_url": original,
                "category": story.category_id,
                "score": story.score,
                "provisional": story.provisional,
                "why": reason,
                "sources": story.sources,
                "independent_sources": story.independent_sources,
                "independent_sources_before": sources_before,
                "first_seen_at": story.first_seen_at.isoformat(),
            },
        },
    }


def alarm_message(begun: Sequence[str], ended: Sequence[str], config: Config, now: datetime) -> dict[str, Any]:
    """Return one message for everything that began or ended since the last look."""
    if begun:
        title = f"{config.site.title}: {begun[0] if len(begun) == 1 else f'{len(begun)} things need attention'}"
    else:
        title = f"{config.site.title}: resolved"
    lines = [*_cut(begun), *(["", "Resolved:"] if begun and ended else []), *_cut(ended), "", _desk(config)]
    data = {"type": "operator", "at": now.isoformat(), "began": list(begun), "ended": list(ended)}
    return {"title": clip(title, MAX_TITLE_CHARS), "text": _joined(lines), "data": data}


def test_message(config: Config, name: str, now: datetime) -> dict[str, Any]:
    """Return what `groundswell alerts test` sends."""
    text = f"This is a test of {name}. Messages about stories and about the site arrive here.\n\n{config.site.url}"
    data = {"type": "test", "rule": name, "at": now.isoformat()}
    return {"title": f"{config.site.title}: test message", "text": text, "data": data}


def _desk(config: Config) -> str:
    return f"{config.site.url.rstrip('/')}/admin"


def _cut(lines: Sequence[str]) -> list[str]:
    shown = [f"- {line}" for line in lines[:MAX_LINES]]
    return [*shown, f"- and {len(lines) - MAX_LINES} more"] if len(lines) > MAX_LINES else shown


def _joined(lines: Sequence[str]) -> str:
    """Return *lines* without blank ones at the ends and without two in a row."""
    text = "\n".join(lines).strip()
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text
