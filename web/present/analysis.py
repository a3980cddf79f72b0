"""How a story was told, in words: its key facts with who says them, who was first, what is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from aggregator.model import Entry
from aggregator.store.derived.summaries import Summary
from aggregator.text.urls import safe_link
from scoring.insights.coverage_analysis import Analysis
from scoring.insights.key_facts import Facts
from web.present.cards import Moment, Presenter
from web.present.formatting import counted, language_tag


@dataclass(frozen=True, slots=True)
class Said:
    """Who says something: a source, with the entry that says it."""

    source: str
    url: str


@dataclass(frozen=True, slots=True)
class Key:
    """A key fact."""

    text: str
    lang: str
    by: tuple[Said, ...]
    weight: str
    """How many independent sources it has, where it has several."""


@dataclass(frozen=True, slots=True)
class Versus:
    """One of the answers that sources give differently."""

    figure: str
    text: str
    lang: str
    by: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class New:
    """What an entry brought that was new."""

    text: str
    lang: str
    source: str
    url: str
    at: Moment


@dataclass(frozen=True, slots=True)
class Told:
    """The analysis of a story."""

    spread: str
    """Who was first and who followed, in a few sentences; "" where nobody followed."""
    repeats: str
    new: tuple[New, ...]
    agreed: tuple[tuple[str, str], ...]
    """An amount, and who prints it."""


@dataclass(frozen=True, slots=True)
class Prose:
    """What a model wrote, as far as it held."""

    text: str
    model: str
    at: Moment
    left_out: str


def keys(show: Presenter, facts: Facts) -> tuple[list[Key], list[list[Versus]]]:
    """Return the key facts, and the amounts on which sources differ."""
    told = [
        Key(
            text=fact.text,
            lang=language_tag(fact.said_by[0].language, show.language),
            by=_said(show, fact.said_by),
            weight=f"{fact.voices} independent sources" if fact.voices > 1 else "",
        )
        for fact in facts.facts
    ]
    differ = [
        [
            Versus(
                side.figure,
                side.sentence,
                language_tag(side.said_by[0].language, show.language),
                _said(show, side.said_by),
            )
            for side in difference.sides
        ]
        for difference in facts.differences
    ]
    return told, differ


def told(show: Presenter, analysis: Analysis, facts: Facts) -> Told:
    """Return the analysis in words."""
    new = tuple(
        New(
            text=addition.sentence,
            lang=language_tag(addition.entry.language, show.language),
            source=show.source_name(addition.entry.source_id),
            url=safe_link(addition.entry.link),
            at=show.moment(addition.entry.first_seen_at),
        )
        for addition in analysis.additions
    )
    agreed = tuple(
        (figure, listing([show.source_name(entry.source_id) for entry in by], 4)) for figure, by in facts.agreed
    )
    return Told(_spread(show, analysis), _repeats(show, analysis), new, agreed)


def prose(show: Presenter, written: Summary | None) -> Prose | None:
    """Return what a model wrote, labelled; None where there is nothing that held."""
    if written is None or not written.sentences:
        return None
    left_out = f"{counted(written.left_out, 'sentence')} left out" if written.left_out else ""
    return Prose(" ".join(written.sentences), written.model, show.moment(written.at), left_out)


def lag(span: timedelta) -> str:
    """Return a delay to the minute: `40 minutes`, `1 h 40 min`, `2 hours`, `3 days`."""
    minutes = max(round(span.total_seconds() / 60), 0)
    if minutes < 60:
        return counted(max(minutes, 1), "minute")
    if minutes >= 2 * 1440:
        return counted(round(minutes / 1440), "day")
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest and hours < 12 else counted(round(minutes / 60), "hour")


def listing(names: Sequence[str], most: int = 6) -> str:
    """Return `A`, `A and B`, `A, B and 3 more`."""
    names = list(dict.fromkeys(names))
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def _said(show: Presenter, entries: Sequence[Entry]) -> tuple[Said, ...]:
    return tuple(Said(show.source_name(entry.source_id), safe_link(entry.link)) for entry in entries)


def _spread(show: Presenter, analysis: Analysis) -> str:
    first = f"{show.source_name(analysis.first.source_id)} was first, {show.brief(analysis.first.first_seen_at)}."
    if not analysis.followers:
        return ""
    named = analysis.followers[:3]
    parts = [f"{show.source_name(f.entry.source_id)} followed {lag(f.after)} later" for f in named[:1]]
    parts += [f"{show.source_name(f.entry.source_id)} after {lag(f.after)}" for f in named[1:]]
    rest = len(analysis.followers) - len(named)
    more = f"; {counted(rest, 'more source')} by {show.brief(analysis.followers[-1].entry.first_seen_at)}"
    words = f"{first} {', '.join(parts)}{more if rest else ''}."
    if analysis.half_after is not None:
        words += (
            f" Half of the {len(analysis.followers) + 1} independent sources had it within {lag(analysis.half_after)}."
        )
    return words


def _repeats(show: Presenter, analysis: Analysis) -> str:
    pairs = [
        (show.source_name(entry.source_id), show.source_name(earlier.source_id)) for entry, earlier in analysis.repeats
    ]
    other = list(dict.fromkeys(f"{source} (the voice of {first})" for source, first in pairs if source != first))
    return f"Not counted as independent: {listing(other)}." if other else ""
