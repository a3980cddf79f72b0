"""A list of stories as Markdown: for programs that read text, and for people who paste it."""

from __future__ import annotations

import re

from aggregator.text.urls import safe_link
from web.syndication.channel import Channel, Item

MEDIA_TYPE = "text/markdown"

# Escape everything that could begin markup with a backslash, so that a title is only text (CommonMark 2.4).
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!&])")
_LINE_START = re.compile(r"^(\s*)([-+=]|\d{1,9}[.)])")


def write(channel: Channel) -> bytes:
    """Return *channel* as Markdown, one section per item."""
    parts = [f"# {escape(channel.title)}", escape(channel.description)]
    parts.append(f"Page: {link(channel.page_url, channel.page_url)}")
    parts += [_item(item) for item in channel.items]
    if not channel.items:
        parts.append("No stories.")
    if channel.next_url:
        parts.append(f"Next: {link(channel.next_url, channel.next_url)}")
    return ("\n\n".join(part for part in parts if part) + "\n").encode()


def _item(item: Item) -> str:
    lines = [f"## {link(item.title, item.url)}"]
    if item.text:
        lines.append(escape(item.text))
    lines.append(escape(item.facts))
    if item.original:
        lines.append(f"Original: {link(item.source, item.original)}")
    if item.related:
        lines.append("\n".join(f"- {escape(name)}: {link(title, url)}" for name, title, url in item.related))
    return "\n\n".join(lines)


def escape(text: str) -> str:
    """Return *text* as one line of Markdown that renders as the same text."""
    line = " ".join(text.split())
    return _LINE_START.sub(r"\1\\\2", _MARKUP.sub(r"\\\1", line))


def link(text: str, url: str) -> str:
    """Return a link, or only the text if the address is not safe to follow."""
    address = safe_link(url)
    if not address:
        return escape(text)
    return f"[{escape(text)}](<{address.replace('<', '%3C').replace('>', '%3E').replace(' ', '%20')}>)"
