"""Read the feeds in a file of another program: OPML, or the configuration of a program without OPML export.

    Miniflux, FreshRSS, NewsBlur, CommaFeed, RSSMonster ...    OPML
    TrendRadar                                                 config.yaml: rss > feeds
    Horizon                                                    data/config.json: sources > rss
    AIHOT                                                      industry/sources.json: sources of the kind rss

Pure. Other entries of such a configuration are left out, each with a reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from aggregator.config import yaml_tree
from aggregator.discovery import opml
from aggregator.discovery.feed_address import feed_address
from aggregator.discovery.opml import MAX_BYTES, MAX_FEEDS, Subscription, Subscriptions
from aggregator.errors import OpmlError
from aggregator.text.markup import clip, storable
from aggregator.translatable import Translatable

Listed = Subscription | str
"""A feed, or an omitted entry with the reason."""

_NOT_A_FEED = "not a feed"
_OFF = "switched off there"


def read(data: bytes, max_bytes: int = MAX_BYTES, max_feeds: int = MAX_FEEDS) -> Subscriptions:
    """Return the feeds in a file, in order; OpmlError if it is not such a file, or too large."""
    if len(data) > max_bytes or b"<opml" in data[:20_000].lower() or data.lstrip()[:1] in (b"<", b""):
        return opml.read(data, max_bytes, max_feeds)
    document = _parsed(data)
    items = list(_listed(document)) if isinstance(document, dict) else []
    if not items:
        raise OpmlError(
            Translatable("this is neither an OPML file nor a configuration of TrendRadar, Horizon or AIHOT with feeds")
        )
    feeds = [item for item in items if isinstance(item, Subscription)]
    left_out = [item for item in items if isinstance(item, str)]
    left_out += [f"{feed.name or feed.url}: behind the first {max_feeds:,}" for feed in feeds[max_feeds:]]
    return Subscriptions(tuple(feeds[:max_feeds]), (), tuple(left_out))


def _parsed(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        pass
    try:
        return _plain(yaml_tree.read(data.decode("utf-8-sig")))
    except (yaml_tree.Unreadable, ValueError):
        return None


def _plain(node: yaml_tree.Node | None) -> object:
    if isinstance(node, yaml_tree.Mapping):
        return {key.text: _plain(value) for key, value in node.pairs if isinstance(key, yaml_tree.Scalar)}
    if isinstance(node, yaml_tree.Sequence):
        return [_plain(item) for item in node.items]
    if node is None or node.text in ("false", "no", "off"):
        return False
    return node.text


def _listed(document: Mapping[str, Any]) -> Iterator[Listed]:
    sources = document.get("sources")
    if isinstance(sources, list):
        yield from _aihot(sources)
    elif isinstance(sources, dict):
        yield from _horizon(sources)
    elif isinstance(document.get("rss"), dict):
        yield from _trendradar(document)


def _trendradar(document: Mapping[str, Any]) -> Iterator[Listed]:
    for item in _items(document["rss"].get("feeds")):
        yield _feed(item, item.get("url"))
    platforms = document.get("platforms")
    hot_lists = platforms.get("sources") if isinstance(platforms, dict) else platforms
    for item in _items(hot_lists):
        yield f"{_name(item)}: a hot list, {_NOT_A_FEED}"


def _horizon(sources: Mapping[str, Any]) -> Iterator[Listed]:
    for item in _items(sources.get("rss")):
        yield _feed(item, item.get("url"), _text(item.get("category")))
    for kind, others in sources.items():
        if kind != "rss" and (not isinstance(others, dict) or others.get("enabled", True)):
            yield f"{_text(kind)}: {_NOT_A_FEED}"


def _aihot(sources: list[Any]) -> Iterator[Listed]:
    for item in _items(sources):
        config = item.get("config")
        kind = _text(item.get("kind"))
        if kind != "rss" or not isinstance(config, dict):
            yield f"{_name(item)}: {kind or 'a source without a kind'}, {_NOT_A_FEED}"
        else:
            yield _feed(item, config.get("feedUrl"))


def _feed(item: Mapping[str, Any], address: object, folder: str = "") -> Listed:
    text = _text(address)
    if item.get("enabled") is False:
        return f"{_name(item)}: {_OFF}"
    if "${" in text:
        return f"{_name(item)}: its address has a variable in it; add it by hand"
    url = feed_address(text)
    return Subscription(url, _name(item), folder) if url else f"{_name(item)}: its address cannot be used"


def _items(listed: object) -> Iterator[Mapping[str, Any]]:
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict):
            yield item


def _name(item: Mapping[str, Any]) -> str:
    return _text(item.get("name")) or _text(item.get("id")) or "a source without a name"


def _text(value: object) -> str:
    return clip(storable(" ".join(value.split())), 2_000) if isinstance(value, str) else ""
