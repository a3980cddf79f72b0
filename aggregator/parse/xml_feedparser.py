"""Read RSS, Atom and CDF: fast where that gives the same, else through feedparser, guarded.

Knows where feedparser raises, where it is quadratic and which of its work is done elsewhere: its
sanitising and its resolving of links in HTML are off, because `sanitize` does both. It is never given
an address or a file name, only bytes.
"""

from __future__ import annotations

import io
import re
import xml.sax
from typing import Any

import feedparser
import feedparser.api

from aggregator.errors import NotAFeedError
from aggregator.model import Limits
from aggregator.parse import xml_fast
from aggregator.parse.dates import DateReader
from aggregator.parse.pictures import pictures_of
from aggregator.parse.raw_items import RawFeed, RawItem, Text
from aggregator.parse.xml.encodings import ENCODING, UTF8_BOM, as_utf8, without_declaration

_MAX_AUTHOR = 300

# feedparser 6.0.14, guarded. Both of its parsers are classes made of mixins, so ours come in front.


class _Guarded:
    """What is mended for both of feedparser's parsers."""

    def _sync_author_detail(self, key: str = "author") -> None:
        # Its pattern for an e-mail address is quadratic (kurtmckee/feedparser#562): 64 kB of "a+a+" cost 18 s.
        context = self._get_context()  # type: ignore[attr-defined]
        author = dict.get(context, key)
        if isinstance(author, str) and len(author) > _MAX_AUTHOR:
            context[key] = author[:_MAX_AUTHOR]
        super()._sync_author_detail(key)  # type: ignore[misc]

    def handle_charref(self, ref: str) -> None:
        try:
            super().handle_charref(ref)  # type: ignore[misc]
        except (ValueError, OverflowError):  # &#xD800; &#x110000; &#99999999999;
            super().handle_charref("65533")  # type: ignore[misc]

    def _end_width(self) -> None:
        self._end_number("width")

    def _end_height(self) -> None:
        self._end_number("height")

    def _end_number(self, name: str) -> None:
        """End <width> or <height>; a stray one, without a start, raises in feedparser."""
        value = self.pop(name)  # type: ignore[attr-defined]
        if self.inimage and isinstance(value, str):  # type: ignore[attr-defined]
            self._get_context()[name] = value  # type: ignore[attr-defined]

    def _start_textinput(self, attrs: dict[str, str]) -> None:
        # Inside an item feedparser keeps it there and looks for it in the feed: KeyError.
        self.feeddata.setdefault("textinput", feedparser.FeedParserDict())  # type: ignore[attr-defined]
        super()._start_textinput(attrs)  # type: ignore[misc]

    _start_textInput = _start_textinput

    # Media RSS: feedparser takes <media:title> and <media:description> for the item's own. They are the
    # caption of a picture where a picture stands before them, and stand in only where the item has nothing else.

    def _start_media_title(self, attrs: dict[str, str]) -> None:
        self.push("media_title", 1)  # type: ignore[attr-defined]

    def _end_media_title(self) -> None:
        self._keep_media("media_title")

    def _start_media_description(self, attrs: dict[str, str]) -> None:
        self.push("media_description", 1)  # type: ignore[attr-defined]

    def _end_media_description(self) -> None:
        self._keep_media("media_description")

    def _end_media_credit(self) -> None:
        self._keep_media("credit")

    def _keep_media(self, name: str) -> None:
        context = self._get_context()  # type: ignore[attr-defined]
        held = dict.get(context, name)
        value = self.pop(name)  # type: ignore[attr-defined]
        if not isinstance(value, str) or not value.strip():
            return
        if pictures := dict.get(context, "media_content"):
            pictures[-1].setdefault(f"groundswell_{name}", value)
        if not held:
            context[name] = value


