"""A digest as a message: a title, plain text with links, HTML for mailboxes, and data for webhooks.

Pure. Styles are attributes of the elements, because mail programs ignore style sheets; nothing is loaded from anywhere.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import gettext
from jinja2 import Environment, PackageLoader

from aggregator.model import Config
from web.digest.contents import Digest, DigestStory
from web.digest.editions import Edition
from web.i18n import wording
from web.i18n.catalogs import page_language, speaking
from web.i18n.wording import plural
from web.present.formatting import source_count, standfirst, story_path

SUMMARY_CHARS = 220


def span_of(edition: Edition) -> str:
    """Return the days of an edition: `Friday, 27 November 2026` or `23 to 29 November 2026`."""
    return wording.days(edition.first, edition.last) if edition.is_week else wording.long_day(edition.first)


def heading_of(edition: Edition) -> str:
    """Return `The week in stories` or `The day in stories`."""
    return str(gettext("The week in stories") if edition.is_week else gettext("The day in stories"))


def title_of(edition: Edition) -> str:
    """Return `The week in stories: 23 to 29 November 2026`."""
    return f"{heading_of(edition)}: {span_of(edition)}"


def message(digest: Digest, config: Config, now: datetime) -> dict[str, Any]:
    """Return a digest as it is sent, in the language of the site."""
    with speaking(config.site.language):
        return _message(digest, config, now)


def _message(digest: Digest, config: Config, now: datetime) -> dict[str, Any]:
    base = config.site.url.rstrip("/")
    sections = _sections(digest, config)
    title = title_of(digest.edition)
    lines = [title, plural(digest.total, "story with news", "stories with news")]
    for name, stories in sections:
        lines += ["", name.upper(), ""]
        for story in stories:
            lines += _lines(story, base)
    lines += ["", gettext("Full digest: %(url)s", url=f"{base}/digest/{digest.edition.name}")]
    html = _TEMPLATES.get_template("digest/mail.html").render(
        title=title,
        site=config.site,
        base=base,
        edition=digest.edition,
        total=digest.total,
        sections=[(name, [_row(story, base) for story in stories]) for name, stories in sections],
        language=page_language(config.site.language),
        _=gettext,
        plural=plural,
    )
    data = {
        "type": "digest",
        "at": now.isoformat(),
        "edition": digest.edition.name,
        "url": f"{base}/digest/{digest.edition.name}",
        "stories": [
            {"id": row["id"], "headline": row["headline"], "url": row["url"], "score": row["score"]}
            for row in (_row(story, base) for story in digest.stories)
        ],
    }
    return {"title": f"{config.site.title}: {title}", "text": "\n".join(lines), "html": html, "data": data}


def body_html(digest: Digest, config: Config) -> str:
    """Return the stories as lists, for feeds."""
    base = config.site.url.rstrip("/")
    sections = [(name, [_row(story, base) for story in stories]) for name, stories in _sections(digest, config)]
    return _TEMPLATES.get_template("digest/feed_item.html").render(sections=sections, _=gettext)


def _sections(digest: Digest, config: Config) -> list[tuple[str, tuple[DigestStory, ...]]]:
    names = {category.id: category.name for category in config.categories}
    sections = [(gettext("Top stories"), digest.top), (gettext("Stories that grew"), digest.grew)]
    sections += [(names.get(category_id, category_id), stories) for category_id, stories in digest.categories]
    return [(name, stories) for name, stories in sections if stories]


def _row(story: DigestStory, base: str) -> dict[str, Any]:
    shown = story.listed.story
    return {
        "id": shown.story_id,
        "headline": shown.headline,
        "url": base + story_path(shown),
        "score": shown.score,
        "sources": source_count(shown.sources, shown.independent_sources),
        "growth": story.growth_message,
        "summary": standfirst(shown, SUMMARY_CHARS),
    }


def _lines(story: DigestStory, base: str) -> list[str]:
    row = _row(story, base)
    facts = ", ".join(filter(None, (f"{gettext('Score')}: {row['score']}", row["sources"], row["growth"])))
    return [f"* {row['headline']}", f"  {facts}", f"  {row['url']}", ""]


_TEMPLATES = Environment(
    loader=PackageLoader("web", "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
