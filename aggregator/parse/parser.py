"""Read a feed document: bytes in, cleaned drafts of entries out.

Knows RSS, Atom, CDF and JSON Feed, and what to say of a document that is none of them. Pure: it
reads no clock, no disk and no network. Hostile documents can still cost it a great deal of time, so
`aggregator.parse.pool` runs it in a child process with limits.
"""

from __future__ import annotations

import zlib

from aggregator.errors import NotAFeedError
from aggregator.model import DocumentMemory, Draft, Limits, ParsedFeed
from aggregator.parse import json_feed, polling_hints
from aggregator.parse.diagnose import what_it_is
from aggregator.parse.fingerprints import DocumentFingerprints, Pieces, document_mark, in_pieces
from aggregator.parse.normalize import context_of, finished, recognised_by, told_apart
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
    """Return what the document *data* holds, within *limits*; NotAFeedError when it is no feed.

    url:    where it came from; relative links are resolved against it
    memory: of the document that was stored last: what did not change since is not made again

    The bytes decide what it is, *content_type* only helps with their encoding. A feed without entries
    is a feed. Whatever was cut, left out or mended is told in `notes`.
    """
    mark = memory.mark or document_mark(data, content_type, url, limits)
    data = _unpacked(data, limits)
    if not data.strip(b" \t\r\n\0\xef\xbb\xbf"):
        raise NotAFeedError("the document is empty")
    before = DocumentFingerprints.from_text(memory.stored)
    if json_feed.looks_like(data):
        raw = json_feed.read(data)
        return finished(raw, _base(raw, url), limits, before, mark)
    pieces = in_pieces(data)
    if pieces and (parsed := _only_what_changed(data, pieces, content_type, url, limits, before, mark)):
        return parsed
    found = reader.read(data, content_type, limits)
    if found is None:
        words, feeds = what_it_is(data, url)
        raise NotAFeedError(words, feeds)
    found.hints = polling_hints.of_xml(data, url)
    opening = b""
    if pieces and found.well_formed and not found.notes and len(pieces.items) == len(found.items):
        opening = pieces.opening
        for item, one in zip(found.items, pieces.marks(), strict=True):
            item.bytes_mark = one
    return finished(found, _base(found, url), limits, before, mark, opening)


def _only_what_changed(
    data: bytes, pieces: Pieces, content_type: str, url: str, limits: Limits, before: DocumentFingerprints, mark: str
) -> ParsedFeed | None:
    """Return what `parse` returns, read of the items alone whose bytes are new; None where all must be read."""
    stored = {one.bytes_mark: one for one in before.items if one.bytes_mark != "-"}
    marks = pieces.marks() if stored else []
    known = [one in stored for one in marks]
    if not any(known) or len(set(marks)) < len(marks) or len(marks) > limits.entries_per_poll:
        return None
    raw = reader.read(pieces.without(known), content_type, limits)
    fresh = [one for one in marks if one not in stored]
    if raw is None or not raw.well_formed or raw.notes or len(raw.items) != len(fresh):
        return None
    for item, one in zip(raw.items, fresh, strict=True):
        item.bytes_mark = one
    raw.hints = polling_hints.of_xml(data, url)
    base = _base(raw, url)
    if before.context != context_of(raw, base, limits, pieces.opening):
        return None
    kept = tuple(stored[one] for one in marks if one in stored)
    if not told_apart(recognised_by(raw.items, base), kept):
        return None
    return finished(raw, base, limits, before, mark, pieces.opening, kept)


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
        raise NotAFeedError(f"a gzip archive that cannot be read: {error}") from error
    if len(content) > limits.feed_bytes:
        raise NotAFeedError(f"a gzip archive of more than {limits.feed_bytes // 1_000_000} MB")
    return content
