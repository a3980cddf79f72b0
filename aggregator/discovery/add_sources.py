"""Add feeds to feeds.yaml: detect known ones, and choose IDs and categories.

Pure. `config.yaml_edit` edits the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from aggregator.config.values.addresses import feed_key
from aggregator.config.yaml_edit import with_items
from aggregator.discovery.opml import Subscription
from aggregator.model import Category, Config
from aggregator.text.markup import clip

_MAX_ID_CHARS = 40


@dataclass(frozen=True, slots=True)
class Added:
    """The result of adding feeds."""

    text: str
    """The text of feeds.yaml afterwards."""
    ids: tuple[str, ...]
    """IDs of the added sources."""
    existing: tuple[str, ...]
    """Addresses that were there already, even in an equivalent form."""
    categories: tuple[str, ...]
    """IDs of the added categories."""
    items: tuple[Mapping[str, str], ...] = ()
    """The added sources, as in the file."""


def added(text: str, config: Config | None, feeds: Iterable[Subscription]) -> Added:
    """Return *text*, the feeds.yaml with the configuration *config*, with *feeds* at the end of its sources.

    A feed whose address is equivalent to that of a source is not added again. A folder becomes the category with that
    ID or name, else a new one.

    config: None for a new file
    """
    sources = config.sources if config else ()
    categories = list(config.categories) if config else []
    by_name = {name: category.id for category in categories for name in (category.id, category.name.casefold())}
    taken_ids = {source.id for source in sources}
    keys = {feed_key(source.url) for source in sources}
    new_categories: list[Category] = []
    items: list[dict[str, str]] = []
    existing: list[str] = []
    for feed in feeds:
        key = feed_key(feed.url)
        if key in keys:
            existing.append(feed.url)
            continue
        keys.add(key)
        name = clip(" ".join(feed.name.split()), 200) or urlsplit(feed.url).hostname or "feed"
        item = {"id": source_id(name, feed.url, taken_ids), "name": name, "url": feed.url}
        taken_ids.add(item["id"])
        if feed.folder:
            folder = clip(feed.folder, 100)
            if folder.casefold() not in by_name:
                category = Category(source_id(folder, "", set(by_name.values())), folder)
                by_name |= {folder.casefold(): category.id, category.id: category.id}
                new_categories.append(category)
            item["category"] = by_name[folder.casefold()]
        items.append(item)
    if new_categories:
        # A file without categories has a default one, which must stay if a source uses it.
        first = [] if not sources or "categories:" in text else categories
        listed = [{"id": category.id, "name": category.name} for category in (*first, *new_categories)]
        text = with_items(text, "categories", listed)
    text = with_items(text, "sources", items)
    return Added(
        text=text,
        ids=tuple(item["id"] for item in items),
        existing=tuple(existing),
        categories=tuple(category.id for category in new_categories),
        items=tuple(items),
    )


def ids(config: Config | None) -> dict[str, str]:
    """Return the ID of each feed in *config*, by `feed_key`."""
    return {feed_key(source.url): source.id for source in config.sources} if config else {}


def source_id(name: str, url: str, taken: Collection[str]) -> str:
    """Return an unused ID from *name*, else from the host of *url*."""
    stem = _slug(name) or _slug((urlsplit(url).hostname or "").removeprefix("www.")) or "feed"
    candidate, number = stem, 2
    while candidate in taken:
        candidate, number = f"{stem}_{number}", number + 1
    return candidate


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:_MAX_ID_CHARS].strip("_")
