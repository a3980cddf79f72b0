"""Full-text search over entries, with stories as results.

`aggregator.text.search_query` parses queries, and `aggregator.text.search_words` splits texts into words.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from aggregator.model import Entry, Listed
from aggregator.store.codec import ENTRY, UNMUTED, entry, moment, stamp
from aggregator.store.connection import Connection, Params, Row
from aggregator.store.stories.story_lists import StoryLists
from aggregator.text.search_query import Query
from aggregator.text.title_kinds import entry_kinds
from aggregator.text.tokens import words

Order = Literal["best", "newest", "score"]

CANDIDATES = 2_000
"""Newest matching entries that are ranked: more than anyone pages through, and a bound on the time."""

MAX_ROWS = 2**31 - 1
"""The limit of a search without a bound."""

_AGE_HALVES_IN_DAYS = 14.0
_OLD_COUNTS = 0.25


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A page of results."""

    stories: list[Listed]
    total: int
    """The total, counted within the newest `CANDIDATES` entries."""
    entries: dict[int, Entry] = field(default_factory=dict)
    """By story, the entry that matched the words; empty for a query without words."""


def strength(text: float, relevance: float, age_days: float) -> float:
    """Return the rank score of a story for a search; larger is better.

        text * (1/2 + relevance) * (1/4 + 3/4 * 2^(-age / 14 days))

    text:      match of its best entry: bm25 with a weight of 3 for the title, > 0
    relevance: of the story, 0 to 1
    age_days:  days from its last independent source to that of the newest result, >= 0

    A product, so that no factor outweighs all others: the best story counts three times the worst, today four times
    last year, and each is less than a second matching word. Chosen by hand.
    """
    freshness: float = 0.5 ** (age_days / _AGE_HALVES_IN_DAYS)
    return text * (0.5 + relevance) * (_OLD_COUNTS + (1 - _OLD_COUNTS) * freshness)


