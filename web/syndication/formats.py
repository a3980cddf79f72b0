"""The formats of every list, by the ending of their addresses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from web.syndication import atom, json_feed, markdown, rss
from web.syndication.channel import Channel


@dataclass(frozen=True, slots=True)
class Format:
    """A feed format."""

    name: str
    content_type: str
    write: Callable[[Channel], bytes]


FORMATS = {
    "rss": Format("RSS", f"{rss.MEDIA_TYPE}; charset=utf-8", rss.write),
    "atom": Format("Atom", f"{atom.MEDIA_TYPE}; charset=utf-8", atom.write),
    "json": Format("JSON Feed", f"{json_feed.MEDIA_TYPE}; charset=utf-8", json_feed.write),
}

MARKDOWN = Format("Markdown", f"{markdown.MEDIA_TYPE}; charset=utf-8", markdown.write)
"""Of the same lists at the same addresses with `.md`. Not a feed: no page names it as one."""