class _Strict(_Guarded, feedparser.api.StrictFeedParser):  # type: ignore[misc]
    """A crash in it (a no-break space in a namespace) is a document that is not well-formed."""

    def startElementNS(self, name: Any, qname: Any, attrs: Any) -> None:
        try:
            super().startElementNS(name, qname, attrs)
        except xml.sax.SAXException:
            raise
        except (ValueError, KeyError, TypeError) as error:
            raise xml.sax.SAXException(str(error)) from error


class _Loose(_Guarded, feedparser.api.LooseFeedParser):  # type: ignore[misc]
    pass


feedparser.api.StrictFeedParser = _Strict
feedparser.api.LooseFeedParser = _Loose


def read(data: bytes, content_type: str, limits: Limits, *, fast: bool = True) -> RawFeed | None:
    """Return the XML feed in *data*, or None when it is none.

    fast: let `wellformed` read what it is sure of; without, feedparser reads everything
    """
    if fast and (found := _read_at_once(data, limits)) is not None:
        return found
    notes: list[str] = []
    data = _shortened(as_utf8(data, content_type, notes), limits, notes)
    if fast and (found := xml_fast.read(data)) is not None:
        found.notes = notes
        return found
    try:
        result = feedparser.parse(
            io.BytesIO(data),
            response_headers={"content-type": "application/xml; charset=utf-8"},
            resolve_relative_uris=False,
            sanitize_html=False,
        )
    except Exception as error:
        # Hostile bytes make it raise almost anything; one document must not stop the others.
        raise NotAFeedError(f"the document broke the reader of XML feeds ({type(error).__name__})") from error
    feed: dict[str, Any] = result["feed"]
    entries: list[dict[str, Any]] = result["entries"]
    if not entries and not result.get("version") and not _has_feed_root(data):
        return None
    fault = result.get("bozo_exception")
    if isinstance(fault, xml.sax.SAXException):
        notes.append(f"not well-formed, read as far as it goes: {_fault(fault)}")
    dates, language = DateReader(), _str(feed, "language")
    return RawFeed(
        title=_text(feed, "title"),
        site_url=_str(feed, "link"),
        language=language,
        items=[_item(entry, dates, language) for entry in entries],
        notes=notes,
    )


def _read_at_once(data: bytes, limits: Limits) -> RawFeed | None:
    """Return the feed in *data* where `as_utf8` would leave it as it is: nearly always.

    What expat takes for UTF-8 is UTF-8 and holds no control character but DEL, so nobody else need look at each byte.
    """
    data = data.removeprefix(UTF8_BOM)
    text = without_declaration(data)
    if not text.startswith(b"<") or b"\0" in text[:4] or b"\x7f" in text:
        return None
    declared = ENCODING.match(data) if text.isascii() else None
    if declared and declared[1].lower() not in (b"utf-8", b"us-ascii"):
        return None
    if len(text) > _SMALL:
        notes: list[str] = []
        _shortened(text, limits, notes)
        if notes:
            return None
    found = xml_fast.read(text)
    return found if found and len(found.items) <= limits.entries_per_poll * _ITEMS_READ else None


# Size

_ITEM = re.compile(rb"<(?:[A-Za-z_][\w.-]{0,20}:)?(item|entry)[\s>/]")
_ITEMS_READ = 10
"""How many times `entries_per_poll` items are read to find the newest among them."""
_SMALL = 300_000
"""Bytes that may be read before their items are counted: 43,000 empty ones at the most, 0.3 s."""


def _shortened(data: bytes, limits: Limits, notes: list[str]) -> bytes:
    """Cut the items out that are far over the limit; feedparser takes 0.2 ms for each at the least."""
    most = limits.entries_per_poll * _ITEMS_READ
    if len(data) < most * len(b"<item/>") or data.count(b"item") + data.count(b"entry") < most:
        return data
    starts = [match.start() for match in _ITEM.finditer(data)]
    if len(starts) <= most:
        return data
    end = max(data.rfind(b"</item>"), data.rfind(b"</entry>"))
    after = data[data.find(b">", end) + 1 :] if end > starts[most] else b""
    notes.append(f"{len(starts)} entries in the document, only the first {most} looked at")
    return data[: starts[most]] + after


