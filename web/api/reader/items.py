"""Stories as the items of a reader app."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from aggregator.model import Config, Enclosure, Listed
from aggregator.store import Store
from aggregator.store.readers.tokens import ReaderToken
from web import syndication
from web.api.reader.streams import READING_LIST, STATE, item_id, of_category
from web.present import Presenter
from web.syndication.markup import body_html


def items(
    store: Store, show: Presenter, config: Config, token: ReaderToken, listed: Sequence[Listed], *, base: str, tags: str
) -> list[dict[str, Any]]:
    """Return stories as items, with this reader's marks.

    base: the site's address without a trailing slash
    tags: the address from which feed item IDs are made
    """
    marks = store.reader_marks.of(token.reader, (row.story.story_id for row in listed))
    others = store.story_lists.other_headlines(list(listed))
    categories = {category.id: of_category(category) for category in config.categories}
    results = []
    for row in listed:
        story = row.story
        section = show.section(story.category_id)
        related = [(entry, show.source_name(entry.source_id)) for entry in others.get(story.story_id, ())]
        item = syndication.item(
            row,
            base_url=base,
            id_base=tags,
            source=show.source_name(row.lead.source_id),
            first_source=show.source_name(row.first_source_id),
            category=section.name if section else "",
            related=related,
        )
        subscription = categories.get(story.category_id)
        seen = int(story.first_seen_at.timestamp())
        states = [READING_LIST, *(f"{STATE}{kind}" for kind in sorted(marks.get(story.story_id, ())))]
        # Some apps treat titles as HTML, others as text: escape only if the two would differ.
        title = syndication.escape_if_ambiguous(item.title)
        results.append(
            {
                "id": item_id(story.story_id),
                "crawlTimeMsec": str(int(story.first_seen_at.timestamp() * 1000)),
                "timestampUsec": str(int(story.first_seen_at.timestamp() * 1_000_000)),
                "published": int(item.date.timestamp()),
                "updated": max(seen, int(item.updated_at.timestamp())),
                "title": f"[{story.score}] {title}" if token.score_in_title else title,
                "author": item.source,
                "canonical": [{"href": item.url}],
                "alternate": [{"href": item.url, "type": "text/html"}],
                **({"enclosure": [_enclosure(item.enclosure)]} if item.enclosure else {}),
                "summary": {"direction": "ltr", "content": body_html(item)},
                "categories": [*states, *([subscription.label] if subscription else [])],
                "origin": {
                    "streamId": subscription.id if subscription else f"feed/category/{story.category_id}",
                    "title": subscription.title if subscription else item.category,
                    "htmlUrl": base + (subscription.page if subscription else "/"),
                },
            }
        )
    return results


def _enclosure(recording: Enclosure) -> dict[str, Any]:
    length = {"length": recording.length} if recording.length else {}
    return {"href": recording.url, "type": recording.media_type, **length}


def references(ids: Iterable[tuple[int, Any]]) -> list[dict[str, Any]]:
    """Return stories as bare IDs with their times."""
    return [
        {"id": str(story_id), "directStreamIds": [], "timestampUsec": str(int(seen.timestamp() * 1_000_000))}
        for story_id, seen in ids
    ]