class Search:
    """Stories by the words of their entries, through the text index."""

    def __init__(self, connection: Connection, story_lists: StoryLists) -> None:
        self._db = connection
        self._story_lists = story_lists

    def stories(self, query: Query, *, order: Order = "best", limit: int = 30, offset: int = 0) -> SearchResult:
        """Return the stories that match *query*; an empty query matches nothing.

        Words are plain text: operators of the database's query language have no effect.
        """
        if query.empty:
            return SearchResult([], 0)
        rows = self._candidates(query)
        if rows is None:
            return SearchResult([], 0)
        newest = max((row["news"] for row in rows), default="")

        def best(row: Row) -> tuple[float, str, int]:
            age = (moment(newest) - moment(row["news"])).total_seconds() / 86_400
            return (strength(-row["text"], row["relevance"], age), row["news"], row["story_id"])

        keys = {
            "best": best if query.terms else lambda row: (row["shown_at"], row["story_id"]),
            "newest": lambda row: (row["shown_at"], row["story_id"]),
            "score": lambda row: (row["relevance"], row["news"], row["story_id"]),
        }
        rows.sort(key=keys[order], reverse=True)
        page = rows[offset : offset + limit]
        # One statement, because each costs a round trip to a server.
        listed = self._story_lists.listed_many([row["story_id"] for row in page])
        return SearchResult(listed, len(rows), self._entries(page) if query.terms else {})

    def fitting(self, query: Query) -> dict[int, bool]:
        """Return the newest stories that match the filters of *query*, each with whether it also has the words."""
        with_words = {row["story_id"] for row in self._candidates(query) or ()} if query.terms else set()
        without = [row["story_id"] for row in self._candidates(replace(query, terms=())) or ()]
        return {story_id: story_id in with_words for story_id in dict.fromkeys([*with_words, *without])}

    def matching(self, query: Query, among: Collection[int] | None = None) -> set[int]:
        """Return all stories that match *query*, or those of *among*."""
        if query.empty or (among is not None and not among):
            return set()
        if among is None:
            return {row["story_id"] for row in self._candidates(query, MAX_ROWS) or ()}
        return self._matching_of(query, among)

    def _matching_of(self, query: Query, among: Collection[int]) -> set[int]:
        """Return which of a few stories match, reading the index only for the range of their entries."""
        conditions, params = _of_story(query)
        source = self._of_source(query, params)
        members = self._db.rows(
            f"""select m.entry_id, m.story_id from memberships m join entries e using (entry_id)
            join stories s on s.story_id = m.story_id
            where s.story_id in (select value from {self._db.dialect.integers("among")})
            and {" and ".join([*conditions, *([source] if source else [])])}""",
            {**params, "among": json.dumps(sorted(among))},
        )
        for term in query.terms if members else ():
            ids = [row["entry_id"] for row in members]
            holding = self._db.text_index.holding([term], min(ids), max(ids))
            members = [row for row in members if row["entry_id"] in holding]
            if not members:
                break
        fitting = {row["story_id"] for row in members}
        if fitting and (query.kinds or query.without_kinds):
            fitting = self._of_kinds(fitting, query)
        return fitting - self._containing(query.without, list(fitting)) if query.without else fitting

    def _candidates(self, query: Query, limit: int | None = None) -> list[Row] | None:
        """Return one row per matching story, unordered; None if a word cannot occur."""
        limit = CANDIDATES if limit is None else limit
        conditions, params = _of_story(query)
        source = self._of_source(query, params)
        if query.terms:
            hits = self._db.text_index.newest(query.terms, limit, source)
            if hits is None:
                return None
            params |= hits.params
            with_hits = f"""with fitting as ({hits.sql}), hits as (
                select m.story_id, f.entry_id, f.text,
                row_number() over (partition by m.story_id order by f.text, f.entry_id desc) as place
                from fitting f join memberships m using (entry_id))"""
            story = "hits join stories s on s.story_id = hits.story_id and hits.place = 1"
        else:
            with_hits = "with hits as (select 0.0 as text, 0 as entry_id)"
            story = "hits cross join stories s"
            if source:
                conditions.append(
                    f"""s.story_id in (select m.story_id from memberships m join entries e using (entry_id)
                    where {source})"""
                )
        shown_at = self._db.dialect.least("s.first_seen_at", "s.last_source_at")
        rows = self._db.rows(
            f"""{with_hits} select s.story_id, hits.text, hits.entry_id, s.relevance, s.last_source_at as news,
            {shown_at} as shown_at from {story}
            where {" and ".join(conditions)} order by s.last_source_at desc limit {limit}""",
            params,
        )
        if query.kinds or query.without_kinds:
            fitting = self._of_kinds([row["story_id"] for row in rows], query)
            rows = [row for row in rows if row["story_id"] in fitting]
        without = self._containing(query.without, [row["story_id"] for row in rows]) if query.without else set()
        return [row for row in rows if row["story_id"] not in without]

    def _of_kinds(self, story_ids: Collection[int], query: Query) -> set[int]:
        """Return those of these stories whose lead entry is of the kinds of *query*."""
        leads = self._db.rows(
            f"""select s.story_id, e.title, e.tags, e.link from stories s join entries e on e.entry_id = s.lead_entry_id
            where s.story_id in (select value from {self._db.dialect.integers("ids")})""",
            {"ids": json.dumps(list(story_ids))},
        )
        fitting = set()
        for lead in leads:
            kinds = entry_kinds(lead["title"], json.loads(lead["tags"]), lead["link"])
            if (not query.kinds or not kinds.isdisjoint(query.kinds)) and kinds.isdisjoint(query.without_kinds):
                fitting.add(lead["story_id"])
        return fitting

    def _of_source(self, query: Query, params: Params) -> str:
        """Return the condition on source and author of an entry `e`, "" for none."""
        parts = []
        if query.sources:
            parts.append(f"e.source_id in {_list('source', query.sources, params)}")
        if query.without_sources:
            parts.append(f"e.source_id not in {_list('notsource', query.without_sources, params)}")
        if query.authors:
            parts.append(f"({' or '.join(self._of_author('author', query.authors, params))})")
        parts += [f"not {condition}" for condition in self._of_author("notauthor", query.without_authors, params)]
        return " and ".join(parts)

    def _of_author(self, name: str, values: Iterable[str], params: Params) -> list[str]:
        named = {f"{name}_{i}": value.casefold() for i, value in enumerate(values)}
        params.update(named)
        return [self._db.dialect.contains("e.author", key) for key in named]

    def _containing(self, terms: Iterable[str], story_ids: list[int]) -> set[int]:
        """Return the stories that contain any of *terms* in any of their entries."""
        members = self._db.rows(
            f"""select entry_id, story_id from memberships
            where story_id in (select value from {self._db.dialect.integers("ids")})""",
            {"ids": json.dumps(story_ids)},
        )
        if not members:
            return set()
        # Put together here: SQLite would look up each entry in the index again, a second for a common word. Candidates
        # are recent, so the range of their entries bounds how much of the index a common word makes it read.
        entry_ids = [row["entry_id"] for row in members]
        holding = self._db.text_index.holding(terms, min(entry_ids), max(entry_ids))
        return {row["story_id"] for row in members if row["entry_id"] in holding}

    def _entries(self, rows: list[Row]) -> dict[int, Entry]:
        by_id = {row["entry_id"]: row["story_id"] for row in rows}
        entry_rows = self._db.rows(
            f"""select {ENTRY} from entries e
            where e.entry_id in (select value from {self._db.dialect.integers("ids")})""",
            {"ids": json.dumps(list(by_id))},
        )
        return {by_id[row["entry_id"]]: entry(row) for row in entry_rows}

    def nearest(self, word: str, most: int = 3) -> list[str]:
        """Return the words of the index that *word* may be a misspelling of, the most likely first.

        Within two edits (one for a word of up to five letters): insertion, deletion, substitution, transposition.
        """
        plain = "".join(words(word))
        if not 3 <= len(plain) <= 30 or not plain.isalnum():
            return []
        reach = 1 if len(plain) <= 5 else 2
        letters = set(plain)
        results: list[tuple[int, int, str]] = []
        # Misspellings are rare in the first letter; a transposition of the first two is considered too.
        for first in dict.fromkeys((plain[0], plain[1])):
            for term, count in self._db.text_index.beginning_with(first, len(plain) - reach, len(plain) + reach):
                # Each edit changes at most two letter counts, which excludes nearly all words at once.
                if len(letters ^ set(term)) > 2 * reach:
                    continue
                away = changes(plain, term, reach)
                if away is not None and term != plain:
                    results.append((away, -count, term))
        return [term for _, _, term in sorted(results)[:most]]