_FEED_ROOT = re.compile(
    rb"\A(?:<\?[^>]*\?>|<!--.{0,2000}?-->|<!DOCTYPE[^>\[]*(?:\[[^\]]*\]\s*)?>|\s)*"
    rb"<(?:[A-Za-z_][\w.-]{0,20}:)?(?:rss|feed|RDF|channel)[\s>/]",
    re.DOTALL,
)


def _has_feed_root(data: bytes) -> bool:
    return bool(_FEED_ROOT.match(data[:20_000]))


def _fault(fault: xml.sax.SAXException) -> str:
    words = " ".join(str(fault).split())
    return re.sub(r"^<unknown>:", "line ", words)[:120]


# Fields


def _item(entry: dict[str, Any], dates: DateReader, language: str) -> RawItem:
    stated, moment = "", None
    for name in ("published", "updated", "created"):
        if value := _str(entry, name):
            moment = dates.read(value, language)
            stated = value if moment or not stated else stated
        if moment:
            break
    contents = [_detail(content) for content in dict.get(entry, "content") or [] if _is_text(content)]
    title = _text(entry, "title")
    summary = _text(entry, "summary")
    base = next((content.get("base") or "" for content in dict.get(entry, "content") or []), "")
    return RawItem(
        guid=_str(entry, "id"),
        links=_links(entry),
        title=title if title.value else Text(_str(entry, "media_title")),
        summary=summary if summary.value or contents else Text(_str(entry, "media_description")),
        contents=contents,
        author=_author(entry),
        tags=[tag.get("label") or tag.get("term") or "" for tag in dict.get(entry, "tags") or []],
        language=_str(dict.get(entry, "title_detail") or {}, "language"),
        pictures=pictures_of(entry),
        stated_at=stated,
        published_at=moment,
        base=base or _str(dict.get(entry, "summary_detail") or {}, "base"),
    )


def _links(entry: dict[str, Any]) -> list[str]:
    listed = [link for link in dict.get(entry, "links") or [] if isinstance(link, dict)]
    by_rel = {rel: [link.get("href") or "" for link in listed if link.get("rel") == rel] for rel in _RELS}
    candidates = [_str(entry, "feedburner_origlink"), _str(entry, "link"), *by_rel["alternate"]]
    guid = _str(entry, "id")
    if guid.startswith(("http://", "https://")):
        candidates.append(guid)
    candidates += by_rel["via"] + by_rel["related"] + by_rel["enclosure"]
    return [link for link in dict.fromkeys(candidates) if link]


_RELS = ("alternate", "via", "related", "enclosure")


def _author(entry: dict[str, Any]) -> str:
    names = [name for author in dict.get(entry, "authors") or [] if (name := author.get("name"))]
    if not names:
        detail = dict.get(entry, "author_detail") or {}
        names = [detail.get("name") or _str(entry, "author")]
    return ", ".join(dict.fromkeys(names[:10]))


def _text(holder: dict[str, Any], name: str) -> Text:
    detail = dict.get(holder, f"{name}_detail")
    value = _str(holder, name)
    kind = (detail or {}).get("type") or "text/html"
    return Text(value, is_html=kind != "text/plain")


def _detail(content: dict[str, Any]) -> Text:
    return Text(str(content.get("value") or ""), is_html=content.get("type") != "text/plain")


def _is_text(content: dict[str, Any]) -> bool:
    """Return whether a content is text at all; Atom may hold anything in base64."""
    kind = content.get("type") or "text/html"
    return kind.startswith("text/") or kind.endswith("xml") or "html" in kind


def _str(holder: dict[str, Any], name: str) -> str:
    # Not holder[name]: feedparser's dictionaries answer some names with another key, and warn.
    value = dict.get(holder, name)
    return value if isinstance(value, str) else ""
