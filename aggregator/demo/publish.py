"""Render what a source of the sample edition shows at a given moment.

Knows the five feed formats, the article pages and the demo's `feeds.yaml`. Leaves the content to `edition`,
serving to `server` and the clock to the caller: the same moment always gives the same bytes.
"""

import hashlib
import html
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import yaml

from aggregator.demo.edition import ARCHIVE_STARTS_AT, Article, DemoSource, Edition, FeedFormat, Illustration, iso

ENTRIES_SHOWN = 20

_XMLNS_ATOM = "http://www.w3.org/2005/Atom"
_XMLNS_CONTENT = "http://purl.org/rss/1.0/modules/content/"
_XMLNS_MEDIA = "http://search.yahoo.com/mrss/"
_XMLNS_DC = "http://purl.org/dc/elements/1.1/"
_XMLNS_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XMLNS_RSS1 = "http://purl.org/rss/1.0/"
_SAMPLE_NOTE = "This is a sample article. It was written for the Groundswell demo, and what it tells is invented."
_STYLE = (
    "body{max-width:40rem;margin:2rem auto;padding:0 1rem;font:1.0625rem/1.6 Georgia,serif}"
    "aside{padding:.75rem 1rem;border:1px solid;font:.9375rem/1.5 system-ui,sans-serif}"
    ":root{color-scheme:light dark}"
)


@dataclass(frozen=True)
class Document:
    """A feed as bytes, with the validators a server sends along.

    The ETag is weak, because the same feed goes out plain and gzipped.
    """

    body: bytes
    content_type: str
    etag: str
    last_modified: datetime


def document(source: DemoSource, articles: Iterable[Article], now: datetime, base_url: str) -> Document:
    """Return the feed of *source* at *now*: its newest 20 articles, with the edits made by then.

    *articles* may be of any source and any time; what is not out yet, or not from here, is left out.
    The bytes change only when an article appears or is edited.
    """
    released = [a.as_of(now) for a in articles if a.source == source.id and a.released_at <= now]
    shown = sorted(released, key=lambda a: (a.released_at, a.id), reverse=True)[:ENTRIES_SHOWN]
    # Never turns back: what drops off the end is pushed by something newer than any of its edits.
    changed_at = max((a.updated_at for a in shown), default=ARCHIVE_STARTS_AT)
    match source.format:
        case FeedFormat.RSS2:
            body, content_type = _rss2(source, shown, changed_at, base_url), "application/rss+xml; charset=utf-8"
        case FeedFormat.RSS091:
            body, content_type = _rss091(source, shown, changed_at, base_url), "application/rss+xml; charset=utf-8"
        case FeedFormat.RDF:
            body, content_type = _rdf(source, shown, base_url), "application/rdf+xml; charset=utf-8"
        case FeedFormat.ATOM:
            body, content_type = _atom(source, shown, changed_at, base_url), "application/atom+xml; charset=utf-8"
        case FeedFormat.JSONFEED:
            body, content_type = _jsonfeed(source, shown, base_url), "application/feed+json; charset=utf-8"
    digest = hashlib.sha256(body).hexdigest()[:20]
    return Document(body, content_type, f'W/"{digest}"', changed_at)


def article_page(article: Article, now: datetime) -> bytes:
    """Return the page behind an article's link as it reads at *now*, marked as a sample."""
    current = article.as_of(now)
    byline = f"{html.escape(current.author)}, " if current.author else ""
    updated = f", updated {_time_tag(current.updated_at)}" if current.updated_at > article.released_at else ""
    text = f"<p>{html.escape(current.summary)}</p>\n{current.content}".rstrip()
    return _page(
        current.title,
        f"<p>{byline}{_time_tag(article.released_at)}{updated}</p>\n{text}\n<aside><p>{_SAMPLE_NOTE}</p></aside>",
    )


def home_page(edition: Edition) -> bytes:
    """Return the feed server's front page: the sources of the edition, each linking to its feed."""
    links = "\n".join(
        f'<li><a href="/feeds/{source.id}">{html.escape(source.name)}</a></li>' for source in edition.sources
    )
    return _page("Sources of the Groundswell demo", f"<ul>\n{links}\n</ul>")


