"""The evidence of a story: its coverage, the parts of its score, and the score's history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from flask_babel import gettext

from aggregator.model import NO_REASON, Contribution, Entry, LedgerLine, Membership, Reason, ReasonKind
from aggregator.text.urls import safe_link
from scoring.relevance.features import GROUP
from web.i18n.wording import ago, plural
from web.present.cards import Moment, Presenter
from web.present.charts import percent
from web.present.reasons import language_of


@dataclass(frozen=True, slots=True)
class Bar:
    """One contribution in the chart: it starts where the one before ended. x and width in percent."""

    label: str
    reason: str
    reason_lang: str
    points: str
    x: str
    width: str
    sign: str


@dataclass(frozen=True, slots=True)
class CoverageEntry:
    """One entry of a story's coverage and why it belongs."""

    title: str
    url: str
    lang: str
    source: str
    source_url: str
    at: Moment
    reason: str
    reason_lang: str
    counted_with: str
    """The source it is counted with, if it is a copy or a further report; "" for an independent source."""
    edited: str


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A line of the ledger."""

    at: Moment
    cause: str
    message: str
    lang: str
    before: str
    after: str
    direction: str


def coverage(show: Presenter, members: Sequence[tuple[Entry, Membership]]) -> list[CoverageEntry]:
    """Return the entries of a story in order of arrival, each with the source it is counted with."""
    first_of: dict[str, str] = {}
    rows = []
    for entry, membership in members:
        earlier = first_of.get(membership.voice)
        first_of.setdefault(membership.voice, show.source_name(entry.source_id))
        rows.append(
            CoverageEntry(
                title=entry.title,
                url=safe_link(entry.link),
                lang=show.lang(entry),
                source=show.source_name(entry.source_id),
                source_url=f"/source/{quote(entry.source_id)}",
                at=show.published(entry),
                reason=show.sentence(membership.reason),
                reason_lang=language_of(membership.reason),
                counted_with=str(gettext("counted with %(source)s", source=earlier)) if earlier else "",
                edited=str(gettext("edited %(ago)s", ago=ago(entry.edited_at, show.now))) if entry.edited_at else "",
            )
        )
    return rows


@dataclass(frozen=True, slots=True)
class Discussion:
    """A page where readers discuss the story."""

    source: str
    url: str


def discussions(show: Presenter, members: Sequence[tuple[Entry, Membership]]) -> list[Discussion]:
    """Return the discussion pages of a story, in order of arrival, from its link posts."""
    result: dict[str, Discussion] = {}
    for entry, _ in members:
        url = safe_link(entry.discussion)
        if url:
            result.setdefault(url, Discussion(show.source_name(entry.source_id), url))
    return list(result.values())


def ledger(show: Presenter, lines: Sequence[LedgerLine], limit: int = 30) -> list[LedgerEntry]:
    """Return the changes of a score, latest first."""
    return [
        LedgerEntry(
            at=show.moment(line.at),
            cause=line.cause.value,
            message=show.sentence(line.reason),
            lang=language_of(line.reason),
            before="" if line.score_before is None else str(line.score_before),
            after=str(line.score_after),
            direction=_direction(line.score_before, line.score_after),
        )
        for line in reversed(lines[-limit:])
    ]


def label(name: str) -> str:
    """Return the display name of a contribution; a word is quoted."""
    kind, _, detail = name.partition(":")
    if kind == "word" and detail:
        return f"“{detail}”"
    match kind:
        case "base":
            shown = gettext("Starting point")
        case "words":
            shown = gettext("Words")
        case _:
            shown = gettext(GROUP[kind].label) if kind in GROUP else kind.replace("_", " ").capitalize()
    return f"{shown}: {detail}" if detail else str(shown)


def tenths(parts: Sequence[float], total: int) -> list[int]:
    """Return *parts* in tenths of a point so that they add up to *total* as printed.

    The largest remainders are rounded up first. Parts that do not add up to *total* keep their own sum.
    """
    target = total * 10 if abs(sum(parts) - total) < 0.5 else round(sum(parts) * 10)
    floors = [int(part * 10 // 1) for part in parts]
    missing = target - sum(floors)
    by_remainder = sorted(range(len(parts)), key=lambda i: (floors[i] - parts[i] * 10, i))
    for i in by_remainder[: max(missing, 0)]:
        floors[i] += 1
    return floors


def bars(show: Presenter, contributions: Sequence[Contribution], score: int, limit: int = 12) -> list[Bar]:
    """Return the contributions as a chart in which each starts where the one before ended.

    Beyond *limit* the smallest are added up into one, so that the sum on the page is the score.
    """
    points = dict(enumerate(tenths([c.points for c in contributions], score)))
    shown = sorted(points)
    if len(shown) > limit:
        by_size = sorted(shown, key=lambda i: (contributions[i].name == "base", abs(points[i])), reverse=True)
        shown = sorted(by_size[: limit - 1])
    rows = [(label(contributions[i].name), _shown(contributions[i]), points[i]) for i in shown]
    if rest := [points[i] for i in points if i not in shown]:
        rows.append((plural(len(rest), "smaller part"), NO_REASON, sum(rest)))
    ends = [0]
    for _, _, value in rows:
        ends.append(ends[-1] + value)
    low, high = min(0, *ends), max(1000, *ends)
    scale = 100 / (high - low)
    return [
        Bar(
            label=name,
            reason=show.sentence(reason),
            reason_lang=language_of(reason),
            points=f"{value / 10:+.1f}".replace("-", "−"),
            x=percent((min(start, start + value) - low) * scale),
            width=percent(max(abs(value) * scale, 0.4)),
            sign="minus" if value < 0 else "plus",
        )
        for (name, reason, value), start in zip(rows, ends, strict=False)
    ]


def why(contributions: Sequence[Contribution], score: int, most: int = 3) -> str:
    """Return a score's largest parts in one line: `Coverage +25.4, “chips” +9.1, Velocity +4.0`."""
    points = tenths([part.points for part in contributions], score)
    parts = [(part, value) for part, value in zip(contributions, points, strict=True) if part.name != "base" and value]
    parts.sort(key=lambda pair: -abs(pair[1]))
    return ", ".join(f"{label(part.name)} {value / 10:+.1f}".replace("-", "−") for part, value in parts[:most])


def _shown(contribution: Contribution) -> Reason:
    # "word 'chips'" beneath a bar called “chips” adds nothing.
    kind, _, word = contribution.name.partition(":")
    redundant = contribution.reason.kind == ReasonKind.WORD or contribution.reason.values == (f"{kind} '{word}'",)
    return NO_REASON if redundant else contribution.reason


def _direction(before: int | None, after: int) -> str:
    if before is None or before == after:
        return "same"
    return "up" if after > before else "down"
