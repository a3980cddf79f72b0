"""Read a feed document: bytes in, cleaned drafts of entries out.

Knows RSS, Atom, CDF and JSON Feed, and what to say of a document that is none of them. Pure: it
reads no clock, no disk and no network. Hostile documents can still cost it a great deal of time, so
`aggregator.parsing` runs it in a child process with limits.
"""

from __future__ import annotations

import zlib

from aggregator.errors import NotAFeedError
from aggregator.model import Draft, Limits, ParsedFeed
from aggregator.parse import hints, jsonfeed, xmlfeed
from aggregator.parse.drafts import finished
from aggregator.parse.other import what_it_is
from aggregator.urls import safe_link

__all__ = ["parse", "read_entries"]


_DEFAULT_LIMITS = Limits()


def parse(
    data: bytes, content_type: str = "", url: str = "", limits: Limits = _DEFAULT_LIMITS, seen: str = ""
) -> ParsedFeed:
    """Return what the document *data* holds, within *limits*; NotAFeedError when it is no feed.

    url:  where it came from; relative links are resolved against it
    seen: `items_seen` of the document when it was last stored: what did not change since is not made again

    The bytes decide what it is, *content_type* only helps with their encoding. A feed without entries
    is a feed. Whatever was cut, left out or mended is told in `notes`.
    """
    data = _unpacked(data, limits)
    if not data.strip(b" \t\r\n\0\xef\xbb\xbf"):
        raise NotAFeedError("the document is empty")
    if jsonfeed.looks_like(data):
        raw = jsonfeed.read(data)
    elif (found := xmlfeed.read(data, content_type, limits)) is not None:
        raw = found
        raw.hints = hints.of_xml(data, url)
    else:
        words, feeds = what_it_is(data, url)
        raise NotAFeedError(words, feeds)
    base = safe_link(url) or safe_link(raw.site_url)
    return finished(raw, base, limits, seen)


def read_entries(data: bytes, content_type: str = "") -> list[Draft]:
    """Return the entries of the document *data*; for checks from outside."""
    return list(parse(data, content_type).entries)


def _unpacked(data: bytes, limits: Limits) -> bytes:
    """Return the content of a gzip archive: some sites publish feed.xml.gz as it lies on their disk."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        content = zlib.decompressobj(31).decompress(data, limits.feed_bytes + 1)
    except zlib.error as error:
        raise NotAFeedError(f"a gzip archive that cannot be read: {error}") from error
    if len(content) > limits.feed_bytes:
        raise NotAFeedError(f"a gzip archive of more than {limits.feed_bytes // 1_000_000} MB")
    return content
