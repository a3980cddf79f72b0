"""What messages say: a title, a text with links and reasons, and the same as plain data for webhooks.

All are in the language of the site. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext

from aggregator.model import Config, Entry, Listed, Story
from aggregator.model.alarms import AlarmKind
from aggregator.store.alerts import StandingAlarm
from aggregator.text.markup import clip
from aggregator.text.urls import safe_link
from web.i18n.catalogs import speaking
from web.i18n.wording import duration, number, plural, short_day_and_time, size
from web.present.formatting import source_count, standfirst, story_path
from web.present.score import why

MAX_TITLE_CHARS = 200
MAX_SUMMARY_CHARS = 280
MAX_SOURCES_NAMED = 5
MAX_LINES = 20


def story_message(
    listed: Listed, entries: Sequence[Entry], config: Config, now: datetime, *, rule: str, sources_before: int | None
) -> dict[str, Any]:
    """Return the message about a story, in the language of the site.

    sources_before: how many sources an earlier message counted, if there was one
    """
    with speaking(config.site.language):
        return _story_message(listed, entries, config, now, rule=rule, sources_before=sources_before)


def _story_message(
    listed: Listed, entries: Sequence[Entry], config: Config, now: datetime, *, rule: str, sources_before: int | None
) -> dict[str, Any]:
    story = listed.story
    names = {source.id: source.name for source in config.sources}
    category = config.category(story.category_id)
    sources = list(dict.fromkeys(names.get(entry.source_id, entry.source_id) for entry in entries))
    url = f"{config.site.url.rstrip('/')}{story_path(story)}"
    original = safe_link(listed.lead.link)
    reason = why(story.contributions, story.score)
    section = category.name if category else story.category_id
    began = story.first_seen_at.astimezone(ZoneInfo(config.site.timezone))
    lines = [
        clip(standfirst(story), MAX_SUMMARY_CHARS),
        "",
        f"{section}, {source_count(story.sources, story.independent_sources)}: {_named(sources)}",
        gettext("First seen %(at)s", at=f"{short_day_and_time(began)} {began.tzname()}"),
        _score(story, reason) if reason else "",
        *([gettext("Before: %(sources)s", sources=plural(sources_before, "source"))] if sources_before else []),
        "",
        url,
        *([gettext("Original: %(url)s", url=original)] if original else []),
    ]
    if sources_before is None:
        title = gettext("Score %(score)s: %(text)s", score=story.score, text=story.headline)
    else:
        now_from = plural(story.independent_sources, "source")
        title = gettext("Now %(sources)s: %(text)s", sources=now_from, text=story.headline)
    return {
        "title": clip(title, MAX_TITLE_CHARS),
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


def _named(sources: Sequence[str]) -> str:
    names = ", ".join(sources[:MAX_SOURCES_NAMED])
    left = len(sources) - MAX_SOURCES_NAMED
    return str(gettext("%(names)s and %(n)s more", names=names, n=number(left))) if left > 0 else names


def _score(story: Story, reason: str) -> str:
    if story.provisional:
        return str(gettext("Score %(score)s (provisional): %(text)s", score=story.score, text=reason))
    return str(gettext("Score %(score)s: %(text)s", score=story.score, text=reason))


def alarm_text(standing: StandingAlarm) -> str:
    """Return the sentence about an alarm, in the language of the site."""
    if standing.alarm is None:
        return standing.message
    # A value that a broken row lacks leaves a gap instead of failing.
    values = {**dict.fromkeys(("source", "reason"), "?"), **dict.fromkeys(_COUNTS, 0), **standing.alarm.values}
    source, reason = str(values["source"]), str(values["reason"])
    failures, free, seconds = (int(values[name]) for name in _COUNTS)
    match standing.alarm.kind:
        case AlarmKind.SOURCE_FAILING:
            in_a_row = gettext("%(failures)s in a row", failures=plural(failures, "failure"))
            text = f"{source}: {in_a_row} ({reason})"
        case AlarmKind.SOURCE_GONE:
            text = gettext("%(source)s: gone (410), no longer polled", source=source)
        case AlarmKind.SOURCE_OVERDUE:
            text = gettext("%(source)s: answers, but is overdue with news", source=source)
        case AlarmKind.DISK:
            text = gettext("the disk of the database has %(size)s left", size=size(free))
        case AlarmKind.BACKUP_FAILED:
            text = gettext("the last backup failed: %(why)s", why=reason)
        case AlarmKind.BACKUP_MISSING:
            text = gettext("no backup was made for %(span)s", span=duration(timedelta(seconds=seconds)))
        case AlarmKind.CALIBRATION:
            text = gettext("the calibration of scores drifts; see /accuracy")
        case AlarmKind.WORKER:
            span = duration(timedelta(seconds=seconds))
            text = gettext("the worker has not run for %(span)s; nothing is polled", span=span)
    return str(text)


_COUNTS = ("failures", "bytes", "seconds")


def alarm_message(
    begun: Sequence[StandingAlarm], ended: Sequence[StandingAlarm], config: Config, now: datetime
) -> dict[str, Any]:
    """Return one message for everything that began or ended since the last look, in the language of the site."""
    with speaking(config.site.language):
        new, resolved = ([alarm_text(alarm) for alarm in alarms] for alarms in (begun, ended))
        if len(new) == 1:
            what = new[0]
        elif new:
            what = plural(len(new), "thing needs attention", "things need attention")
        else:
            what = gettext("resolved")
        title = f"{config.site.title}: {what}"
        heading = ["", gettext("Resolved:")] if new and resolved else []
        lines = [*_cut(new), *heading, *_cut(resolved), "", _desk(config)]
    data = {
        "type": "operator",
        "at": now.isoformat(),
        "began": [_as_data(alarm, text) for alarm, text in zip(begun, new, strict=True)],
        "ended": [_as_data(alarm, text) for alarm, text in zip(ended, resolved, strict=True)],
    }
    return {"title": clip(title, MAX_TITLE_CHARS), "text": _joined(lines), "data": data}


def _as_data(standing: StandingAlarm, text: str) -> dict[str, Any]:
    alarm = standing.alarm
    return {
        "subject": standing.subject,
        "kind": alarm.kind.value if alarm else "",
        "values": dict(alarm.values) if alarm else {},
        "text": text,
    }


def test_message(config: Config, name: str, now: datetime) -> dict[str, Any]:
    """Return what `groundswell alerts test` sends, in the language of the site."""
    with speaking(config.site.language):
        text = gettext("This is a test of %(rule)s. Messages about stories and about the site arrive here.", rule=name)
        title = gettext("%(site)s: test message", site=config.site.title)
    data = {"type": "test", "rule": name, "at": now.isoformat()}
    return {"title": title, "text": f"{text}\n\n{config.site.url}", "data": data}


def _desk(config: Config) -> str:
    return f"{config.site.url.rstrip('/')}/admin"


def _cut(lines: Sequence[str]) -> list[str]:
    shown = [f"- {line}" for line in lines[:MAX_LINES]]
    if len(lines) > MAX_LINES:
        shown.append("- " + gettext("and %(n)s more", n=number(len(lines) - MAX_LINES)))
    return shown


def _joined(lines: Sequence[str]) -> str:
    """Return *lines* without blank ones at the ends and without two in a row."""
    text = "\n".join(lines).strip()
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text
