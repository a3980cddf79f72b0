"""Key facts, differing figures and the analysis of a story's coverage, as its page words them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask_babel import gettext

from aggregator.model import Entry
from aggregator.store.derived.summaries import Summary
from aggregator.text.urls import safe_link
from scoring.insights.coverage_analysis import Analysis
from scoring.insights.key_facts import Facts
from web.i18n import wording
from web.i18n.wording import number, plural
from web.present.cards import Moment, Presenter


@dataclass(frozen=True, slots=True)
class Attribution:
    """A source and its entry that supports a statement."""

    source: str
    url: str


@dataclass(frozen=True, slots=True)
class KeyFact:
    """A sentence from a source, with everyone who reports the same."""

    text: str
    lang: str
    by: tuple[Attribution, ...]
    weight: str
    """How many independent sources it has, where it has several."""


@dataclass(frozen=True, slots=True)
class DifferingFigure:
    """One of the figures on which sources differ."""

    figure: str
    text: str
    lang: str
    by: tuple[Attribution, ...]


@dataclass(frozen=True, slots=True)
class Addition:
    """What an entry added to a story."""

    text: str
    lang: str
    source: str
    url: str
    at: Moment


@dataclass(frozen=True, slots=True)
class AnalysisView:
    """The analysis of a story's coverage."""

    spread: str
    """Who was first and who followed, in a few sentences; "" if no one followed."""
    copies: str
    additions: tuple[Addition, ...]
    agreed: tuple[tuple[str, str], ...]
    """An amount, and who prints it."""


@dataclass(frozen=True, slots=True)
class GeneratedSummary:
    """A summary written by a language model, as far as it could be verified."""

    text: str
    model: str
    at: Moment
    left_out: str


def key_facts(show: Presenter, facts: Facts) -> tuple[list[KeyFact], list[list[DifferingFigure]]]:
    """Return the key facts, and the amounts on which sources differ."""
    shown = [
        KeyFact(
            text=fact.text,
            lang=show.lang(fact.said_by[0]),
            by=_attributions(show, fact.said_by),
            weight=plural(fact.voices, "independent source") if fact.voices > 1 else "",
        )
        for fact in facts.facts
    ]
    differ = [
        [
            DifferingFigure(
                side.figure,
                side.sentence,
                show.lang(side.said_by[0]),
                _attributions(show, side.said_by),
            )
            for side in difference.sides
        ]
        for difference in facts.differences
    ]
    return shown, differ


def analysis_view(show: Presenter, analysis: Analysis, facts: Facts) -> AnalysisView:
    """Return the analysis as its section shows it."""
    additions = tuple(
        Addition(
            text=addition.sentence,
            lang=show.lang(addition.entry),
            source=show.source_name(addition.entry.source_id),
            url=safe_link(addition.entry.link),
            at=show.moment(addition.entry.first_seen_at),
        )
        for addition in analysis.additions
    )
    agreed = tuple(
        (figure, listing([show.source_name(entry.source_id) for entry in by], 4)) for figure, by in facts.agreed
    )
    return AnalysisView(_spread(show, analysis), _copies(show, analysis), additions, agreed)


def generated_summary(show: Presenter, written: Summary | None) -> GeneratedSummary | None:
    """Return the summary that a model wrote; None if nothing of it could be verified."""
    if written is None or not written.sentences:
        return None
    left_out = plural(written.left_out, "sentence left out", "sentences left out") if written.left_out else ""
    return GeneratedSummary(" ".join(written.sentences), written.model, show.moment(written.at), left_out)


def delay(span: timedelta) -> str:
    """Return a delay to the minute: `40 minutes`, `1 h 40 min`, `2 hours`, `3 days`."""
    minutes = max(round(span.total_seconds() / 60), 0)
    if minutes < 60:
        return plural(max(minutes, 1), "minute")
    if minutes >= 2 * 1440:
        return plural(round(minutes / 1440), "day")
    hours, rest = divmod(minutes, 60)
    if rest and hours < 12:
        return str(gettext("%(hours)s h %(minutes)s min", hours=hours, minutes=rest))
    return plural(round(minutes / 60), "hour")


def listing(names: Sequence[str], most: int = 6) -> str:
    """Return `A`, `A and B`, `A, B and 3 more`."""
    names = list(dict.fromkeys(names))
    if len(names) > most:
        names = [*names[: most - 1], str(gettext("%(n)s more", n=number(len(names) - most + 1)))]
    return wording.listing(names)


def _attributions(show: Presenter, entries: Sequence[Entry]) -> tuple[Attribution, ...]:
    return tuple(Attribution(show.source_name(entry.source_id), safe_link(entry.link)) for entry in entries)


def _spread(show: Presenter, analysis: Analysis) -> str:
    if not analysis.followers:
        return ""
    named = analysis.followers[:3]
    first, at = show.source_name(analysis.first.source_id), show.brief(analysis.first.first_seen_at)
    parts = [
        gettext("%(source)s followed %(delay)s later", source=show.source_name(f.entry.source_id), delay=delay(f.after))
        for f in named[:1]
    ]
    parts += [
        gettext("%(source)s after %(delay)s", source=show.source_name(f.entry.source_id), delay=delay(f.after))
        for f in named[1:]
    ]
    followed = ", ".join(map(str, parts))
    if rest := len(analysis.followers) - len(named):
        last = show.brief(analysis.followers[-1].entry.first_seen_at)
        followed += f"; {gettext('%(sources)s by %(at)s', sources=plural(rest, 'more source'), at=last)}"
    sentences = [gettext("%(source)s was first, %(at)s.", source=first, at=at), f"{followed}."]
    if analysis.half_after is not None:
        sentences.append(
            gettext(
                "Half of the %(n)s independent sources reported it within %(delay)s.",
                n=number(len(analysis.followers) + 1),
                delay=delay(analysis.half_after),
            )
        )
    return " ".join(map(str, sentences))


def _copies(show: Presenter, analysis: Analysis) -> str:
    pairs = [
        (show.source_name(entry.source_id), show.source_name(earlier.source_id)) for entry, earlier in analysis.repeats
    ]
    copies = list(
        dict.fromkeys(
            str(gettext("%(source)s (same independent source as %(other)s)", source=source, other=first))
            for source, first in pairs
            if source != first
        )
    )
    return str(gettext("Not counted as independent: %(sources)s.", sources=listing(copies))) if copies else ""