def changes(word: str, other: str, most: int) -> int | None:
    """Return the edit distance of *word* and *other*; None for more than *most*.

    The optimal string alignment distance (Damerau 1964, restricted): no letter is changed twice.
    """
    if abs(len(word) - len(other)) > most:
        return None
    before_last: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(word, start=1):
        row = [i]
        for j, match in enumerate(other, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != match))
            if i > 1 and j > 1 and letter == other[j - 2] and word[i - 2] == match:
                cost = min(cost, before_last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return None
        before_last, last = last, row
    return last[-1] if last[-1] <= most else None


def _of_story(query: Query) -> tuple[list[str], Params]:
    """Return the conditions on a story `s`, and their parameters."""
    conditions = ["s.merged_into is null and s.hidden = 0", *([UNMUTED] if query.listed_only else [])]
    params: Params = {}
    for column, values, negated in (
        ("category_id", query.categories, ""),
        ("category_id", query.without_categories, "not "),
    ):
        if values:
            conditions.append(f"s.{column} {negated}in {_list(f'{negated.strip()}category', values, params)}")
    for condition, name, value, default in (
        ("s.score >= :min_score", "min_score", query.min_score, 0),
        ("s.score <= :max_score", "max_score", query.max_score, 100),
        ("s.independent_sources >= :min_sources", "min_sources", query.min_sources, 0),
    ):
        if value != default:
            conditions.append(condition)
            params[name] = value
    for condition, name, at in (
        ("s.last_source_at >= :after", "after", query.after),
        ("s.first_seen_at < :before", "before", query.before),
    ):
        if at is not None:
            conditions.append(condition)
            params[name] = stamp(at)
    return conditions, params


def _list(name: str, values: Iterable[str], params: Params) -> str:
    named = {f"{name}_{i}": value for i, value in enumerate(values)}
    params.update(named)
    return f"({', '.join(f':{key}' for key in named)})"
