"""Compute the identity of an item within its source, and the digest that detects changes.

Pure. `polling.matching` matches documents with stored entries.
"""

from __future__ import annotations

import hashlib

from aggregator.model import Arrival, Draft
from aggregator.text.reading_time import count_words, count_words_of_clean
from aggregator.text.urls import canonical

_MAX_CHARS = 300


def arrival(draft: Draft) -> Arrival:
    """Return *draft* with its identity and digests."""
    word_count = count_words_of_clean(draft.content)
    if word_count < len(draft.summary) // 2 + 1:  # else the summary cannot have more
        word_count = max(word_count, count_words(draft.summary))
    link = _link(draft)
    return Arrival(draft, identity(draft), link, _digest(draft, link), word_count)


def identity(draft: Draft) -> str:
    """Return the identity of *draft* within its source, at most 300 characters."""
    return guid_identity(draft.guid) if draft.guid else _without_guid(draft)


def guid_identity(guid: str) -> str:
    """Return the identity of an item with that *guid*."""
    return guid if len(guid) <= _MAX_CHARS else _hash("guid", guid)


def link_identity(link: str) -> str:
    """Return the identity of an item without a guid, with that canonical *link*."""
    return link if len(link) <= _MAX_CHARS else _hash("link", link)


def _without_guid(draft: Draft) -> str:
    return link_identity(_link(draft)) if draft.link else _hash("item", draft.title, _date(draft))


def shared_link_identity(draft: Draft) -> str:
    """Return the identity of an item without a guid that shares its link with other items of the document."""
    return _hash("shared", _link(draft), draft.title, _date(draft) or draft.summary)


def digest(draft: Draft) -> str:
    """Return a short hash of all stored fields of *draft* but its guid.

    So a server that generates new guids at every fetch causes no writes.
    """
    return _digest(draft, _link(draft))


def _digest(draft: Draft, link: str) -> str:
    parts = [draft.title, draft.summary, draft.content, draft.author, *draft.tags, draft.language, link]
    if picture := draft.picture:
        parts += (picture.url, picture.caption, picture.credit)
    if enclosure := draft.enclosure:
        parts += (enclosure.url, enclosure.media_type, str(enclosure.length))
    # Only if there is one, so that entries of earlier versions keep their digest.
    origin_url = draft.origin_url if draft.origin_name else ""  # the channel's, which entries of 0.1 do not have
    parts += filter(None, (draft.points_to, draft.discussion, draft.origin_name, origin_url))
    return _hash(*parts, _date(draft))


def _date(draft: Draft) -> str:
    return draft.published_at.isoformat() if draft.published_at else draft.stated_at


def _link(draft: Draft) -> str:
    return canonical(draft.link) if draft.link else ""


def _hash(*parts: str) -> str:
    joined = "\x1f".join(parts)
    return hashlib.blake2b(joined.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