def feeds_yaml(edition: Edition, base_url: str, site_url: str) -> str:
    """Return the demo's `feeds.yaml`: the edition's categories and its sources, served at *base_url*.

    The only private host it allows is the one in *base_url*.
    """
    site: dict[str, Any] = {
        "site": {"title": "Groundswell", "url": site_url, "language": "en", "timezone": "UTC"},
        "defaults": {"poll": {"min": "5m", "max": "20m"}},
        "limits": {"allow_private": [urlsplit(base_url).hostname]},
        # The last digits of an embedding differ between machines, and the demo is the same on each.
        "meaning": {"model": "none"},
        "categories": [{"id": c.id, "name": c.name, "seeds": list(c.seeds)} for c in edition.categories],
    }
    sources = [
        {
            "id": source.id,
            "name": source.name,
            "url": feed_url(source, base_url),
            "category": source.category,
            "owner": source.owner,
        }
        for source in edition.sources
    ]
    return (
        "# The sample edition that `groundswell demo` plays. Written again at each start.\n"
        + yaml.safe_dump(site, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)
        + yaml.safe_dump({"sources": sources}, sort_keys=False, allow_unicode=True, width=110)
    )


def feed_url(source: DemoSource, base_url: str) -> str:
    """Return the address of a source's feed."""
    return f"{base_url}/feeds/{source.id}"


def article_url(article: Article, base_url: str) -> str:
    """Return the address of an article's page."""
    return f"{base_url}/a/{article.id}"


def picture_url(illustration: Illustration, base_url: str) -> str:
    """Return the address of a picture."""
    return f"{base_url}/pictures/{illustration.file}"


def _rss2(source: DemoSource, shown: list[Article], changed_at: datetime, base_url: str) -> bytes:
    namespaces = {"xmlns:content": _XMLNS_CONTENT, "xmlns:dc": _XMLNS_DC, "xmlns:media": _XMLNS_MEDIA}
    rss = Element("rss", {"version": "2.0", **namespaces})
    channel = _channel(SubElement(rss, "channel"), source, base_url)
    _text(channel, "language", source.language)
    _text(channel, "lastBuildDate", _http_date(changed_at))
    for article in shown:
        item = SubElement(channel, "item")
        _text(item, "title", article.title_html or article.title)
        _text(item, "link", article_url(article, base_url))
        _text(item, "guid", article.guid, isPermaLink="false")
        _text(item, "description", html.escape(article.summary, quote=False))
        if article.published_at:
            _text(item, "pubDate", _http_date(article.published_at))
        if article.author:
            _text(item, "dc:creator", article.author)
        for tag in article.tags:
            _text(item, "category", tag)
        if article.content:
            _text(item, "content:encoded", article.content)
        _media(item, article, base_url)
    return _xml(rss)


def _rss091(source: DemoSource, shown: list[Article], changed_at: datetime, base_url: str) -> bytes:
    # 0.91 knows no guid and no date for an item. As on most 0.91 feeds still around, the date is given
    # all the same; without it a first poll would take the whole backlog for news of this minute.
    rss = Element("rss", {"version": "0.91"})
    channel = _channel(SubElement(rss, "channel"), source, base_url)
    _text(channel, "language", source.language)
    _text(channel, "lastBuildDate", _http_date(changed_at))
    for article in shown:
        item = SubElement(channel, "item")
        _text(item, "title", article.title)
        _text(item, "link", article_url(article, base_url))
        _text(item, "description", html.escape(article.summary, quote=False))
        if article.published_at:
            _text(item, "pubDate", _http_date(article.published_at))
    return _xml(rss)


def _rdf(source: DemoSource, shown: list[Article], base_url: str) -> bytes:
    rdf = Element(
        "rdf:RDF",
        {
            "xmlns": _XMLNS_RSS1,
            "xmlns:rdf": _XMLNS_RDF,
            "xmlns:dc": _XMLNS_DC,
            "xmlns:content": _XMLNS_CONTENT,
        },
    )
    channel = SubElement(rdf, "channel", {"rdf:about": feed_url(source, base_url)})
    _channel(channel, source, base_url)
    _text(channel, "dc:language", source.language)
    contents = SubElement(SubElement(channel, "items"), "rdf:Seq")
    for article in shown:
        link = article_url(article, base_url)
        SubElement(contents, "rdf:li", {"rdf:resource": link})
        item = SubElement(rdf, "item", {"rdf:about": link})
        _text(item, "title", article.title)
        _text(item, "link", link)
        _text(item, "description", html.escape(article.summary, quote=False))
        if article.published_at:
            _text(item, "dc:date", iso(article.published_at))
        if article.author:
            _text(item, "dc:creator", article.author)
        for tag in article.tags:
            _text(item, "dc:subject", tag)
        if article.content:
            _text(item, "content:encoded", article.content)
    return _xml(rdf)


