"""Page through a list with cursors that stay correct while the list grows at its head.

A cursor is `<offset>-<story ID>`: the number of stories before, and the last of them. The story is searched around the
offset, so the next page begins after it even if it has moved. Clients must not interpret a cursor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aggregator.model import Listed

CURSOR = "([0-9]{1,6}-[0-9]{1,18})?"
"""A regular expression for cursors; "" is the beginning of a list."""
MAX_OFFSET = 100_000
"""How far a list can be paged through."""

Read = Callable[[int, int], list[Listed]]
"""Reads a part of a list, given limit and offset."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list and the cursor of the next one; None at the end."""

    stories: list[Listed]
    next_cursor: str | None


def page_after(cursor: str, limit: int, read: Read) -> Page:
    """Return the page that follows *cursor*."""
    offset, last_id = position(cursor)
    if last_id:
        around = max(offset - limit, 0)
        near = [listed.story.story_id for listed in read(3 * limit, around)]
        if last_id in near:
            offset = around + near.index(last_id) + 1
    # One more than the page shows whether there is another page.
    fetched = read(limit + 1, offset)
    stories = fetched[:limit]
    return Page(stories, make_cursor(offset + len(stories), stories[-1]) if len(fetched) > limit else None)


def position(cursor: str) -> tuple[int, int]:
    """Return the number of stories before, and the ID of the last of them; 0 and 0 at the beginning."""
    offset, _, story_id = cursor.partition("-")
    return min(int(offset or 0), MAX_OFFSET), int(story_id or 0)


def make_cursor(offset: int, last: Listed) -> str | None:
    """Return the cursor after *last*; None if the list cannot be paged any further."""
    return f"{offset}-{last.story.story_id}" if offset < MAX_OFFSET else None
