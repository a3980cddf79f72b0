"""For other programs: page metadata, the sources as OPML, a sitemap, robots.txt, a manifest, icons, social cards."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from flask import Blueprint, Response, abort, redirect
from werkzeug.wrappers import Response as AnyResponse

from aggregator.discovery import opml
from aggregator.discovery.opml import Subscription
from aggregator.model import Listed
from aggregator.store import ListQuery, Store
from aggregator.text.markup import storable
from web.http.addresses import query_parameters
from web.http.headers import CSP_DATA
from web.http.hints import WHOLE_EDITION
from web.media import social_card, structured_data
from web.pages.service.static_files import asset
from web.present import Card as Shown
from web.present import story_path
from web.present.sources import feed_address
from web.request.context import MINUTE, base_url, config, keep, now, presenter, reading
from web.request.services import services

blueprint = Blueprint("machine", __name__)

NEWS_FOR = timedelta(hours=48)
"""How long a story is news in a sitemap: what search engines take."""
MAX_NEWS = 1_000
FOR_EVER = "public, max-age=31536000, immutable"
ICONS = {
    "icon-180.png": (180, 0.0),
    "icon-192.png": (192, 0.0),
    "icon-512.png": (512, 0.0),
    "icon-mask.png": (512, 0.1),
}
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_NEWS = "http://www.google.com/schemas/sitemap-news/0.9"


# Metadata of pages: see `_head.html`.


@dataclass(frozen=True, slots=True)
class PageMetadata:
    """What the head of a page contains for other programs."""

    base: str
    image: str
    is_card: bool = True
    """The image is a card drawn by us, of a known size."""
    title: str = ""
    """"": as the page is called."""
    article: dict[str, Any] | None = None
    structured_data: tuple[dict[str, Any], ...] = ()


def page_metadata() -> PageMetadata:
    """Return the metadata of any page."""
    return PageMetadata(base_url(), site_card_path())


def list_metadata(title: str, path: str, cards: Iterable[Shown]) -> PageMetadata:
    """Return the metadata of a list."""
    base = base_url()
    return PageMetadata(
        base, site_card_path(), structured_data=(structured_data.item_list(title, base + path, cards, base),)
    )


def story_metadata(store: Store, listed: Listed, picture: str = "") -> PageMetadata:
    """Return the metadata of a story; *picture* is the path of a picture from one of its sources."""
    show = presenter(store)
    base = base_url()
    drawn, card = story_card_path(store, listed)
    article = structured_data.article(
        listed,
        site=config().site,
        base=base,
        section=card.kicker,
        source=show.source_name(listed.lead.source_id),
        image=base + (picture or drawn),
    )
    return PageMetadata(base, picture or drawn, not picture, listed.story.headline, article, (article,))


# Files for programs


@blueprint.get("/sources.opml")
def sources() -> Response:
    """The sources by category, except those with private addresses."""
    keep(WHOLE_EDITION)
    limits = config().limits
    by_category: dict[str, list[Subscription]] = {item.id: [] for item in config().categories}
    base = base_url()
    for source in config().sources:
        address = feed_address(source, limits)
        if address and source.enabled:
            page = f"{base}/source/{quote(source.id)}"
            by_category.setdefault(source.category, []).append(Subscription(address, source.name, site_url=page))
    names = {item.id: item.name for item in config().categories}
    folders = [(names.get(category, category), feeds) for category, feeds in by_category.items() if feeds]
    text = opml.write(f"{config().site.title}: sources", folders)
    return _data(text.encode(), "text/x-opml; charset=utf-8")


@blueprint.get("/sitemap.xml")
def sitemap() -> Response:
    """The permanent pages, and the stories of the last 48 hours: as news if the publisher gives a date."""
    keep(MINUTE)
    base, site = base_url(), config().site
    ET.register_namespace("news", _NEWS)
    root = ET.Element(f"{{{_SITEMAP}}}urlset")

    def url(path: str) -> ET.Element:
        node = ET.SubElement(root, f"{{{_SITEMAP}}}url")
        ET.SubElement(node, f"{{{_SITEMAP}}}loc").text = base + path
        return node

    paths = ["/", "/trending", "/newest", "/topics", "/sources", "/feeds", "/about"]
    paths += [f"/category/{quote(item.id)}" for item in config().categories]
    paths += [f"/list/{quote(item.id)}" for item in config().lists]
    for path in paths:
        url(path)
    with reading().store() as store:
        recent = store.story_lists.select(ListQuery(since=now() - NEWS_FOR, limit=MAX_NEWS))
    for listed in recent:
        story = listed.story
        if story.published_at and story.published_at < now() - NEWS_FOR:
            continue
        node = url(story_path(story))
        modified = max(story.first_seen_at, story.last_source_at).astimezone(UTC)
        ET.SubElement(node, f"{{{_SITEMAP}}}lastmod").text = f"{modified:%Y-%m-%dT%H:%M:%SZ}"
        if story.published_at is None:
            continue  # News needs a publication date, and the time at which this site first saw a story is not one.
        news = ET.SubElement(node, f"{{{_NEWS}}}news")
        publication = ET.SubElement(news, f"{{{_NEWS}}}publication")
        ET.SubElement(publication, f"{{{_NEWS}}}name").text = storable(site.title)
        ET.SubElement(publication, f"{{{_NEWS}}}language").text = site.language.partition("-")[0]
        date = f"{story.published_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        ET.SubElement(news, f"{{{_NEWS}}}publication_date").text = date
        ET.SubElement(news, f"{{{_NEWS}}}title").text = storable(story.headline)
    ET.indent(root, " ")
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True, default_namespace=_SITEMAP)
    return _data(body, "application/xml; charset=utf-8")


@blueprint.get("/robots.txt")
def robots() -> Response:
    """Allow crawlers everything but endless pages (searches, the archive by the minute) and the admin pages."""
    keep(WHOLE_EDITION)
    lines = ["User-agent: *", "Disallow: /search", "Disallow: /at/", "Disallow: /admin", "Disallow: /api/", ""]
    return _data("\n".join([*lines, f"Sitemap: {base_url()}/sitemap.xml", ""]).encode(), "text/plain; charset=utf-8")


@blueprint.get("/manifest.webmanifest")
def manifest() -> Response:
    """What a phone needs to install the site as an app."""
    keep(WHOLE_EDITION)
    site, root = config().site, services().database.prefix()
    icons = [
        {"src": root + asset("icon.svg"), "sizes": "any", "type": "image/svg+xml"},
        {"src": f"{root}/icon-192.png", "sizes": "192x192", "type": "image/png"},
        {"src": f"{root}/icon-512.png", "sizes": "512x512", "type": "image/png"},
        {"src": f"{root}/icon-mask.png", "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
    ]
    structured_data = {
        "name": site.title,
        "short_name": site.title[:12],
        "description": "News grouped into stories, scored and ranked",
        "lang": site.language,
        "id": f"{root}/",
        "start_url": f"{root}/",
        "scope": f"{root}/",
        "display": "minimal-ui",
        "background_color": "#fcfcfa",
        "theme_color": "#0b4f63",
        "icons": icons,
    }
    return _data(json.dumps(structured_data, indent=1).encode(), "application/manifest+json; charset=utf-8")


@blueprint.get("/<any('icon-180.png','icon-192.png','icon-512.png','icon-mask.png'):icon>")
def icon(icon: str) -> Response:
    """The icon, for programs without SVG support."""
    keep(WHOLE_EDITION)
    return _data(social_card.icon(*ICONS[icon]), "image/png")


@blueprint.get("/apple-touch-icon.png")
def touch_icon() -> AnyResponse:
    """The icon at the address that phones try by convention."""
    return redirect("/icon-180.png", 301)


@blueprint.get("/card/site-<digest>.png")
def site_card(digest: str) -> AnyResponse:
    """The card for links to any page other than a story."""
    card = structured_data.card_of_site(config().site)
    if digest != card.digest:
        return redirect(site_card_path(), 302)
    return _picture(social_card.card(card))


@blueprint.get("/card/<int(max=9223372036854775807):story_id>-<digest>.png")
@query_parameters(costly=True)
def story_card(story_id: int, digest: str) -> AnyResponse:
    """The card of a link to a story without a picture; it never changes under its address."""
    with reading().store() as store:
        listed = store.story_lists.listed(story_id)
        if listed is None:
            abort(404)
        path, card = story_card_path(store, listed)
    if digest != card.digest:
        return redirect(path, 302)
    return _picture(social_card.card(card))


def story_card_path(store: Store, listed: Listed) -> tuple[str, social_card.Card]:
    """Return the address of a story's card, and the text on it."""
    section = presenter(store).section(listed.story.category_id)
    card = structured_data.card_of(listed, config().site, section.name if section else "")
    return structured_data.card_path(listed, card), card


def site_card_path() -> str:
    """Return the address of the card of all other pages."""
    return f"/card/site-{structured_data.card_of_site(config().site).digest}.png"


def _picture(png: bytes) -> Response:
    keep(WHOLE_EDITION)
    response = _data(png, "image/png")
    response.headers["Cache-Control"] = FOR_EVER
    return response


def _data(body: bytes, content_type: str) -> Response:
    response = Response(body, content_type=content_type)
    response.headers["Content-Security-Policy"] = CSP_DATA
    return response
