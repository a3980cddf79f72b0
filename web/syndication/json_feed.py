"""JSON Feed 1.1."""

from __future__ import annotations

import json
from typing import Any

from web.syndication.channel import Channel, Item, iso
from web.syndication.markup import NAMESPACE, body_html

MEDIA_TYPE = "application/feed+json"


def write(channel: Channel) -> bytes:
    """Return *channel* as JSON Feed 1.1."""
    document: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": channel.title,
        "description": channel.description,
        "home_page_url": channel.page_url,
        "feed_url": channel.self_url,
        "language": channel.language,
    }
    if channel.next_url:
        document["next_url"] = channel.next_url
    if channel.hub_url:
        document["hubs"] = [{"type": "WebSub", "url": channel.hub_url}]
    document["items"] = [_item(item) for item in channel.items]
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def _item(item: Item) -> dict[str, Any]:
    node: dict[str, Any] = {"id": item.id, "url": item.url}
    if item.original:
        node["external_url"] = item.original
    node |= {
        "title": item.title,
        "content_html": body_html(item),
        "content_text": "\n\n".join(part for part in (item.text, item.facts) if part),
        "summary": item.text or item.facts,
        "date_published": iso(item.date),
        "date_modified": iso(item.updated_at),
        "authors": [{"name": item.source}],
        "tags": [item.category] if item.category else [],
    }
    attachments: list[dict[str, Any]] = []
    if recording := item.enclosure:
        size = {"size_in_bytes": recording.length} if recording.length else {}
        attachments.append({"url": recording.url, "mime_type": recording.media_type, **size})
    if item.image:
        node["image"] = item.image.url
        if item.image.media_type:
            title = {"title": item.image.caption} if item.image.caption else {}
            attachments.append({"url": item.image.url, "mime_type": item.image.media_type, **title})
    if attachments:
        node["attachments"] = attachments
    if item.html:
        return node
    node["_groundswell"] = {
        "about": NAMESPACE,
        "score": item.score,
        "provisional": item.provisional,
        "sources": item.sources,
        "independent_sources": item.independent,
        "via": item.via,
        "published_at": iso(item.published_at) if item.published_at else None,
        "first_seen_at": iso(item.first_seen_at),
    }
    return node
