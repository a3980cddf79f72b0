"""A digest as a message: a title, plain text with links, HTML for mailboxes, and data for webhooks.

Pure. Styles stand on the elements, since mailboxes ignore style sheets; nothing is loaded from anywhere.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader

from aggregator.model import Config
from aggregator.text.wording import plural
from web.digest.contents import Digest, DigestStory
from web.present.formatting import source_count, standfirst, story_path

SUMMARY_CHARS = 220


def title_of(digest: Digest) -> str:
    """Return `The week in stories: 23 to 29 November 2026`."""
    return f"The {'week' if digest.edition.is_week else 'day'} in stories: {digest.edition.title}"


def message(digest: Digest, config: Config, now: datetime) -> dict[str, Any]:
    """Return a digest as it is sent."""
    base = config.site.url.rstrip("/")
    sections = _sections(digest, config)
    lines = [title_of(digest), f"{plural(digest.total, 'story', 'stories')} with news"]
    for name, stories in sections:
        lines += ["", name.upper(), ""]
        for story in stories:
            lines += _lines(story, base)
    lines += ["", f"All of it: {base}/digest/{digest.edition.name}"]
    html = _TEMPLATES.get_template("digest/mail.html").render(
        title=title_of(digest),
        site=config.site,
        base=base,
        edition=digest.edition,
        total=digest.total,
        sections=[(name, [_row(story, base) for story in stories]) for name, stories in sections],
        language=config.site.language,
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
    return {"title": f"{config.site.title}: {title_of(digest)}", "text": "\n".join(lines), "html": html, "data": data}


def body_html(digest: Digest, config: Config) -> str:
    """Return the stories as lists, for feeds."""
    base = config.site.url.rstrip("/")
    sections = [(name, [_row(story, base) for story in stories]) for name, stories in _sections(digest, config)]
    return _TEMPLATES.get_template("digest/feed_item.html").render(sections=sections)


def _sections(digest: Digest, config: Config) -> list[tuple[str, tuple[DigestStory, ...]]]:
    names = {category.id: category.name for category in config.categories}
    sections = [("Top stories", digest.top), ("What grew", digest.grew)]
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
    facts = ", ".join(filter(None, (f"score {row['score']}", row["sources"], row["growth"])))
    return [f"* {row['headline']}", f"  {facts}", f"  {row['url']}", ""]


_TEMPLATES = Environment(
    loader=PackageLoader("web", "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
