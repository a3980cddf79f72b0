"""What a list was asked for: read from a query string, and spelled back into one.

Pure and forgiving: an unknown value is the default, and what was cut is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from aggregator.text.tokens import storable

WINDOWS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
LIST_SORTS = ("trending", "newest", "score")
SEARCH_SORTS = ("best", "newest", "score")
MAX_QUERY = 200
MAX_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """Which stories of a list, in which order."""

    sort: str
    sorts: tuple[str, ...] = LIST_SORTS
    """The orders there are; the first is the one without saying."""
    window: str = ""
    min_score: int = 0
    min_sources: int = 0
    query: str = ""
    category: str = ""
    page: int = 1
    note: str = ""
    """What was not taken as it was asked, for the reader."""

    def since(self, now: datetime) -> datetime | None:
        """Return from when on, or None."""
        return now - WINDOWS[self.window] if self.window else None

    @property
    def filtered(self) -> bool:
        """Whether anything but the order narrows the list."""
        return bool(self.window or self.min_score or self.min_sources or self.category)

    def query_string(self, **changes: str | int) -> str:
        """Return `?sort=newest&window=24h` with *changes*, "" when all is as without saying.

        Whoever changes what is listed begins on the first page.
        """
        asked = replace(self, **{"page": 1, **changes})  # type: ignore[arg-type]
        params: dict[str, str | int] = {}
        if asked.query:
            params["q"] = asked.query
        if asked.category:
            params["category"] = asked.category
        if asked.sort != asked.sorts[0]:
            params["sort"] = asked.sort
        if asked.window:
            params["window"] = asked.window
        if asked.min_score:
            params["min_score"] = asked.min_score
        if asked.min_sources:
            params["min_sources"] = asked.min_sources
        if asked.page > 1:
            params["page"] = asked.page
        return "?" + urlencode(params, quote_via=quote) if params else ""


def read(args: Mapping[str, str], sorts: tuple[str, ...] = LIST_SORTS, default: str = "") -> Asked:
    """Return what *args* ask for; *default* is the order without saying, else the first of *sorts*."""
    if default:
        sorts = (default, *(sort for sort in sorts if sort != default))
    query = " ".join(storable(args.get("q", "").replace("\x00", " ")).split())
    note = ""
    if len(query) > MAX_QUERY:
        query = query[:MAX_QUERY].rstrip()
        note = f"Only the first {MAX_QUERY} characters were looked for."
    sort = args.get("sort", "")
    window = args.get("window", "")
    return Asked(
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


def _number(text: str, least: int, most: int) -> int:
    """Return the number in *text* within the bounds; what is no number is the least."""
    text = text.strip()
    if not (text.isascii() and text.isdigit()):
        return least
    # Python refuses to read more than 4,300 digits.
    return min(max(int(text[:10]), least), most)
