"""Streams: what the IDs of feeds, folders and states mean, and which stories a request selects from them.

Pure except for named lists, which are searches. Leaves marks and stories to `store.reader_marks`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

from aggregator.model import Category, Config, NamedList
from aggregator.store import Store
from aggregator.store.readers.marks import READ, STARRED, Selection
from aggregator.store.readers.tokens import ReaderToken
from web.lists import query, stories

MAX_STORY_AGE = timedelta(days=30)
"""Stories that were first seen longer ago are not given to apps, unless they are starred."""
MAX_ITEMS = 1_000
MAX_IDS = 10_000
MAX_OF_LIST = 2_000
STATE = "user/-/state/com.google/"
READING_LIST = f"{STATE}reading-list"
# Apps ask for these as well. The original had no such streams; some servers have.
_UNREAD = (f"{STATE}unread", f"{STATE}kept-unread")
_USER = re.compile(r"^user/[^/]{1,60}/")


@dataclass(frozen=True, slots=True)
class Subscription:
    """A category or named list as a feed in a folder with its name."""

    id: str
    title: str
    page: str
    category_id: str | None = None
    named: NamedList | None = None

    @property
    def label(self) -> str:
        """The ID of its folder."""
        return f"user/-/label/{self.title}"


def subscriptions(config: Config) -> list[Subscription]:
    """Return the feeds that an app sees, categories first."""
    return [of_category(category) for category in config.categories] + [
        Subscription(f"feed/list/{named.id}", named.name, f"/list/{named.id}", named=named) for named in config.lists
    ]


def of_category(category: Category) -> Subscription:
    """Return a category as a feed."""
    return Subscription(f"feed/category/{category.id}", category.name, f"/category/{category.id}", category.id)


def normalized(stream: str) -> str:
    """Return the ID of a stream with `-` in place of the user."""
    return _USER.sub("user/-/", unquote(stream))


class UnknownStream(Exception):
    """No feed, folder or state has this ID."""


def selection(
    store: Store, config: Config, token: ReaderToken, stream: str, now: datetime, *, min_score: int | None = None
) -> Selection:
    """Return which stories a stream contains; UnknownStream."""
    wanted = Selection(
        reader=token.reader,
        since=now - MAX_STORY_AGE,
        min_score=token.min_score if min_score is None else min_score,
    )
    stream = normalized(stream)
    if stream == READING_LIST:
        return wanted
    if stream in (f"{STATE}{STARRED}", f"{STATE}{READ}"):
        return replace(wanted, marked=stream.removeprefix(STATE))
    if stream in _UNREAD:
        return replace(wanted, unmarked=READ)
    if stream.startswith(STATE):  # broadcast, like, fresh: nothing here has such a state
        return replace(wanted, among=())
    matching = [item for item in subscriptions(config) if stream in (item.id, item.label)]
    if not matching:
        raise UnknownStream(stream)
    # A category and a list may have the same name, and so the same folder; the first one counts.
    subscription = matching[0]
    if subscription.named is None:
        return replace(wanted, category_id=subscription.category_id)
    return replace(wanted, among=ids_of_list(store, config, subscription.named, now))


def ids_of_list(store: Store, config: Config, named: NamedList, now: datetime) -> list[int]:
    """Return the newest stories of a named list."""
    params = replace(query.read({"sort": "newest"}, query.SEARCH_SORTS), query=named.query)
    search = replace(stories.query_of(params, config, now), listed_only=True)
    results = stories.some_of_search(store, params, search, MAX_OF_LIST, 0)
    return [listed.story.story_id for listed in results.stories]


@dataclass(frozen=True, slots=True)
class Paging:
    """The parameters of a request that narrow a stream and page through it."""

    limit: int
    beyond_id: int | None
    oldest_first: bool
    without: str
    only: str
    after: datetime | None
    before: datetime | None

    def narrow(self, wanted: Selection) -> Selection:
        """Return the requested part of a selection."""
        return replace(
            wanted,
            limit=self.limit,
            beyond_id=self.beyond_id,
            oldest_first=self.oldest_first,
            unmarked=self.without or wanted.unmarked,
            marked=self.only or wanted.marked,
            after=self.after,
            before=self.before,
        )


def paging(values: dict[str, str], *, most: int) -> Paging:
    """Parse `n`, `c`, `r`, `xt`, `it`, `ot`, `nt`; values that are not numbers are ignored."""
    states = {name: normalized(values.get(name, "")) for name in ("xt", "it")}
    mark_of = {f"{STATE}{READ}": READ, f"{STATE}{STARRED}": STARRED}
    unread = {name: READ if state in _UNREAD else "" for name, state in states.items()}
    return Paging(
        limit=min(max(_number(values.get("n", "")) or 20, 1), most),
        beyond_id=_number(values.get("c", "")),
        oldest_first=values.get("r", "") == "o",
        without=mark_of.get(states["xt"], "") or unread["it"],
        only=mark_of.get(states["it"], "") or unread["xt"],
        after=_time(values.get("ot", "")),
        before=_time(values.get("nt", "")),
    )


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def _time(text: str) -> datetime | None:
    """Parse seconds since 1970; apps also send milliseconds and microseconds."""
    number = _number(text)
    if not number:
        return None
    per_second = 1
    while number // per_second > 100_000_000_000:
        per_second *= 1000
    # In whole microseconds: as a float, 2026 has a resolution of .24 of one.
    return datetime.fromtimestamp(number // per_second, UTC) + timedelta(
        microseconds=number % per_second * 1_000_000 // per_second
    )


def story_ids(values: Iterable[str]) -> list[int]:
    """Return the story IDs of item IDs.

    Hexadecimal with 16 digits or after `tag:google.com,2005:reader/item/`, else decimal.
    """
    ids = []
    for value in map(str.strip, values):
        short = value.rpartition("/")[2]
        if re.fullmatch(r"[0-9a-fA-F]{1,16}" if "/" in value else r"[0-9a-fA-F]{16}", short):
            ids.append(int(short, 16))
        elif re.fullmatch(r"[0-9]{1,18}", value):
            ids.append(int(value))
    return [story_id for story_id in ids if story_id < 2**63]


def item_id(story_id: int) -> str:
    """Return the long form of an item's ID."""
    return f"tag:google.com,2005:reader/item/{story_id:016x}"
