"""Read what a person typed into the search field: words, phrases, exclusions and operators.

Pure and forgiving: whatever is typed means something, and what was not taken as an operator is looked
for as words, with a note. Knows the language of a search. Leaves finding to `store.search`.

    trainium "data center" -layoffs source:seedbed category:big-tech score:>80 sources:>2 after:7d before:2026-11-20
    author:"Ada Lovelace" -kind:deals
    layoffs unless score:>85                                     a rule: a search and what is excepted from it
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from aggregator.text.markup import storable
from aggregator.text.search_words import Wanted, wanted
from aggregator.text.title_kinds import KINDS, kind_named
from aggregator.text.tokens import UNSPACED, words
from aggregator.translatable import Translatable

MAX_TERMS = 12
MAX_NAMES = 8
"""Of sources, categories, authors or kinds in one search."""

_NAMED = ("source", "category", "author", "kind")

# Keyboards and word processors turn a hyphen into a minus sign or a dash.
_PART = re.compile(
    r'(?P<minus>-|[\u2212\u2013](?=["\w])|)(?P<operator>[A-Za-z]+:)?(?:"(?P<quoted>[^"]*)"?|(?P<bare>[^\s"]+))'
)
_SCORE = re.compile(r"(?P<sign>>=|<=|>|<|=|)(?P<number>\d{1,3})|(?P<least>\d{1,3})\.\.(?P<most>\d{1,3})")
_SOURCES = re.compile(r"(?P<sign>>=|>|=|)(?P<number>\d{1,3})")
_SPAN = re.compile(r"(\d{1,4})(h|d|w)")
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query. A story matches when one of its entries has all the words and is of a requested source."""

    terms: tuple[str, ...] = ()
    """Words and phrases that must all occur in one entry."""
    without: tuple[str, ...] = ()
    """Words and phrases that no entry of the story may contain."""
    sources: tuple[str, ...] = ()
    """Ids, one of which published the entry; none: any."""
    without_sources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    without_categories: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    """Parts of names, one of which is in the entry's author, in any case; none: any."""
    without_authors: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    """Of `title_kinds.KINDS`, one of which the story's lead entry is of; none: any."""
    without_kinds: tuple[str, ...] = ()
    min_score: int = 0
    max_score: int = 100
    min_sources: int = 0
    """Independent ones."""
    after: datetime | None = None
    """Only stories with news of an independent voice at or after this moment."""
    before: datetime | None = None
    """Only stories first seen before this moment."""
    listed_only: bool = False
    """Without the stories that a rule mutes. Nothing that can be typed sets it."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What was not taken as it was typed, for the reader."""

    @property
    def empty(self) -> bool:
        """Whether the query has no condition."""
        return self == Query()


def read(text: str, now: datetime) -> Query:
    """Parse a search; `after:7d` counts from *now*. Never raises."""
    reading = _Reading(now)
    parts = list(_PART.finditer(storable(text)))
    for place, part in enumerate(parts):
        # All words must occur anyway; elsewhere, it may be the word.
        if part[0] == "AND" and 0 < place < len(parts) - 1:
            continue
        reading.take(part)
    return reading.query()


def read_rule(text: str, now: datetime) -> tuple[Query, Query | None]:
    """Return the search of a rule, and the one behind `unless` that excepts stories from it, if any. Never raises."""
    for part in _PART.finditer(storable(text)):
        if part["bare"] and part[0].lower() == "unless":
            return read(text[: part.start()], now), read(text[part.end() :], now)
    return read(text, now), None


