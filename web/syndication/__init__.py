"""Write lists of stories as RSS 2.0, Atom 1.0 and JSON Feed 1.1.

    listed stories -> item() -> Channel -> FORMATS["rss" | "atom" | "json"].write, MARKDOWN.write -> bytes

Pure: the same channel gives the same bytes. One item per story; its ID is a tag URI (RFC 4151) that survives changes of
headlines, slugs and site addresses. Score and sources are in the readable text and in elements of our own namespace,
which /feeds describes. Selecting the stories is left to `web.lists.stories`.
"""

from __future__ import annotations

from web.syndication.channel import Channel, Image, Item, article, image, item, material, tag_uri
from web.syndication.formats import FORMATS, MARKDOWN, Format
from web.syndication.markup import NAMESPACE, escape_if_ambiguous

__all__ = [
    "FORMATS",
    "MARKDOWN",
    "NAMESPACE",
    "Channel",
    "Format",
    "Image",
    "Item",
    "article",
    "escape_if_ambiguous",
    "image",
    "item",
    "material",
    "tag_uri",
]
