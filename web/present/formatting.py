"""Slugs, languages, reading time, and the only place where stored HTML becomes markup.

Plurals, durations and ages are in `aggregator.text.wording`.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

from flask_babel import gettext
from markupsafe import Markup

from aggregator.model import Entry, Story
from aggregator.text.markup import clip, plain
from web.i18n.wording import number, plural

WORDS_PER_MINUTE = 230
MIN_TEXT_RATIO = 1.2
"""Content that is hardly longer than the summary repeats the summary."""
MIN_TEXT_WORDS = 60


def reading_time(entry: Entry) -> str:
    """Return `3 min read`: words / 230, rounded up; "" if the feed has only a summary."""
    if len(entry.content) <= MIN_TEXT_RATIO * len(entry.summary) or entry.word_count < MIN_TEXT_WORDS:
        return ""
    return str(gettext("%(n)s min read", n=number(-(-entry.word_count // WORDS_PER_MINUTE))))


def recording(entry: Entry) -> str:
    """Return `Listen (34 MB)` or `Watch` for the recording that an entry's feed attaches; "" for none."""
    if entry.enclosure is None:
        return ""
    name = "Listen" if entry.enclosure.media_type.startswith("audio/") else "Watch"
    megabytes = round((entry.enclosure.length or 0) / 1_000_000)
    return f"{name} ({megabytes:,} MB)" if megabytes else name


_NO_WORD = re.compile("[^a-z0-9]+")


def slug(headline: str, limit: int = 64) -> str:
    """Return *headline* as a slug: words of any script, joined by hyphens."""
    if headline.isascii():  # most are, and a page has dozens
        joined = _NO_WORD.sub("-", headline.lower()).strip("-")
    else:
        text = unicodedata.normalize("NFKC", headline).casefold()
        letters = "".join(c if c.isalnum() or unicodedata.category(c).startswith("M") else " " for c in text)
        joined = "-".join(letters.split())
    if len(joined) > limit:
        head = joined[:limit]
        joined = head[: head.rfind("-")] if head.rfind("-") > limit // 2 else head
    return joined.strip("-") or "story"


def story_path(story: Story) -> str:
    """Return the address of a story on this site."""
    return f"/story/{story.story_id}/{quote(slug(story.headline))}"


def source_count(sources: int, independent: int) -> str:
    """Return `9 sources, 6 independent`."""
    if sources <= 1:
        return plural(sources, "source")
    if independent >= sources:
        return str(gettext("%(sources)s, all independent", sources=plural(sources, "source")))
    return str(gettext("%(sources)s, %(n)s independent", sources=plural(sources, "source"), n=number(independent)))


_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")


def language_tag(language: str, site_language: str) -> str:
    """Return *language* if it is a tag that differs from the site's, else ""."""
    if not _LANGUAGE.fullmatch(language) or language.partition("-")[0] == site_language.partition("-")[0]:
        return ""
    return language


def stored_html(content: str) -> Markup:
    """Return an entry's stored content as markup: it went through `sanitize.clean` when it was stored."""
    return Markup(content)


def standfirst(story: Story, limit: int = 320) -> str:
    """Return the summary as a lead paragraph, unless it only repeats the headline."""
    summary = clip(plain(story.summary) if "<" in story.summary else story.summary, limit)
    return "" if slug(summary, 200) == slug(story.headline, 200) else summary


def body_html(entry: Entry, standfirst: str) -> Markup:
    """Return the content of an entry, or nothing if it only repeats the standfirst."""
    if not entry.content:
        return Markup()
    if len(plain(entry.content)) <= len(standfirst) * 1.2:
        return Markup()
    return stored_html(entry.content)