def _atom(source: DemoSource, shown: list[Article], changed_at: datetime, base_url: str) -> bytes:
    feed = Element("feed", {"xmlns": _XMLNS_ATOM, "xmlns:media": _XMLNS_MEDIA, "xml:lang": source.language})
    _text(feed, "title", source.name)
    _text(feed, "id", f"urn:groundswell:demo:feed:{source.id}")
    _text(feed, "updated", iso(changed_at))
    _text(SubElement(feed, "author"), "name", source.name)
    SubElement(feed, "link", {"rel": "self", "href": feed_url(source, base_url)})
    SubElement(feed, "link", {"rel": "alternate", "type": "text/html", "href": f"{base_url}/"})
    for article in shown:
        entry = SubElement(feed, "entry")
        if article.title_html:
            _text(entry, "title", article.title_html, type="html")
        else:
            _text(entry, "title", article.title)
        _text(entry, "id", article.guid)
        SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": article_url(article, base_url)})
        if article.published_at:
            _text(entry, "published", iso(article.published_at))
        _text(entry, "updated", iso(article.updated_at))
        if article.author:
            _text(SubElement(entry, "author"), "name", article.author)
        for tag in article.tags:
            SubElement(entry, "category", {"term": tag})
        _text(entry, "summary", article.summary)
        if article.content:
            _text(entry, "content", article.content, type="html")
        _media(entry, article, base_url)
    return _xml(feed)


def _jsonfeed(source: DemoSource, shown: list[Article], base_url: str) -> bytes:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": source.name,
        "home_page_url": f"{base_url}/",
        "feed_url": feed_url(source, base_url),
        "language": source.language,
        "items": [_json_item(article, base_url) for article in shown],
    }
    return (json.dumps(feed, ensure_ascii=False, indent=1) + "\n").encode()


def _json_item(article: Article, base_url: str) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": article.guid,
        "url": article_url(article, base_url),
        "title": article.title,
        "summary": article.summary,
    }
    # An item needs content of one kind or the other; without a text of its own it repeats the summary.
    if article.content:
        item["content_html"] = article.content
    else:
        item["content_text"] = article.summary
    if article.published_at:
        item["date_published"] = iso(article.published_at)
    if article.updated_at > article.released_at:
        item["date_modified"] = iso(article.updated_at)
    if article.author:
        item["authors"] = [{"name": article.author}]
    if article.tags:
        item["tags"] = list(article.tags)
    if article.illustration:
        item["image"] = picture_url(article.illustration, base_url)
    return item


def _media(item: Element, article: Article, base_url: str) -> None:
    if article.illustration is None:
        return
    url = picture_url(article.illustration, base_url)
    media = SubElement(item, "media:content", {"url": url, "medium": "image", "type": "image/png"})
    # Other parsers take a description of the picture for the text of the item.
    _text(media, "media:title", article.illustration.caption, type="plain")
    _text(media, "media:credit", article.illustration.credit)


def _channel(channel: Element, source: DemoSource, base_url: str) -> Element:
    _text(channel, "title", source.name)
    _text(channel, "link", f"{base_url}/")
    _text(channel, "description", f"{source.name}, in the Groundswell sample edition")
    return channel


def _text(parent: Element, tag: str, text: str, **attributes: str) -> None:
    SubElement(parent, tag, attributes).text = text


def _xml(root: Element) -> bytes:
    indent(root, space=" ")
    data: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return data


def _http_date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


def _time_tag(moment: datetime) -> str:
    return f'<time datetime="{iso(moment)}">{moment:%A}, {moment.day} {moment:%B %Y, %H:%M} UTC</time>'


def _page(title: str, body: str) -> bytes:
    escaped = html.escape(title)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{escaped}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    ).encode()
