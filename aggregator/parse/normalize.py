"""Turn raw items into drafts: plain titles, sanitized content, resolved links, within limits."""

from __future__ import annotations

import html
import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from operator import attrgetter
from urllib.parse import unquote, urlsplit

from aggregator.model import DocumentMemory, Draft, Enclosure, Limits, ParsedFeed, Picture
from aggregator.parse.dates import newest_first
from aggregator.parse.fingerprints import DocumentFingerprints, ItemFingerprint, link_mark
from aggregator.parse.identity import arrival, guid_identity, link_identity
from aggregator.parse.links import posts as link_posts
from aggregator.parse.links.choice import best_link
from aggregator.parse.links.publisher import publisher_of
from aggregator.parse.media import pictures_in
from aggregator.parse.raw_items import RawEnclosure, RawFeed, RawItem, RawPicture, Text, fingerprint
from aggregator.text.markup import clip, plain, storable, visible, with_joined_surrogates
from aggregator.text.sanitize import clean, cut
from aggregator.text.urls import canonical, for_readers, host, safe_link
from aggregator.text.wording import plural

SUMMARY_CHARS = 1_000
_SHORT = 200
_TAG_CHARS = 100
_TAG_MARKUP = 20 * _TAG_CHARS
_GUID_CHARS = 2_000

