"""Turn stored reasons into sentences in the language of the page.

The only place with the wording of reasons, for pages, the API, feeds, agents and `groundswell explain`. Outside of a
request the language is English.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from flask_babel import gettext

from aggregator.model import Reason, ReasonKind
from scoring.ranking import page_order
from scoring.ranking.page_order import PlacePart
from web.i18n.wording import decimal, percent, plural, weekday


def sentence(reason: Reason, source_name: Callable[[str], str] = str) -> str:
    """Return *reason* as a sentence without a full stop; "" for no reason.

    source_name: returns the name of a source, given its ID

    A sentence that an older version stored is returned unchanged; an unknown kind is shown with its values.
    """
    match reason.kind, reason.values:
        case ReasonKind.TEXT, values:
            return " ".join(map(str, values))
        case (ReasonKind.JOINED, (str() as source_id, Reason() as why)):
            return f"{source_name(source_id)}: {sentence(why)}"
        case (ReasonKind.FIRST_REPORTED_BY, (str() as source_id,)):
            return str(gettext("first reported by %(source)s", source=source_name(source_id)))
        case (ReasonKind.REGROUPED, (Reason() as cause, *moves)):
            return f"{sentence(cause)}: {', '.join(sentence(move) for move in moves if isinstance(move, Reason))}"
        case kind, values if make := _STORIES.get(kind) or _SCORES.get(kind):
            try:
                return str(make(*values))
            except (TypeError, ValueError, LookupError):
                pass  # other values than this version knows
    return " ".join([str(reason.kind), *(sentence(v) if isinstance(v, Reason) else str(v) for v in reason.values)])


def language_of(reason: Reason) -> str:
    """Return "en" for a sentence that an older version stored, else "" for the language of the page."""
    return "en" if reason.kind == ReasonKind.TEXT else ""


def _moved(count: int, story: int) -> str:
    return str(gettext("%(entries)s went to story %(story)s", entries=plural(count, "entry", "entries"), story=story))


def _came(count: int, story: int) -> str:
    return str(gettext("%(entries)s came from story %(story)s", entries=plural(count, "entry", "entries"), story=story))


def _undone(kind: str) -> str:
    match kind:
        case "split":
            return str(gettext("an editor undid a split"))
        case "merge":
            return str(gettext("an editor undid a merge"))
        case "move":
            return str(gettext("an editor undid a move"))
        case "category":
            return str(gettext("an editor undid a change of category"))
        case "hide":
            return str(gettext("an editor made it visible again"))
        case _:
            return str(gettext("an editor unpinned it"))


def _title_shape(count: int, question: int) -> str:
    word_count = plural(count, "word")
    if question:
        return str(gettext("a title of %(words)s, and how it is worded, a question", words=word_count))
    return str(gettext("a title of %(words)s, and how it is worded", words=word_count))


# Why entries are together, and what happened to a story
_STORIES: Mapping[str, Callable[..., str]] = {
    ReasonKind.FIRST_REPORT: lambda: gettext("first report"),
    ReasonKind.SAME_LINK: lambda: gettext("same link"),
    ReasonKind.SAME_HEADLINE: lambda: gettext("same headline"),
    ReasonKind.SHARES: lambda *phrases: gettext("shares %(phrases)s", phrases=", ".join(phrases)),
    ReasonKind.CAME_WITH: lambda story, why: gettext(
        "came with story %(story)s: %(reason)s", story=story, reason=sentence(why)
    ),
    ReasonKind.LEFT: lambda story, why: gettext(
        "left story %(story)s when it split: %(reason)s", story=story, reason=sentence(why)
    ),
    ReasonKind.BOTH_MENTION: lambda *phrases: gettext("both mention %(phrases)s", phrases=", ".join(phrases)),
    ReasonKind.HALVES_DIFFER: lambda across, within: gettext(
        "similarity is %(across)s between its halves and %(within)s within them",
        across=f"{across:.2f}",
        within=f"{within:.2f}",
    ),
    ReasonKind.EDITOR_SPLIT: lambda: gettext("an editor's split"),
    ReasonKind.EDITOR_MERGE: lambda: gettext("an editor's merge"),
    ReasonKind.EDITOR_MOVE: lambda: gettext("an editor's move"),
    ReasonKind.EDITOR_CATEGORY: lambda category: gettext("an editor put it into %(category)s", category=category),
    ReasonKind.EDITOR_HIDE: lambda: gettext("an editor hid it"),
    ReasonKind.EDITOR_PIN: lambda: gettext("an editor pinned it"),
    ReasonKind.EDITOR_UNDO: _undone,
    ReasonKind.TOOK_IN: lambda story, why: gettext(
        "absorbed story %(story)s: %(reason)s", story=story, reason=sentence(why)
    ),
    ReasonKind.BECAME_PART_OF: lambda story, why: gettext(
        "became part of story %(story)s: %(reason)s", story=story, reason=sentence(why)
    ),
    ReasonKind.WENT_TO: _moved,
    ReasonKind.CAME_FROM: _came,
    ReasonKind.TEXT_CHANGED: lambda: gettext("its source changed the text"),
    ReasonKind.MODEL: lambda version: gettext("model %(version)s", version=version),
    ReasonKind.EDITORS_VOTED: lambda: gettext("editors voted"),
    ReasonKind.CONFIG_CHANGED: lambda: gettext("feeds.yaml changed"),
}

# Parts of a score, and counterfactuals
_SCORES: Mapping[str, Callable[..., str]] = {
    ReasonKind.BASE: lambda: gettext("the starting point of every story"),
    ReasonKind.WORD: lambda word: gettext("word '%(word)s'", word=word),
    ReasonKind.WORDS: lambda count: plural(count, "word"),
    ReasonKind.OTHER_WORDS: lambda count: plural(count, "other word"),
    ReasonKind.SOURCES: lambda count: plural(count, "independent source"),
    ReasonKind.SOURCES_WITHIN: lambda count, hours: gettext(
        "%(sources)s within %(hours)s h", sources=plural(count, "source"), hours=hours
    ),
    ReasonKind.LINKS_TO: lambda domain: gettext("link to %(domain)s", domain=domain),
    ReasonKind.TITLE_MEANING: lambda: gettext("what the title says, by its meaning"),
    ReasonKind.ADDRESS_WORDS: lambda: gettext("words in the address"),
    ReasonKind.FILED_UNDER: lambda *tags: gettext("filed under %(tags)s", tags=", ".join(tags)),
    ReasonKind.SEEN_AT: lambda time: f"{time} UTC",
    ReasonKind.SEEN_ON_WEEKEND: lambda day, time: gettext(
        "first seen %(day)s %(time)s UTC", day=weekday(day), time=time
    ),
    ReasonKind.TITLE_SHAPE: _title_shape,
    ReasonKind.NEW_SHARE: lambda share: gettext("%(share)s of the title is new", share=percent(share)),
    ReasonKind.SOURCE_PACE: lambda count: gettext(
        "its source published %(entries)s within a day", entries=plural(count, "other entry", "other entries")
    ),
    ReasonKind.OTHERS_REPORT: lambda: gettext("others report on the same things"),
    ReasonKind.OWN_VOTE: lambda: gettext("an editor voted on it"),
    ReasonKind.SIMILAR_VOTES: lambda: gettext("editors voted on similar stories"),
    ReasonKind.WITHOUT: lambda source: gettext("without %(source)s", source=source),
    ReasonKind.ALONE: lambda source: gettext("with %(source)s alone", source=source),
    ReasonKind.TITLE_ALONE: lambda: gettext("by its title alone"),
}


def place_part(part: PlacePart) -> str:
    """Return the number that a part of a position is based on."""
    count = round(part.amount)
    match part.name:
        case "worth":
            return str(gettext("%(share)s likely on an editor's front page, by its text", share=percent(part.amount)))
        case "coverage":
            return plural(count, "independent source")
        case "score":
            return str(gettext("score %(score)s", score=count))
        case "growth":
            sources = plural(count, "independent source")
            return str(gettext("%(sources)s in the last 3 hours", sources=sources))
        case "weight":
            return str(gettext("source weight %(weight)s", weight=decimal(part.amount, 2)))
        case "boost":
            return str(gettext("boosted by a rule"))
        case _:
            if part.amount < 1:
                return str(gettext("last new source within the hour"))
            return str(gettext("last new source %(hours)s h ago", hours=count))


def breaking(sources: int) -> str:
    """Return how many sources a breaking story gained within the hour; "" for a story that is not breaking.

    sources: as `page_order.breaking` counts them
    """
    return str(gettext("%(sources)s in the last hour", sources=plural(sources, "source"))) if sources else ""


def place(parts: Sequence[PlacePart], breaking_sources: int = 0) -> str:
    """Return the reasons for a story's place in one line: what raises it, then what lowers it, the strongest first."""
    urgent = breaking(breaking_sources)
    reasons = page_order.distinctive(parts)
    raised = ", ".join([*filter(None, [urgent]), *(place_part(part) for part in reasons if page_order.raises(part))])
    lowered = ", ".join(place_part(part) for part in reasons if not page_order.raises(part))
    if raised and lowered:
        return str(gettext("%(raised)s, but %(lowered)s", raised=raised, lowered=lowered))
    return raised or lowered
