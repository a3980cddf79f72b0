"""Read JSON Feed 1.0 and 1.1. https://www.jsonfeed.org/version/1.1/"""

from __future__ import annotations

import json
from typing import Any

from aggregator.errors import NotAFeedError
from aggregator.parse import polling_hints
from aggregator.parse.dates import DateReader
from aggregator.parse.media import recording_type
from aggregator.parse.raw_items import RawEnclosure, RawFeed, RawItem, RawPicture, Text, text_as_meant
from aggregator.text.markup import storable

_MAX_DIGITS = 300


def looks_like(data: bytes) -> bool:
    """Return whether *data* starts as JSON does."""
    return data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


def read(data: bytes) -> RawFeed:
    """Return the JSON Feed in *data*, or raise NotAFeedError."""
    try:
        document = json.loads(
            data.decode("utf-8-sig", "replace").lstrip("\ufeff \t\r\n"), parse_int=_number, strict=False
        )
    except ValueError as error:
        raise NotAFeedError(f"looks like JSON, but is invalid: {str(error)[:100]}") from error
    except RecursionError as error:
        raise NotAFeedError("looks like JSON, but is nested too deeply") from error
    if not isinstance(document, dict):
        raise NotAFeedError("JSON, but not a JSON Feed: expected an object, found a list")
    items = document.get("items")
    named = "jsonfeed.org" in _text(document.get("version"))
    if not named and not (isinstance(items, list) and any(k in document for k in ("home_page_url", "feed_url"))):
        keys = storable(", ".join(sorted(map(str, document))[:5]))
        raise NotAFeedError(f"JSON, but not a JSON Feed: it does not state a version (keys: {keys[:100]})")
    notes = []
    if items is not None and not isinstance(items, list):
        notes.append("items is no list")
    listed = items if isinstance(items, list) else []
    dates, language = DateReader(), _text(document.get("language"))
    feed_authors = _authors(document)
    raw_items = [_item(item, dates, language, feed_authors) for item in listed if isinstance(item, dict)]
    if len(raw_items) < len(listed):
        notes.append(f"{len(listed) - len(raw_items)} items that are no objects left out")
    return RawFeed(
        title=Text(_text(document.get("title")), is_html=False),
        site_url=_text(document.get("home_page_url")),
        language=language,
        items=raw_items,
        notes=notes,
        hints=polling_hints.of_json(document),
    )


def _item(item: dict[str, Any], dates: DateReader, language: str, feed_authors: list[str]) -> RawItem:
    stated = _text(item.get("date_published"))
    moment = dates.read(stated, language)
    if moment is None and (modified := _text(item.get("date_modified"))):
        moment = dates.read(modified, language)
        stated = modified if moment or not stated else stated
    contents = []
    if markup := _text(item.get("content_html")):
        contents.append(Text(markup))
    if plain_text := _text(item.get("content_text")):
        contents.append(text_as_meant(plain_text, is_html=False))
    guid, links = _text(item.get("id")), [_text(item.get(key)) for key in ("url", "external_url")]
    return RawItem(
        guid=guid,
        # The specification recommends the address of the item as its ID; some give only that.
        links=[link for link in (*links, guid if guid.startswith(("http://", "https://")) else "") if link],
        title=Text(_text(item.get("title")), is_html=False),
        summary=text_as_meant(_text(item.get("summary")), is_html=False),
        # The HTML includes the text, which only counts alone.
        contents=contents[:1],
        author=", ".join(_authors(item) or feed_authors),
        tags=[text for tag in _listed(item.get("tags")) if (text := _text(tag))],
        language=_text(item.get("language")),
        pictures=[
            *(RawPicture(url) for key in ("image", "banner_image") if (url := _text(item.get(key)))),
            *(
                RawPicture(_text(part.get("url")), caption=_text(part.get("title")))
                for part in _list(item.get("attachments"))
                if isinstance(part, dict) and _text(part.get("mime_type")).startswith("image/")
            ),
        ],
        enclosures=_recordings(item),
        external_url=_text(item.get("external_url")),
        stated_at=stated,
        published_at=moment,
    )


def _recordings(item: dict[str, Any]) -> list[RawEnclosure]:
    recordings = []
    for part in _list(item.get("attachments")):
        url = _text(part.get("url")) if isinstance(part, dict) else ""
        if url and (kind := recording_type(_text(part.get("mime_type")), url)):
            recordings.append(RawEnclosure(url, kind, _text(part.get("size_in_bytes"))))
    return recordings


def _authors(item: dict[str, Any]) -> list[str]:
    named = [*_listed(item.get("authors")), item.get("author")]
    names = [_text(author.get("name")) if isinstance(author, dict) else _text(author) for author in named]
    return list(dict.fromkeys(name for name in names[:20] if name))


def _text(value: object) -> str:
    """Return a value as a string; some feeds have numbers as IDs."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _listed(value: object) -> list[Any]:
    """Return a list, or a list of the one thing that some feeds have instead."""
    return value if isinstance(value, list) else [value]


def _number(digits: str) -> int | str:
    return int(digits) if len(digits) < _MAX_DIGITS else digits[:_MAX_DIGITS]
