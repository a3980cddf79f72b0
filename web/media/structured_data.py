"""Metadata of a page for other programs: schema.org as JSON-LD, and the card of a link to it.

Pure. Templates print it with `tojson`, which leaves no character that could end its element.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from aggregator.model import Listed, Site
from aggregator.text.markup import clip
from aggregator.text.urls import safe_link
from web.media.social_card import Card
from web.present import Card as Shown
from web.present import source_count, story_path

MAX_HEADLINE_CHARS = 110
"""Characters that search engines take of a headline."""


def card_of(listed: Listed, site: Site, section: str) -> Card:
    """Return what is drawn for a story."""
    story = listed.story
    facts = [f"Score: {story.score}", source_count(story.sources, story.independent_sources)]
    facts.append(f"via {listed.first_source_id}")
    return Card(site.title, story.headline, section, " · ".join(facts), story.score, story.provisional)


def card_of_site(site: Site) -> Card:
    """Return what is drawn for every other page."""
    return Card(site.title, "News grouped into stories, scored and ranked", foot=site.url.partition("://")[2])


def card_path(listed: Listed, card: Card) -> str:
    """Return the address of a story's card: another one for another card."""
    return f"/card/{listed.story.story_id}-{card.digest}.png"


def article(listed: Listed, *, site: Site, base: str, section: str, source: str, image: str) -> dict[str, Any]:
    """Return a story as a NewsArticle; *image* is an absolute address.

    It has a `datePublished` only where a publisher states a plausible date.
    """
    story, lead = listed.story, listed.lead
    article: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": clip(story.headline, MAX_HEADLINE_CHARS),
        "url": base + story_path(story),
        "mainEntityOfPage": base + story_path(story),
        "dateModified": _iso(max(story.first_seen_at, story.last_source_at)),
        "image": [image],
        "author": [{"@type": "Organization", "name": source}],
        "publisher": {"@type": "Organization", "name": site.title, "url": base, "logo": f"{base}/icon-512.png"},
        "isAccessibleForFree": True,
        "inLanguage": lead.language or site.language,
    }
    if story.published_at:
        article["datePublished"] = _iso(story.published_at)
    if story.summary:
        article["description"] = clip(story.summary, 300)
    if section:
        article["articleSection"] = section
    if original := safe_link(lead.link):
        article["isBasedOn"] = original
    return article


def item_list(name: str, url: str, cards: Iterable[Shown], base: str) -> dict[str, Any]:
    """Return a page of a list as an ItemList, in its order."""
    items = [
        {"@type": "ListItem", "position": place, "url": base + card.url, "name": card.headline}
        for place, card in enumerate(cards, start=1)
    ]
    return {
        "@context": "https://schema.org",
        "@type": "ItemList",
        "name": name,
        "url": url,
        "numberOfItems": len(items),
        "itemListElement": items,
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
