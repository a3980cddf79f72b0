"""Raw items: fields as the feed has them, before anything is cleaned."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

from aggregator.model import Hints


@dataclass(slots=True)
class Text:
    """A piece of text, and whether its markup counts as markup."""

    value: str = ""
    is_html: bool = True


# Observed: Atom without type="html" and JSON Feed whose texts are HTML all the same; HTML that was escaped twice.
_ELEMENTS = r"(p|div|span|section|article|ul|ol|table|blockquote|figure|h[1-6]|a|b|strong|em|i)"
_MARKUP = re.compile(rf"\s*<{_ELEMENTS}(?:\s[^<>]{{0,1000}})?>", re.IGNORECASE)
_ESCAPED_MARKUP = re.compile(rf"\s*&lt;{_ELEMENTS}(?:\s(?:(?!&[lg]t;).){{0,1000}})?&gt;", re.IGNORECASE)


def text_as_meant(value: str, *, is_html: bool) -> Text:
    """Return a text as markup if it begins with an element and closes it, whatever the feed says of its type."""
    if is_html:
        escaped = _ESCAPED_MARKUP.match(value) if "<" not in value else None
        if escaped and f"&lt;/{escaped[1]}&gt;" in value:
            return Text(html.unescape(value))
    elif (start := _MARKUP.match(value)) and f"</{start[1]}>" in value:
        return Text(value)
    return Text(value, is_html)


@dataclass(slots=True)
class RawPicture:
    """A picture as the feed names it."""

    url: str
    caption: str = ""
    credit: str = ""
    width: str = ""
    height: str = ""


@dataclass(slots=True)
class RawEnclosure:
    """A recording as the feed names it."""

    url: str
    media_type: str
    length: str = ""


@dataclass(slots=True)
class RawItem:
    """One item, uncleaned."""

    guid: str = ""
    links: list[str] = field(default_factory=list)
    """Candidates for its link, the best first."""
    title: Text = field(default_factory=Text)
    summary: Text = field(default_factory=Text)
    contents: list[Text] = field(default_factory=list)
    author: str = ""
    tags: list[str] = field(default_factory=list)
    language: str = ""
    pictures: list[RawPicture] = field(default_factory=list)
    """Candidates, the best first."""
    enclosures: list[RawEnclosure] = field(default_factory=list)
    """Audio before video, else as the feed has them."""
    stated_at: str = ""
    published_at: datetime | None = None
    base: str = ""
    """What relative links in its content are resolved against, where the feed says so itself."""
    comments: str = ""
    """The page with the comments on it, as the feed names it."""
    external_url: str = ""
    """What it links to, where the feed says that of a link post (JSON Feed)."""
    origin_name: str = ""
    """Who published it first: `<source>`."""
    origin_url: str = ""
    bytes_mark: str = "-"
    """See `fingerprints.ItemFingerprint`."""


@dataclass(slots=True)
class RawFeed:
    """One document, uncleaned."""

    title: Text
    site_url: str
    language: str
    items: list[RawItem]
    notes: list[str] = field(default_factory=list)
    hints: Hints = Hints()  # noqa: RUF009 - frozen
    well_formed: bool = False
    """Whether the fast reader read its bytes as they are, so that its items are those of the bytes."""


def fingerprint(item: RawItem, context: str) -> str:
    """Return a short hash of *item* and of the *context* that its draft depends on, too."""
    parts = [context, item.guid, *item.links, "\x1e", item.title.value, item.summary.value, item.author, *item.tags]
    parts += [item.language, item.stated_at, str(item.published_at), item.base]
    parts += [item.comments, item.external_url, item.origin_name, item.origin_url]
    parts.append(f"{item.title.is_html}{item.summary.is_html}")
    for content in item.contents:
        parts += [content.value, str(content.is_html)]
    if item.pictures:
        parts.append(repr(item.pictures))
    if item.enclosures:
        parts.append(repr(item.enclosures))
    return blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