class _Reading:
    """What was read so far."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._terms: list[str] = []
        self._without: list[str] = []
        self._names: dict[str, list[str]] = {f"{sign}{name}": [] for name in _NAMED for sign in ("", "-")}
        self._bounds: dict[str, int] = {}
        self._moments: dict[str, datetime] = {}
        self._notes: list[str] = []

    def take(self, part: re.Match[str]) -> None:
        operator = (part["operator"] or "").removesuffix(":").lower()
        quoted = part["quoted"] is not None
        value = (part["quoted"] if quoted else part["bare"]) or ""
        if operator and not self._operator(operator, value.strip(), bool(part["minus"])):
            # "Re:Invent" and "score:high" are words.
            value = f"{operator}:{value}" if not quoted else value
        elif operator:
            return
        if not any(character.isalnum() for character in value):
            return
        (self._without if part["minus"] else self._terms).append(" ".join(value.split()))

    def _operator(self, name: str, value: str, minus: bool) -> bool:
        """Take an operator; return whether it was one that can be understood."""
        if name == "kind":
            kind = kind_named(value)
            if not kind:
                self._notes.append(Translatable("kind: takes one of %(kinds)s", kinds=", ".join(KINDS)))
                return False
            value = kind
        if name in _NAMED:
            if value:
                self._names[f"-{name}" if minus else name].append(value.lower())
            return bool(value)
        if name == "score" and not minus:
            return self._score(value)
        if name == "sources" and not minus:
            return self._sources(value)
        if name in ("after", "before") and not minus:
            at = moment(value, self._now)
            if at is None:
                self._notes.append(
                    Translatable("%(name)s: takes a date (2026-11-20, 2026-11) or a span (24h, 7d, 2w)", name=name)
                )
            else:
                self._moments[name] = at
            return at is not None
        return False

    def _sources(self, value: str) -> bool:
        bound = _SOURCES.fullmatch(value.replace(" ", ""))
        if bound is None:
            self._notes.append(Translatable("sources: takes a number of independent sources, as in sources:>2"))
            return False
        self._bounds["min_sources"] = int(bound["number"]) + (bound["sign"] == ">")
        return True

    def _score(self, value: str) -> bool:
        match = _SCORE.fullmatch(value.replace(" ", ""))
        if match is None:
            self._notes.append(Translatable("score: takes a number, as in score:>80, score:<30 or score:60..80"))
            return False
        if match["least"]:
            self._bounds |= {"min_score": int(match["least"]), "max_score": int(match["most"])}
        elif match["sign"] in ("<", "<="):
            self._bounds["max_score"] = int(match["number"]) - (match["sign"] == "<")
        else:
            self._bounds["min_score"] = int(match["number"]) + (match["sign"] == ">")
            if match["sign"] == "=":
                self._bounds["max_score"] = int(match["number"])
        return True

    def query(self) -> Query:
        if len(self._terms) + len(self._without) > MAX_TERMS:
            self._notes.append(Translatable("only the first %(n)s words and phrases were looked for", n=MAX_TERMS))
        terms = tuple(dict.fromkeys(self._terms))[:MAX_TERMS]
        names = {name: tuple(dict.fromkeys(values))[:MAX_NAMES] for name, values in self._names.items()}
        return Query(
            terms=terms,
            without=tuple(dict.fromkeys(self._without))[: MAX_TERMS - len(terms)],
            sources=names["source"],
            without_sources=names["-source"],
            categories=names["category"],
            without_categories=names["-category"],
            authors=names["author"],
            without_authors=names["-author"],
            kinds=names["kind"],
            without_kinds=names["-kind"],
            min_score=self._bounds.get("min_score", 0),
            max_score=min(self._bounds.get("max_score", 100), 100),
            min_sources=self._bounds.get("min_sources", 0),
            after=self._moments.get("after"),
            before=self._moments.get("before"),
            notes=tuple(dict.fromkeys(self._notes)),
        )


def moment(text: str, now: datetime) -> datetime | None:
    """Return the beginning of a date (UTC), or the moment a span ago; None for anything else."""
    if span := _SPAN.fullmatch(text):
        return now - int(span[1]) * _UNITS[span[2]]
    if date := _DATE.fullmatch(text):
        try:
            return datetime(int(date[1]), int(date[2] or 1), int(date[3] or 1), tzinfo=UTC)
        except ValueError:
            return None
    return None


def resolved(query: Query, sources: Mapping[str, str], categories: Mapping[str, str]) -> Query:
    """Return *query* with the names of sources and categories turned into ids, and a note for each unknown one.

    sources, categories: name by id. An id counts before a name, all of either before the beginning of one.
    """
    notes = list(query.notes)

    def ids(names: tuple[str, ...], name_by_id: Mapping[str, str], unknown: Callable[[str], str]) -> tuple[str, ...]:
        results: list[str] = []
        for name in names:
            matching = list(_named(name, name_by_id))
            if not matching:
                notes.append(unknown(name))
            results += matching or [name]
        return tuple(dict.fromkeys(results))

    return replace(
        query,
        sources=ids(query.sources, sources, _no_source),
        without_sources=ids(query.without_sources, sources, _no_source),
        categories=ids(query.categories, categories, _no_category),
        without_categories=ids(query.without_categories, categories, _no_category),
        notes=tuple(dict.fromkeys(notes)),
    )


def _no_source(name: str) -> str:
    return Translatable("no source is called %(name)s", name=repr(name))


def _no_category(name: str) -> str:
    return Translatable("no category is called %(name)s", name=repr(name))


def _named(text: str, name_by_id: Mapping[str, str]) -> Iterable[str]:
    for fits in (str.__eq__, str.startswith):
        for spelling in ("id", "name"):
            results = [
                id_ for id_, name in name_by_id.items() if fits((id_ if spelling == "id" else name).lower(), text)
            ]
            if results:
                return results
    return []


# Highlights

_WORD_PART = re.compile(r"[^\W_]+(?:[.'’&+#%][^\W_]+)*[+#%]*")


def highlighted(text: str, query: Query) -> tuple[tuple[str, bool], ...]:
    """Return *text* in parts, each with whether it was looked for; the parts joined are *text*."""
    terms = [wanted_term for term in query.terms if (wanted_term := wanted(term))]
    if not terms:
        return ((text, False),)
    places = _places(text)
    marks = [span for wanted_term in terms for span in _spans(places, wanted_term)]
    parts: list[tuple[str, bool]] = []
    at = 0
    for start, end in sorted(marks):
        if end <= at:
            continue
        start = max(start, at)
        if text[at:start]:
            parts.append((text[at:start], False))
        if parts and parts[-1][1]:
            parts[-1] = (parts[-1][0] + text[start:end], True)
        else:
            parts.append((text[start:end], True))
        at = end
    if text[at:] or not parts:
        parts.append((text[at:], False))
    return tuple(parts)


def _places(text: str) -> list[tuple[str, int, int]]:
    """Return the words of *text*, each with where it begins and ends there."""
    places: list[tuple[str, int, int]] = []
    for run in re.finditer(f"{UNSPACED.pattern}|[^\\s\u2013\u2014]+?(?=\\s|[\u2013\u2014]|{UNSPACED.pattern}|$)", text):
        at, piece = run.start(), run[0]
        if run[1]:
            places += [(piece[i : i + 2], at + i, at + i + 2) for i in range(max(len(piece) - 1, 1))]
            continue
        tokens = words(piece)
        if len(tokens) == 1:
            trimmed = piece.strip("\"'()[]{}.,;:!?«»„“”‘’…·*_")
            places.append((tokens[0], at + piece.find(trimmed), at + piece.find(trimmed) + len(trimmed)))
            continue
        for part in _WORD_PART.finditer(piece):
            places += [(word, at + part.start(), at + part.end()) for word in words(part[0])]
    return places


def _spans(places: list[tuple[str, int, int]], wanted_term: Wanted) -> list[tuple[int, int]]:
    """Return the spans of a text that match."""
    length = len(wanted_term.phrase)
    return [
        (places[at][1], places[at + length - 1][2])
        for at in range(len(places) - length + 1)
        if all(wanted_term.fits(offset, places[at + offset][0]) for offset in range(length))
    ]


def spelled(query: Query) -> str:
    """Return *query* as it can be typed; reading it gives an equal one but for spans, which became dates."""

    def word(text: str) -> str:
        needs_quotes = " " in text or text.startswith(("-", "\u2212", "\u2013")) or ":" in text or text == "AND"
        return f'"{text}"' if needs_quotes else text

    parts = [word(term) for term in query.terms]
    parts += [f"-{word(term)}" for term in query.without]
    for name, values in (
        ("source", query.sources),
        ("-source", query.without_sources),
        ("category", query.categories),
        ("-category", query.without_categories),
        ("author", query.authors),
        ("-author", query.without_authors),
        ("kind", query.kinds),
        ("-kind", query.without_kinds),
    ):
        parts += [f"{name}:{word(value)}" for value in values]
    if query.min_score:
        parts.append(f"score:>={query.min_score}")
    if query.max_score < 100:
        parts.append(f"score:<={query.max_score}")
    if query.min_sources:
        parts.append(f"sources:>={query.min_sources}")
    parts += [f"{name}:{at:%Y-%m-%d}" for name, at in (("after", query.after), ("before", query.before)) if at]
    return " ".join(parts)
