"""Read an XML feed with feedparser's two parsers, guarded.

Knows where feedparser raises, where it is quadratic and which of its work is done elsewhere: its
sanitising and its resolving of links in HTML are off, because `sanitize` does both. It is only given
bytes that are UTF-8, never an address or a file name.
"""

from __future__ import annotations

import io
import re
import xml.sax
from typing import Any

import feedparser
import feedparser.api
from feedparser.sanitizer import replace_doctype

from aggregator.parse.dates import DateReader
from aggregator.parse.links.choice import in_order, origin_address
from aggregator.parse.media import pictures_of, recordings_of
from aggregator.parse.raw_items import RawFeed, RawItem, Text, text_as_meant
from aggregator.parse.xml.elements import ADDRESS, MAX_AUTHOR_CHARS, without_address

# feedparser 6.0.12 to 6.0.x (pyproject.toml). Both of its parsers are classes made of mixins, so ours come in front.


class _Guarded:
    """Guards for both of feedparser's parsers against input that breaks them or takes them long."""

    def _sync_author_detail(self, key: str = "author") -> None:
        # Its pattern for an e-mail address is quadratic (kurtmckee/feedparser#562): 64 kB of "a+a+" cost 18 s.
        context = self._get_context()  # type: ignore[attr-defined]
        author = dict.get(context, key)
        if isinstance(author, str):
            context[key] = author = without_address(author[:MAX_AUTHOR_CHARS])
            if ADDRESS.fullmatch(author):
                return
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
        present = dict.get(context, name)
        value = self.pop(name)  # type: ignore[attr-defined]
        if not isinstance(value, str) or not value.strip():
            return
        if pictures := dict.get(context, "media_content"):
            pictures[-1].setdefault(f"groundswell_{name}", value)
        if not present:
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


def read(data: bytes, *, has_feed_root: bool) -> RawFeed | None:
    """Return the feed in *data*, which is UTF-8 without an encoding declaration; None when it is none.

    has_feed_root: its root is that of a feed, so it is one without entries if feedparser finds nothing

    Raises whatever feedparser raises: hostile bytes make that almost anything.
    """
    version, data, entities = replace_doctype(data)
    parser: Any = _Strict("", None, "utf-8")
    fault = _feed_strictly(parser, data)
    if fault is not None:
        parser = _Loose("", None, "utf-8", entities)
        _configure(parser)
        parser.feed(data.decode("utf-8", "replace"))
    feed: dict[str, Any] = parser.feeddata
    if not (parser.entries or version or parser.version or has_feed_root):
        return None
    dates, language = DateReader(), _str(feed, "language")
    return RawFeed(
        title=_text(feed, "title"),
        site_url=_str(feed, "link"),
        language=language,
        items=[_item(entry, dates, language) for entry in parser.entries],
        notes=[f"not well-formed, read as far as it goes: {_where(fault)}"] if fault is not None else [],
    )


def _configure(parser: Any) -> None:
    parser.resolve_relative_uris = False
    parser.sanitize_html = False


def _feed_strictly(parser: Any, data: bytes) -> xml.sax.SAXException | None:
    """Give *data* to a parser over expat; return why it is not well-formed, or None."""
    _configure(parser)
    reader = xml.sax.make_parser()
    reader.setFeature(xml.sax.handler.feature_namespaces, 1)
    reader.setFeature(xml.sax.handler.feature_external_ges, 0)
    reader.setContentHandler(parser)
    reader.setErrorHandler(parser)
    source = xml.sax.xmlreader.InputSource()
    source.setByteStream(io.BytesIO(data))
    source.setEncoding("utf-8")
    try:
        reader.parse(source)
    except xml.sax.SAXException as error:
        return parser.exc or error
    return None


def _where(fault: xml.sax.SAXException) -> str:
    message = " ".join(str(fault).split())
    return re.sub(r"^<unknown>:", "line ", message)[:120]


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
    item_language = _str(dict.get(entry, "title_detail") or {}, "language")
    comments = _str(entry, "comments")
    origin = dict.get(entry, "source")
    origin = origin if isinstance(origin, dict) else {}
    base = next((content.get("base") or "" for content in dict.get(entry, "content") or []), "")
    return RawItem(
        guid=_str(entry, "id"),
        links=_links(entry, item_language or language),
        title=title if title.value else Text(_str(entry, "itunes_title") or _str(entry, "media_title")),
        summary=summary if summary.value or contents else Text(_str(entry, "media_description")),
        contents=contents,
        author=_author(entry),
        tags=[tag.get("label") or tag.get("term") or "" for tag in dict.get(entry, "tags") or []],
        language=item_language,
        pictures=pictures_of(entry),
        enclosures=recordings_of(entry),
        stated_at=stated,
        published_at=moment,
        base=base or _str(dict.get(entry, "summary_detail") or {}, "base"),
        comments=comments if "/" in comments else "",
        origin_name=_str(origin, "title"),
        # Inside an Atom source, feedparser takes the address of an author for that of the source.
        origin_url=origin_address(dict.get(origin, "links") or [])
        or ("" if dict.get(origin, "authors") else _str(origin, "href")),
    )


def _links(entry: dict[str, Any], language: str) -> list[str]:
    listed = [link for link in dict.get(entry, "links") or [] if isinstance(link, dict)]
    by_rel = {rel: [link.get("href") or "" for link in listed if link.get("rel") == rel] for rel in _RELS}
    alternates = [link for link in listed if link.get("rel") == "alternate"]
    candidates = [_str(entry, "feedburner_origlink"), *in_order(_str(entry, "link"), alternates, language)]
    guid = _str(entry, "id")
    if guid.startswith(("http://", "https://")):
        candidates.append(guid)
    candidates += by_rel["via"] + by_rel["related"] + by_rel["enclosure"]
    return [link for link in dict.fromkeys(candidates) if link]


_RELS = ("via", "related", "enclosure")


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
    return text_as_meant(value, is_html=kind != "text/plain")


def _detail(content: dict[str, Any]) -> Text:
    return text_as_meant(str(content.get("value") or ""), is_html=content.get("type") != "text/plain")


def _is_text(content: dict[str, Any]) -> bool:
    """Return whether a content is text at all; Atom may contain anything in base64."""
    kind = content.get("type") or "text/html"
    return kind.startswith("text/") or kind.endswith("xml") or "html" in kind


def _str(holder: dict[str, Any], name: str) -> str:
    # Not holder[name]: feedparser's dictionaries answer some names with another key, and warn.
    value = dict.get(holder, name)
    return value if isinstance(value, str) else ""
