"""Add feeds to feeds.yaml and take them out: which are new, what they are called, where they belong.

Pure. Leaves where lines go to `config.edit`, and whether the result is valid to `config`.
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
    """Of feeds.yaml afterwards."""
    ids: tuple[str, ...]
    """Of the sources that were added."""
    known: tuple[str, ...]
    """Addresses that stood there already, also in another spelling."""
    categories: tuple[str, ...]
    """Ids of the categories that were added."""
    items: tuple[Mapping[str, str], ...] = ()
    """The sources that were added, as they stand in the file."""


def added(text: str, config: Config | None, feeds: Iterable[Subscription]) -> Added:
    """Return *text*, the feeds.yaml that says *config*, with *feeds* at the end of its sources.

    One whose address differs from a known one only by http or https or a slash at the end is known. A folder
    is the category of that id or name, else a new one. config: None for a file that is not there yet.
    """
    sources = config.sources if config else ()
    categories = list(config.categories) if config else []
    by_name = {name: category.id for category in categories for name in (category.id, category.name.casefold())}
    taken_ids = {source.id for source in sources}
    keys = {feed_key(source.url) for source in sources}
    new_categories: list[Category] = []
    items: list[dict[str, str]] = []
    known: list[str] = []
    for feed in feeds:
        key = feed_key(feed.url)
        if key in keys:
            known.append(feed.url)
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
        # A file without categories has one, which has to stay where it is the default of a source.
        first = [] if not sources or "categories:" in text else categories
        listed = [{"id": category.id, "name": category.name} for category in (*first, *new_categories)]
        text = with_items(text, "categories", listed)
    text = with_items(text, "sources", items)
    return Added(
        text=text,
        ids=tuple(item["id"] for item in items),
        known=tuple(known),
        categories=tuple(category.id for category in new_categories),
        items=tuple(items),
    )


def ids(config: Config | None) -> dict[str, str]:
    """Return the id of each feed that *config* has, by what tells feeds apart (`feed_key`)."""
    return {feed_key(source.url): source.id for source in config.sources} if config else {}


def source_id(name: str, url: str, taken: Collection[str]) -> str:
    """Return an id made of *name*, else of the host of *url*, that is not *taken*."""
    stem = _slug(name) or _slug((urlsplit(url).hostname or "").removeprefix("www.")) or "feed"
    candidate, number = stem, 2
    while candidate in taken:
        candidate, number = f"{stem}_{number}", number + 1
    return candidate


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:_MAX_ID_CHARS].strip("_")
