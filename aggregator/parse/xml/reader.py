"""Read RSS, Atom and CDF: fast where that gives the same, else through feedparser.

read(data):
    encodings.as_utf8               bytes to UTF-8
    fast.read                       a well-formed document that it is sure of
    repair                          bare ampersands, a cut end; then fast.read once more
    feedparser_reader.read          everything else
"""

from __future__ import annotations

from aggregator.errors import NotAFeedError
from aggregator.model import Limits
from aggregator.parse.raw_items import RawFeed
from aggregator.parse.xml import fast as fast_reader
from aggregator.parse.xml import feedparser_reader
from aggregator.parse.xml.encodings import ENCODING, UTF8_BOM, as_utf8, without_declaration
from aggregator.parse.xml.repair import (
    ITEMS_READ,
    SMALL,
    is_well_formed,
    root_of,
    shortened,
    with_references,
    without_truncated_item,
)


def read(data: bytes, content_type: str, limits: Limits, *, fast: bool = True) -> RawFeed | None:
    """Return the XML feed in *data*, or None when it is none; NotAFeedError if feedparser breaks on it.

    fast: without, feedparser reads everything
    """
    if fast and (feed := _read_at_once(data, limits)) is not None:
        return feed
    notes: list[str] = []
    data = shortened(as_utf8(data, content_type, notes), limits, notes)
    if fast and (feed := fast_reader.read(data)) is not None:
        feed.notes = notes
        return feed
    repaired = _repaired(data, notes)
    if fast and repaired is not data and (feed := fast_reader.read(repaired)) is not None:
        feed.notes, feed.well_formed = notes, False
        return feed
    try:
        feed = feedparser_reader.read(repaired, has_feed_root=bool(root_of(repaired)))
    except Exception as error:
        # Hostile bytes make it raise almost anything; one document must not stop the others.
        raise NotAFeedError(f"the document crashed the XML reader ({type(error).__name__})") from error
    if feed is not None:
        feed.notes = notes + feed.notes
    return feed


def _repaired(data: bytes, notes: list[str]) -> bytes:
    """Return *data* with what can be repaired where it is not well-formed, else *data* itself."""
    if b"<!ENTITY" in data or is_well_formed(data):
        return data
    return with_references(without_truncated_item(data, notes), notes)


def _read_at_once(data: bytes, limits: Limits) -> RawFeed | None:
    """Return the feed in *data* where `as_utf8` would leave it as it is: nearly always.

    What expat accepts as UTF-8 has no control character but DEL, so no other check of the bytes is needed.
    """
    data = data.removeprefix(UTF8_BOM)
    text = without_declaration(data)
    if not text.startswith(b"<") or b"\0" in text[:4] or b"\x7f" in text:
        return None
    declared = ENCODING.match(data) if text.isascii() else None
    if declared and declared[1].lower() not in (b"utf-8", b"us-ascii"):
        return None
    if len(text) > SMALL:
        notes: list[str] = []
        shortened(text, limits, notes)
        if notes:
            return None
    feed = fast_reader.read(text)
    return feed if feed and len(feed.items) <= limits.entries_per_poll * ITEMS_READ else None
