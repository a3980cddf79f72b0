"""The parameters of a list: read from a query string, and written back as one.

Pure and tolerant: an unknown value means the default, and a truncated query leaves a note.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from aggregator.text.markup import storable
from aggregator.translatable import Translatable

WINDOWS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
LIST_SORTS = ("trending", "newest", "score")
SEARCH_SORTS = ("best", "newest", "score", "meaning")
MAX_QUERY = 200
MAX_PAGE = 1000
TOO_MANY_PAGES = Translatable("Lists have at most %(n)s pages.", n=MAX_PAGE)


@dataclass(frozen=True, slots=True)
class ListParams:
    """Which stories of a list to show, in which order."""

    sort: str
    sorts: tuple[str, ...] = LIST_SORTS
    """The orders that the list has; the first is the default."""
    window: str = ""
    min_score: int = 0
    min_sources: int = 0
    query: str = ""
    category: str = ""
    page: int = 1
    note: str = ""
    """A message about what was not applied as requested."""

    def since(self, now: datetime) -> datetime | None:
        """Return the beginning of the window, or None."""
        return now - WINDOWS[self.window] if self.window else None

    @property
    def filtered(self) -> bool:
        """Whether the list is filtered."""
        return bool(self.window or self.min_score or self.min_sources or self.category)

    def query_string(self, **changes: str | int) -> str:
        """Return `?sort=newest&window=24h` with *changes*, "" when all are defaults.

        A change of the filters goes back to the first page.
        """
        changed = replace(self, **{"page": 1, **changes})  # type: ignore[arg-type]
        query: dict[str, str | int] = {}
        if changed.query:
            query["q"] = changed.query
        if changed.category:
            query["category"] = changed.category
        if changed.sort != changed.sorts[0]:
            query["sort"] = changed.sort
        if changed.window:
            query["window"] = changed.window
        if changed.min_score:
            query["min_score"] = changed.min_score
        if changed.min_sources:
            query["min_sources"] = changed.min_sources
        if changed.page > 1:
            query["page"] = changed.page
        return "?" + urlencode(query, quote_via=quote) if query else ""


def read(args: Mapping[str, str], sorts: tuple[str, ...] = LIST_SORTS, default: str = "") -> ListParams:
    """Return the parameters in *args*; *default* is the default order, else the first of *sorts*."""
    if default:
        sorts = (default, *(sort for sort in sorts if sort != default))
    query = " ".join(storable(args.get("q", "").replace("\x00", " ")).split())
    note = ""
    if len(query) > MAX_QUERY:
        query = query[:MAX_QUERY].rstrip()
        note = Translatable("Only the first %(n)s characters were used.", n=MAX_QUERY)
    sort = args.get("sort", "")
    window = args.get("window", "")
    return ListParams(
        sort=sort if sort in sorts else sorts[0],
        sorts=sorts,
        window=window if window in WINDOWS else "",
        min_score=_number(args.get("min_score", ""), 0, 100),
        min_sources=_number(args.get("min_sources", ""), 0, 1000),
        query=query,
        category=args.get("category", "")[:100],
        page=_number(args.get("page", ""), 1, MAX_PAGE + 1),
        note=note,
    )


def _number(text: str, lowest: int, highest: int) -> int:
    """Return the number in *text*, limited to the bounds; the lowest if it is not a number."""
    text = text.strip()
    if not (text.isascii() and text.isdigit()):
        return lowest
    # Python refuses to read more than 4,300 digits.
    return min(max(int(text[:10]), lowest), highest)
