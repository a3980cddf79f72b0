"""How a page words things: counts, ages, slugs, languages; and the one place where stored HTML becomes markup."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta
from urllib.parse import quote

from markupsafe import Markup

from aggregator.model import Entry, Story
from aggregator.text.tokens import clip, plain

WORDS_PER_MINUTE = 230


def counted(number: int, singular: str, plural: str = "") -> str:
    """Return `1 source`, `9 sources`, `1,204 entries`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def read_time(words: int) -> str:
    """Return `3 min read`: words / 230, rounded up, at least one minute."""
    return f"{max(1, -(-words // WORDS_PER_MINUTE))} min read"


def span_words(span: timedelta) -> str:
    """Return a length of time in its largest whole unit: `90 seconds` is `1 minute`."""
    seconds = max(int(span.total_seconds()), 0)
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            return counted(seconds // length, unit)
    return counted(seconds, "second")


def ago(moment: datetime, now: datetime) -> str:
    """Return `8h ago`; from two weeks on the date, and never the future."""
    seconds = (now - moment).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3_600:
        return f"{int(seconds // 60)} min ago"
    if seconds < 86_400:
        return f"{int(seconds // 3_600)}h ago"
    if seconds < 14 * 86_400:
        return f"{int(seconds // 86_400)}d ago"
    return f"{moment.day} {moment:%b %Y}"


def slug(headline: str, limit: int = 64) -> str:
    """Return *headline* as the last part of an address: words of any script, joined by hyphens."""
    text = unicodedata.normalize("NFKC", headline).casefold()
    kept = "".join(c if c.isalnum() or unicodedata.category(c).startswith("M") else " " for c in text)
    joined = "-".join(kept.split())
    if len(joined) > limit:
        head = joined[:limit]
        joined = head[: head.rfind("-")] if head.rfind("-") > limit // 2 else head
    return joined.strip("-") or "story"


def story_path(story: Story) -> str:
    """Return the address of a story on this site."""
    return f"/story/{story.story_id}/{quote(slug(story.headline))}"


def sources_words(sources: int, independent: int) -> str:
    """Return `9 sources, 6 independent`."""
    if sources <= 1:
        return counted(sources, "source")
    return f"{counted(sources, 'source')}, {'all' if independent >= sources else independent} independent"


_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")


def language_tag(language: str, site_language: str) -> str:
    """Return *language* where it is a tag that differs from the site's, else ""."""
    if not _LANGUAGE.fullmatch(language) or language.partition("-")[0] == site_language.partition("-")[0]:
        return ""
    return language


def stored_html(content: str) -> Markup:
    """Return an entry's stored content as markup: it went through `sanitize.clean` when it was taken in."""
    return Markup(content)


def standfirst(story: Story, limit: int = 320) -> str:
    """Return the summary as a lead paragraph, unless it only repeats the headline."""
    summary = clip(plain(story.summary) if "<" in story.summary else story.summary, limit)
    return "" if slug(summary, 200) == slug(story.headline, 200) else summary


def body_html(entry: Entry, standfirst: str) -> Markup:
    """Return the content of an entry, or nothing where it says no more than the standfirst."""
    if not entry.content:
        return Markup()
    if len(plain(entry.content)) <= len(standfirst) * 1.2:
        return Markup()
    return stored_html(entry.content)
