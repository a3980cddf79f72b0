"""Read a feed document: bytes in, cleaned drafts of entries out.

Knows RSS, Atom, CDF and JSON Feed, and the message for a document that is none of them. Pure: it
reads no clock, no disk and no network. Hostile documents can still cost it a great deal of time, so
`aggregator.parse.pool` runs it in a child process with limits.
"""

from __future__ import annotations

import zlib

from aggregator.errors import NotAFeedError
from aggregator.model import DocumentMemory, Draft, Limits, ParsedFeed
from aggregator.parse import json_feed, polling_hints
from aggregator.parse.dates import DateReader
from aggregator.parse.dates.regions import has_unclear_order, is_regional, region_of
from aggregator.parse.diagnose import describe
from aggregator.parse.fingerprints import DocumentFingerprints, Pieces, document_mark, in_pieces
from aggregator.parse.normalize import are_distinct, build_feed, context_of, item_keys
from aggregator.parse.raw_items import RawFeed
from aggregator.parse.xml import reader
from aggregator.text.urls import host, safe_link

__all__ = ["parse", "read_entries"]


_DEFAULT_LIMITS = Limits()


def parse(
    data: bytes,
    content_type: str = "",
    url: str = "",
    limits: Limits = _DEFAULT_LIMITS,
    memory: DocumentMemory = DocumentMemory(),  # noqa: B008 - frozen
) -> ParsedFeed:
    """Return the feed in the document *data*, within *limits*; NotAFeedError when it is no feed.

    url:    where it came from; relative links are resolved against it
    memory: of the document that was stored last: what did not change since is not made again

    The bytes decide what it is, *content_type* only helps with their encoding. A feed without entries
    is a feed. Whatever was cut, left out or repaired is in `notes`.
    """
    mark = memory.mark or document_mark(data, content_type, url, limits)
    data = _unpacked(data, limits)
    if not data.strip(b" \t\r\n\0\xef\xbb\xbf"):
        raise NotAFeedError("the document is empty")
    before = DocumentFingerprints.from_text(memory.stored)
    if json_feed.looks_like(data):
        raw = json_feed.read(data)
        _read_regional_dates(raw, url)
        return build_feed(raw, _base(raw, url), limits, before, mark, url=url)
    pieces = in_pieces(data)
    if pieces and (parsed := _only_what_changed(data, pieces, content_type, url, limits, before, mark)):
        return parsed
    feed = reader.read(data, content_type, limits)
    if feed is None:
        message, feeds = describe(data, url)
        raise NotAFeedError(message, feeds)
    feed.hints = polling_hints.of_xml(data, url)
    _read_regional_dates(feed, url)
    opening = b""
    if pieces and feed.well_formed and not feed.notes and len(pieces.items) == len(feed.items):
        opening = pieces.opening
        for item, bytes_mark in zip(feed.items, pieces.marks(), strict=True):
            item.bytes_mark = bytes_mark
    return build_feed(feed, _base(feed, url), limits, before, mark, opening, url=url)


def _only_what_changed(
    data: bytes, pieces: Pieces, content_type: str, url: str, limits: Limits, before: DocumentFingerprints, mark: str
) -> ParsedFeed | None:
    """Return what `parse` returns, but read only the items whose bytes are new; None if all must be read."""
    stored = {item.bytes_mark: item for item in before.items if item.bytes_mark != "-"}
    marks = pieces.marks() if stored else []
    unchanged = [mark in stored for mark in marks]
    if not any(unchanged) or len(set(marks)) < len(marks) or len(marks) > limits.entries_per_poll:
        return None
    raw = reader.read(pieces.without(unchanged), content_type, limits)
    new_marks = [mark for mark in marks if mark not in stored]
    if raw is None or not raw.well_formed or raw.notes or len(raw.items) != len(new_marks):
        return None
    if any(has_unclear_order(item.stated_at) for item in raw.items):
        return None  # the dates of the other items may decide
    for item, bytes_mark in zip(raw.items, new_marks, strict=True):
        item.bytes_mark = bytes_mark
    _read_regional_dates(raw, url)
    raw.hints = polling_hints.of_xml(data, url)
    base = _base(raw, url)
    if before.context != context_of(raw, base, limits, pieces.opening):
        return None
    skipped = tuple(stored[mark] for mark in marks if mark in stored)
    if not are_distinct(item_keys(raw.items, base), skipped):
        return None
    return build_feed(raw, base, limits, before, mark, pieces.opening, skipped, url=url)


def _read_regional_dates(raw: RawFeed, url: str) -> None:
    """Read the dates again that mean something else in each country, now that the site and all dates are known."""
    regional = [item for item in raw.items if is_regional(item.stated_at)]
    if not regional:
        return
    site = safe_link(raw.site_url, url) or url
    region = region_of(raw.language, host(site), [item.stated_at for item in regional])
    dates = DateReader()
    for item in regional:
        item.published_at = dates.read(item.stated_at, raw.language, region) or item.published_at


def _base(raw: RawFeed, url: str) -> str:
    """Return what relative links of items are resolved against.

    In RSS and JSON Feed that is the site (as the RSS Advisory Board recommends), since feeds lie on other hosts than
    their sites; in Atom it is the document (RFC 4287), unless the site is on another host.
    """
    document = safe_link(url)
    site = safe_link(raw.site_url, document)
    if document and (not site or (raw.hints.format == "Atom" and host(site) == host(document))):
        return document
    return site


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
        raise NotAFeedError(f"invalid gzip data: {error}") from error
    if len(content) > limits.feed_bytes:
        raise NotAFeedError(f"gzip data of more than {limits.feed_bytes // 1_000_000} MB")
    return content