_HTML_NAMES = frozenset(
    re.findall(
        r"\w+",
        "a abbr acronym address article aside b bdi bdo big blockquote body br center cite code del details "
        "dfn div em figcaption figure font footer form h1 h2 h3 h4 h5 h6 head header hr html i iframe img "
        "input ins kbd label li link main mark math meta nav object ol p pre q s samp script section small "
        "span strike strong style sub summary sup svg table tbody td textarea th thead time title tr tt u ul "
        "var video wbr ",
    )
)
_BRACKET = re.compile(r"<(?!/?([a-zA-Z][a-zA-Z0-9]*)[\s/>])|<(?=/?([a-zA-Z][a-zA-Z0-9]*)[\s/>])")
_END_TAG = re.compile(r"</([a-zA-Z][a-zA-Z0-9]*)\s*>")
# WordPress ends each excerpt so; it is about the site and not about the story.
_APPEARED = re.compile(r"\s*The post .{1,400}? (?:appeared first on|first appeared on) .{1,120}$")
_FOOTNOTE = re.compile(r"""(<a\s(?:[^>]{0,300}?\s)?href\s*=\s*["'])#""", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n\s*\n")


def build_feed(
    raw: RawFeed,
    base: str,
    limits: Limits,
    before: DocumentFingerprints = DocumentFingerprints(),  # noqa: B008 - frozen
    mark: str = "-",
    opening: bytes = b"",
    skipped: tuple[ItemFingerprint, ...] = (),
    *,
    url: str = "",
) -> ParsedFeed:
    """Return *raw* as a parsed feed within *limits*; relative links are resolved against *base*.

    before:  fingerprints of the document that was stored last; of an item that is in it, only the
             identity is returned
    mark:    the `document_mark` of this one
    opening: the start tags around its items, if the bytes separate its items
    skipped: items that are in the document as they were, and were left out of *raw*
    url:     of the document
    """
    omissions: list[str] = []
    notes = list(raw.notes)
    # A document of nothing but an empty item keeps it; among others it is an error of markup.
    items = [item for item in raw.items if not _is_empty(item)] or ([] if skipped else raw.items)
    if left_out := len(raw.items) - len(items):
        notes.append(f"{plural(left_out, 'empty item')} left out")
    if len(items) > limits.entries_per_poll:
        notes.append(f"{len(items)} entries in the document, the newest {limits.entries_per_poll} taken")
        newest = newest_first([item.published_at for item in items])[: limits.entries_per_poll]
        items = [items[position] for position in sorted(newest)]
    language, title = _language(raw.language), _feed_title(raw, limits)
    home = safe_link(raw.site_url, base) or base
    keys = item_keys(items, base)
    distinct = are_distinct(keys, skipped)
    # Fields are compared with those of the document before, where the bytes differ. The first document of a source is
    # remembered by its bytes alone, so the second change of an item's bytes is the first that is not read.
    by_fields = bool(before.items) or not opening
    stored = {item.fields_mark for item in before.items} - {"-"}
    fields_context = _context(raw, base, limits)
    entries: list[Draft] = []
    unchanged = [item.identity for item in skipped]
    remembered = list(skipped)
    for item, key in zip(items, keys, strict=True):
        omitted_before = len(omissions)
        fields_mark = fingerprint(item, fields_context) if by_fields else "-"
        if distinct and fields_mark in stored:
            unchanged.append(key.identity)
        else:
            draft = _draft(item, key, base, home, url, language, limits, omissions)
            entries.append(draft if draft.title else replace(draft, title=title or "Untitled"))
        if distinct and len(omissions) == omitted_before:  # else the next document is to say so again
            remembered.append(ItemFingerprint(item.bytes_mark, fields_mark, key.link_mark, key.identity))
    notes += [_counted(omission, times) for omission, times in sorted(Counter(omissions).items())]
    context = context_of(raw, base, limits, opening) if opening else "-"
    by_identity = tuple(sorted(remembered, key=attrgetter("identity")))
    fingerprints = DocumentFingerprints("-" if notes else mark, context, by_identity)
    return ParsedFeed(
        title=title,
        site_url=safe_link(raw.site_url, base),
        language=language,
        arrivals=tuple(map(arrival, entries)),
        notes=tuple(notes),
        hints=raw.hints,
        unchanged=tuple(unchanged),
        memory=DocumentMemory(fingerprints.as_text()),
    )


def _counted(omission: str, times: int) -> str:
    """Return an omission with its count: `N titles cut ...` becomes `1 title cut ...` or `3 titles cut ...`."""
    if times == 1:
        omission = omission.replace("N entries", "N entry").replace("N texts", "N text").replace("N titles", "N title")
    return omission.replace("N ", f"{times} ", 1)


def _feed_title(raw: RawFeed, limits: Limits) -> str:
    return clip(_title(raw.title, len(raw.title.value) * 4), limits.title_chars)


def _context(raw: RawFeed, base: str, limits: Limits) -> str:
    """Return what drafts depend on apart from their items."""
    bounds = f"{limits.title_chars} {limits.text_bytes} {limits.tags}"
    return f"{base} {raw.site_url} {_language(raw.language)} {_feed_title(raw, limits)} {bounds}"


def context_of(raw: RawFeed, base: str, limits: Limits, opening: bytes) -> str:
    """Return a short hash of what drafts depend on apart from the bytes of their items."""
    context = _context(raw, base, limits).encode("utf-8", "surrogatepass")
    return blake2b(context + b"\0" + opening, digest_size=8).hexdigest()


@dataclass(slots=True)
class ItemKey:
    """By what an item is recognised."""

    guid: str
    link: str
    """The first of its links that a reader may follow."""
    link_mark: str
    """See `fingerprints.ItemFingerprint`."""
    identity: str


def item_keys(items: list[RawItem], base: str) -> list[ItemKey]:
    """Return by what each of *items* is recognised."""
    keys = []
    for item in items:
        guid = storable(" ".join(item.guid.split()))[:_GUID_CHARS]
        link = best_link(item.links, base)
        spelled = canonical(link)  # kept by its cache, until `arrival` asks for it
        identity = guid_identity(guid) if guid else link_identity(spelled)
        keys.append(ItemKey(guid, link, link_mark(spelled), identity))
    return keys


def are_distinct(keys: list[ItemKey], skipped: tuple[ItemFingerprint, ...] = ()) -> bool:
    """Return whether guids and links distinguish all items, those *skipped* too.

    Where they do not, how one item is recognised can depend on the others, and all have to be looked at together.
    """
    identities = [key.identity for key in keys] + [item.identity for item in skipped]
    marks = [key.link_mark for key in keys] + [item.link_mark for item in skipped]
    links = [mark for mark in marks if mark != "-"]
    return all(identities) and len(set(identities)) == len(identities) and len(set(links)) == len(links)


def _is_empty(item: RawItem) -> bool:
    return not (
        item.guid
        or any(item.links)
        or item.title.value
        or item.summary.value
        or any(content.value for content in item.contents)
        or item.author
        or item.tags
        or item.stated_at
        or item.pictures
    )


def _draft(
    item: RawItem, key: ItemKey, base: str, home: str, url: str, language: str, limits: Limits, omissions: list[str]
) -> Draft:
    """Return the draft of *item*; *omissions* gets a line for each thing left out, with N for how many times.

    home: the feed's own site
    url:  of the document
    """
    item_base = (item.base and safe_link(item.base, base)) or key.link or base
    origin_name, origin_url = _origin(item, base, home)
    if not origin_url and url:
        origin_url = publisher_of(key.link, home, url)
    if not key.link and any(item.links):
        omissions.append("N entries without a usable link")
    body = _body(item)
    if len(body.value) * 4 > limits.text_bytes and len(body.value.encode("utf-8", "replace")) > limits.text_bytes:
        omissions.append(f"N texts cut to {limits.text_bytes:,} bytes")
    summary = _summary(item.summary, limits) or _summary(body, limits)
    post = link_posts.read(body.value, item.title.value, key.link, item.comments, item.external_url, base, home)
    if post.text is not None:
        summary = clip(post.text, SUMMARY_CHARS)
    title = _title(item.title, limits.text_bytes)
    if len(title) > limits.title_chars:
        omissions.append(f"N titles cut to {limits.title_chars} characters")
        title = clip(title, limits.title_chars)
    tags = tuple(dict.fromkeys(filter(None, [_tag(raw[:_TAG_MARKUP]) for raw in item.tags[: limits.tags * 4]])))
    if len(tags) > limits.tags or len(item.tags) > limits.tags * 4:
        omissions.append(f"N with more than {limits.tags} tags, the first {limits.tags} kept")
        tags = tags[: limits.tags]
    return Draft(
        guid=key.guid,
        link=key.link,
        title=title or _stand_in(summary, key.link, item),
        summary=summary,
        content="" if post.text == "" else _content(body, summary, item_base, key.link, limits),
        author=_short(item.author, _SHORT),
        tags=tags,
        language=(item.language and _language(item.language)) or language,
        picture=_first_picture(item.pictures, base) or _picture_in(item, body, item_base),
        stated_at=clip(storable(item.stated_at.strip()), 100),
        published_at=item.published_at,
        points_to=post.points_to,
        discussion=post.discussion,
        origin_name=origin_name,
        origin_url=origin_url,
        enclosure=_first_enclosure(item.enclosures, base) if item.enclosures else None,
    )


def _origin(item: RawItem, base: str, home: str) -> tuple[str, str]:
    """Return who published *item* first, and where, unless it is the feed itself."""
    if not item.origin_name and not item.origin_url:
        return "", ""
    name, url = _short(item.origin_name, _SHORT), safe_link(item.origin_url, base) if item.origin_url else ""
    own = {host(address).removeprefix("www.") for address in (home, base)}
    return ("", "") if url and host(url).removeprefix("www.") in own else (name, url)


# Titles

# Observed: plain text; "AT&amp;amp;T" and "&amp;#8217;" (escaped twice), "&amp;amp;#8217;" (three times), <em> inside
# CDATA, "one<br>two" without any other markup, "Option<T>", "a < b", "How to use the &lt;b&gt; tag".
# Rule: entities that are left after the XML are decoded once, and typographic characters until none is left. Tags that
# HTML knows go; other "<" stays text. A tag that appears by decoding goes only together with its end tag: alone it is
# most likely what the title is about. A <br> that touches a word is a line break.
# Known to be wrong: "From <b> to </b>" loses both.

_TYPOGRAPHIC = re.compile(
    r"&(?:amp;)*(#(?:0?39|8\d{3}|160|x27|x20[0-9a-f]{2}|xa0)|[lr][sd]quo|[nm]dash|hellip);", re.IGNORECASE
)
_LINE_BREAK = re.compile(r"(?<=[\w.,:;!?)\"'])<br ?/?>|<br ?/?>(?=\w)", re.IGNORECASE)


def _title(text: Text, limit: int) -> str:
    value = cut(text.value, limit)
    if not text.is_html:
        if "<" in value:
            value = _LINE_BREAK.sub(" ", value)
        if "&" in value:
            value = _with_typography(html.unescape(with_joined_surrogates(value)))
        return visible(storable(" ".join(value.split())))
    if "<" in value:
        value = _BRACKET.sub(_known_tag, value)
    title = _with_typography(plain(value))
    for name in set(_END_TAG.findall(title)) if "</" in title else ():
        if name.lower() in _HTML_NAMES:
            title = re.sub(rf"</?{name}\b[^>]*>", " ", title)
    return visible(" ".join(title.split()))


def _with_typography(text: str) -> str:
    return _TYPOGRAPHIC.sub(lambda match: html.unescape(f"&{match[1]};"), text) if "&" in text else text


def _known_tag(match: re.Match[str]) -> str:
    return "<" if match[2] and match[2].lower() in _HTML_NAMES else "&lt;"


def _stand_in(summary: str, link: str, item: RawItem) -> str:
    """Return something to call an item without a title; "" when it has nothing at all."""
    if visible(summary):
        return clip(summary, 120)
    if link:
        parts = urlsplit(link)
        name = unquote(parts.path).rstrip("/").rpartition("/")[2].rpartition(".")[0] or parts.path.strip("/")
        name_text = storable(re.sub(r"[-_+/\s]+", " ", unquote(name))).strip()
        return clip(name_text, 120) or parts.netloc
    return _short(item.author, 120) or _short(item.guid, 120) or clip(storable(item.stated_at), 120)


# Text


def _body(item: RawItem) -> Text:
    """Return the fullest text of *item*: its content, or its description where that is the longer HTML."""
    summary = item.summary
    if not item.contents:
        return summary
    best = max(item.contents, key=lambda text: len(text.value))
    if len(summary.value) > len(best.value) and (not best.value or (summary.is_html and "<" in summary.value)):
        return summary
    return best


def _summary(text: Text, limits: Limits) -> str:
    value = cut(text.value, limits.text_bytes)
    title = plain(value) if text.is_html else storable(" ".join(value.split()))
    if "appeared" in title[-400:]:
        title = _APPEARED.sub("", title)
    return clip(title, SUMMARY_CHARS)


def _content(body: Text, summary: str, base: str, link: str, limits: Limits) -> str:
    """Return cleaned HTML; "" if it would only repeat the summary.

    base: what relative links are resolved against; those to a footnote lead to the article at *link*
    """
    if not body.value or ("<" not in body.value and len(body.value) <= SUMMARY_CHARS and summary):
        return ""
    if body.is_html:
        markup = cut(body.value, limits.text_bytes)
        if link and "#" in markup:
            page = html.escape(link.partition("#")[0])
            markup = _FOOTNOTE.sub(lambda match: f"{match[1]}{page}#", markup)
        return clean(markup, base, limits.text_bytes * 2)
    paragraphs = _BLANK_LINES.split(cut(body.value, limits.text_bytes))
    escaped = "".join(
        f"<p>{html.escape(stripped, quote=False)}</p>" for text in paragraphs if (stripped := text.strip())
    )
    return clean(escaped, base, limits.text_bytes * 2)


# The rest


def _short(text: str, limit: int) -> str:
    return clip(plain(text[: limit * 20]), limit) if text else ""


@lru_cache(maxsize=1024)  # most tags occur many times in a document
def _tag(text: str) -> str:
    return clip(plain(text), _TAG_CHARS)


def _language(code: str) -> str:
    code = code.strip().replace("_", "-")[:35]
    return code.lower() if code.replace("-", "").isalnum() and code.isascii() else ""


def _first_enclosure(enclosures: list[RawEnclosure], base: str) -> Enclosure | None:
    for raw in enclosures:
        if url := safe_link(raw.url, base):
            length = raw.length.strip()
            has_length = length.isascii() and length.isdigit() and 0 < len(length) <= 12 and int(length) > 0
            return Enclosure(for_readers(url), clip(raw.media_type, 100), int(length) if has_length else None)
    return None


def _first_picture(pictures: list[RawPicture], base: str) -> Picture | None:
    return next((picture for raw in pictures if (picture := _picture(raw, base))), None)


def _picture_in(item: RawItem, body: Text, base: str) -> Picture | None:
    """Return the first picture in the text of an item, for feeds that name pictures nowhere else."""
    for text in dict.fromkeys((body.value, item.summary.value)) if body.is_html else ():
        if "<img" in text or "<IMG" in text:
            return _first_picture(pictures_in(text), base)
    return None


def _picture(raw: RawPicture, base: str) -> Picture | None:
    url = safe_link(raw.url, base)
    if not url:
        return None
    return Picture(
        url=url,
        caption=_short(raw.caption, 500),
        credit=_short(raw.credit, _SHORT),
        width=_pixels(raw.width),
        height=_pixels(raw.height),
    )


def _pixels(stated: str) -> int | None:
    if not stated:
        return None
    stated = stated.strip().removesuffix("px")
    return int(stated) if stated.isascii() and stated.isdigit() and 0 < len(stated) <= 5 else None
