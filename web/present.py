"""Turn stories into what a page shows: ages, counts, charts, slugs.

Pure: values in, view models out, the moment handed in. Knows wording and drawing.
Leaves choosing the stories to `lists`, and markup to the templates. The one place
where stored HTML becomes markup of a page is `stored_html`.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

from markupsafe import Markup

from aggregator.health import HostLedger, size
from aggregator.health import words as health_words
from aggregator.model import Config, Contribution, Entry, LedgerLine, Listed, Membership, SourceHealth, Story
from aggregator.text import clip, plain, storable
from aggregator.urls import safe_link

WORDS_PER_MINUTE = 230
WORKER_SILENT = timedelta(seconds=60)
"""Without a heartbeat for longer than this the worker counts as not running; it beats every few seconds."""

# Words


def counted(number: int, singular: str, plural: str = "") -> str:
    """Return `1 source`, `9 sources`, `1,204 entries`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def read_time(words: int) -> str:
    """Return `3 min read`: words / 230, rounded up, at least one minute."""
    return f"{max(1, -(-words // WORDS_PER_MINUTE))} min read"


def span_words(span: timedelta) -> str:
    """Return a length of time in its largest whole unit: `90 seconds` is `1 minute`."""
    seconds = max(int(span.total_seconds()), 0)
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            return counted(seconds // length, unit)
    return counted(seconds, "second")


def ago(moment: datetime, now: datetime) -> str:
    """Return `8h ago`; from two weeks on the date, and never the future."""
    seconds = (now - moment).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3_600:
        return f"{int(seconds // 60)} min ago"
    if seconds < 86_400:
        return f"{int(seconds // 3_600)}h ago"
    if seconds < 14 * 86_400:
        return f"{int(seconds // 86_400)}d ago"
    return f"{moment.day} {moment:%b %Y}"


def slug(headline: str, limit: int = 64) -> str:
    """Return *headline* as the last part of an address: words of any script, joined by hyphens."""
    text = unicodedata.normalize("NFKC", headline).casefold()
    kept = "".join(c if c.isalnum() or unicodedata.category(c).startswith("M") else " " for c in text)
    joined = "-".join(kept.split())
    if len(joined) > limit:
        head = joined[:limit]
        joined = head[: head.rfind("-")] if head.rfind("-") > limit // 2 else head
    return joined.strip("-") or "story"


def story_path(story: Story) -> str:
    """Return the address of a story on this site."""
    return f"/story/{story.story_id}/{quote(slug(story.headline))}"


def sources_words(sources: int, independent: int) -> str:
    """Return `9 sources, 6 independent`."""
    if sources <= 1:
        return counted(sources, "source")
    return f"{counted(sources, 'source')}, {'all' if independent >= sources else independent} independent"


_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")


def language_tag(language: str, site_language: str) -> str:
    """Return *language* where it is a tag that differs from the site's, else ""."""
    if not _LANGUAGE.fullmatch(language) or language.partition("-")[0] == site_language.partition("-")[0]:
        return ""
    return language


def stored_html(content: str) -> Markup:
    """Return an entry's stored content as markup: it went through `sanitize.clean` when it was taken in."""
    return Markup(content)


# View models


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as a reader sees it: `8h ago`, the machine's spelling, and in full."""

    ago: str
    iso: str
    full: str


@dataclass(frozen=True, slots=True)
class Link:
    """A headline elsewhere, with who wrote it."""

    url: str
    title: str
    source: str
    lang: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A category as a link."""

    id: str
    name: str

    @property
    def url(self) -> str:
        return f"/category/{quote(self.id)}"


@dataclass(frozen=True, slots=True)
class Score:
    """A score as a badge: a number, a ring filled so far, and a weight of line by band."""

    value: int
    provisional: bool

    @property
    def band(self) -> str:
        return "high" if self.value >= 70 else "mid" if self.value >= 40 else "low"


@dataclass(frozen=True, slots=True)
class Heat:
    """How fast a story grows, as 0 to 3 bars and a word."""

    bars: int
    words: str


# A fresh trend is -ln of the chance of such coverage where the usual is usual (`scoring.trend`): 3.0 is one
# story in twenty, 1.4 one in four, 0.5 hardly out of the ordinary; all of it fades with the half-life.
_HEAT = ((3.0, Heat(3, "surging")), (1.4, Heat(2, "rising")), (0.5, Heat(1, "picking up")))


def heat(trend: float, independent_sources: int) -> Heat:
    """Return how a trend is shown; one source alone is no movement, however quiet the hour."""
    if independent_sources < 2:
        return Heat(0, "")
    return next((shown for bound, shown in _HEAT if trend >= bound), Heat(0, ""))


@dataclass(frozen=True, slots=True)
class Card:
    """A story as a list shows it."""

    story_id: int
    url: str
    headline: str
    lang: str
    standfirst: str
    section: Section | None
    score: Score
    heat: Heat
    sources: str
    via: str
    """The source that had it first, and through which it came here."""
    via_name: str
    source: str
    """Whose headline it has."""
    at: Moment
    read: str
    views: str
    related: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """One contribution in the chart: it starts where the one before ended. x and width in percent."""

    label: str
    reason: str
    points: str
    x: str
    width: str
    sign: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of a chart, in percent."""

    x: str
    y: str
    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Something that grows over time, with the words for whoever cannot see it."""

    words: str
    dots: tuple[Dot, ...]
    line: str
    """An SVG path in a square of 100: steps, level and then up."""
    area: str
    start: str
    end: str
    top: str


@dataclass(frozen=True, slots=True)
class Covered:
    """One entry of a story's coverage and why it belongs."""

    title: str
    url: str
    lang: str
    source: str
    source_url: str
    at: Moment
    reason: str
    voice: str
    """Who it speaks for, where that is not new; "" for an independent voice."""
    edited: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A line of the ledger."""

    at: Moment
    cause: str
    words: str
    before: str
    after: str
    direction: str


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A line of the sources page."""

    id: str
    name: str
    category: str
    status: str
    """ok, waiting, failing, gone, paused or removed."""
    outcome: str
    kind: str
    http_status: str
    failures: int
    polled: Moment | None
    next_poll: str
    entries: int
    recent: int
    firsts: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HostRow:
    """A line of the ledger of hosts."""

    host: str
    sources: str
    requests: str
    unchanged: str
    received: str
    spared: str
    waits: str


def host_row(ledger: HostLedger) -> HostRow:
    """Return what asking a host came to, in words."""
    waited = f", {span_words(ledger.waited)} in all" if ledger.waited else ""
    return HostRow(
        host=ledger.host,
        sources=f"{ledger.sources:,}",
        requests=f"{ledger.requests:,}",
        unchanged=f"{100 * ledger.unchanged_share:.0f} %",
        received=size(ledger.bytes),
        spared=size(ledger.saved_bytes),
        waits=f"{ledger.waits_kept:,}{waited}",
    )


class Presenter:
    """What every view model of one answer has in common: configuration, names, the moment."""

    def __init__(self, config: Config, names: Mapping[str, str], now: datetime) -> None:
        self.now = now
        self.names = {**names, **{source.id: source.name for source in config.sources}}
        self.sections = {category.id: Section(category.id, category.name) for category in config.categories}
        self._language = config.site.language
        try:
            self._zone: ZoneInfo | None = ZoneInfo(config.site.timezone)
        except (KeyError, ValueError, OSError):
            self._zone = None

    def local(self, moment: datetime) -> datetime:
        """Return *moment* in the site's time zone."""
        return moment.astimezone(self._zone or UTC)

    def full(self, moment: datetime) -> str:
        """Return `23 Nov 2026, 17:38 UTC`."""
        local = self.local(moment)
        return f"{local.day} {local:%b %Y, %H:%M} {local.tzname()}"

    def brief(self, moment: datetime) -> str:
        """Return `Mon 17:38`, with the date where the day of the week could be another week's."""
        local = self.local(moment)
        if self.now - moment < timedelta(days=6):
            return f"{local:%a %H:%M}"
        return f"{local.day} {local:%b, %H:%M}"

    def moment(self, moment: datetime) -> Moment:
        """Return *moment* for a `<time>`."""
        return Moment(ago(moment, self.now), moment.strftime("%Y-%m-%dT%H:%M:%SZ"), self.full(moment))

    def source_name(self, source_id: str) -> str:
        """Return what a source calls itself."""
        return self.names.get(source_id, source_id)

    def section(self, category_id: str) -> Section | None:
        """Return the category, also one that left the configuration; None for no category."""
        if not category_id:
            return None
        return self.sections.get(category_id) or Section(category_id, category_id.replace("-", " ").capitalize())

    def card(self, listed: Listed, related: Sequence[Entry] = ()) -> Card:
        """Return a story as a list shows it."""
        story, lead = listed.story, listed.lead
        return Card(
            story_id=story.story_id,
            url=story_path(story),
            headline=story.headline,
            lang=language_tag(lead.language, self._language),
            standfirst=standfirst(story),
            section=self.section(story.category_id),
            score=Score(story.score, story.provisional),
            heat=heat(story.trend, story.independent_sources),
            sources=sources_words(story.sources, story.independent_sources),
            via=listed.first_source_id,
            via_name=self.source_name(listed.first_source_id),
            source=self.source_name(lead.source_id),
            at=self.moment(story.first_seen_at),
            read=read_time(lead.words),
            views=counted(listed.views, "view") if listed.views else "",
            related=tuple(self.link(entry) for entry in related),
        )

    def link(self, entry: Entry) -> Link:
        """Return an entry as a link to its source."""
        lang = language_tag(entry.language, self._language)
        return Link(safe_link(entry.link), entry.title, self.source_name(entry.source_id), lang)

    def coverage(self, members: Sequence[tuple[Entry, Membership]]) -> list[Covered]:
        """Return who told the story, in order of arrival; a voice that spoke before is named."""
        heard: dict[str, str] = {}
        rows = []
        for entry, membership in members:
            earlier = heard.get(membership.voice)
            heard.setdefault(membership.voice, self.source_name(entry.source_id))
            rows.append(
                Covered(
                    title=entry.title,
                    url=safe_link(entry.link),
                    lang=language_tag(entry.language, self._language),
                    source=self.source_name(entry.source_id),
                    source_url=f"/source/{quote(entry.source_id)}",
                    at=self.moment(entry.first_seen_at),
                    reason=membership.reason,
                    voice=f"same voice as {earlier}" if earlier else "",
                    edited=f"edited {ago(entry.edited_at, self.now)}" if entry.edited_at else "",
                )
            )
        return rows

    def coverage_chart(self, members: Sequence[tuple[Entry, Membership]]) -> Chart | None:
        """Draw how many independent voices told the story by when; None where nothing grew."""
        points: list[tuple[datetime, int, str, str]] = []
        heard: set[str] = set()
        for entry, membership in members:
            new = membership.voice not in heard
            heard.add(membership.voice)
            name = self.source_name(entry.source_id)
            points.append((entry.first_seen_at, len(heard), "new" if new else "copy", name))
        if len(points) < 2 or points[0][0] == points[-1][0]:
            return None
        first, last = points[0][0], points[-1][0]
        words = (
            f"{counted(len(points), 'entry', 'entries')} in {span_words(last - first)}; "
            f"{counted(len(heard), 'independent source')}. {points[0][3]} was first, {self.brief(first)}."
        )
        return self._chart(words, points, max(len(heard), 2), counted(len(heard), "independent source"))

    def score_chart(self, ledger: Sequence[LedgerLine]) -> Chart | None:
        """Draw the score over time; None where it never changed."""
        points = [(line.at, line.score_after, "score", f"{line.score_after}: {line.words}") for line in ledger]
        values = [value for _, value, _, _ in points]
        if len(set(values)) < 2 or points[0][0] == points[-1][0]:
            return None
        words = (
            f"The score began at {values[0]}, was between {min(values)} and {max(values)}, and is {values[-1]} "
            f"after {counted(len(points), 'entry', 'entries')} in the ledger."
        )
        return self._chart(words, points, 100, "100")

    def _chart(self, words: str, points: Sequence[tuple[datetime, int, str, str]], top: int, label: str) -> Chart:
        first, last = points[0][0], points[-1][0]
        length = (last - first).total_seconds()
        placed = [
            (2 + 96 * (at - first).total_seconds() / length, 92 - 84 * value / top, kind, f"{name}, {self.full(at)}")
            for at, value, kind, name in points
        ]
        line = f"M{placed[0][0]:.2f} {placed[0][1]:.2f}" + "".join(f"H{x:.2f}V{y:.2f}" for x, y, _, _ in placed[1:])
        area = f"{line}V96H{placed[0][0]:.2f}Z"
        dots = tuple(Dot(_percent(x), _percent(y), kind, name) for x, y, kind, name in placed)
        return Chart(words, dots, line, area, self.brief(first), self.brief(last), label)

    def ledger(self, lines: Sequence[LedgerLine], limit: int = 30) -> list[Turn]:
        """Return how the score came about, the latest change first."""
        return [
            Turn(
                at=self.moment(line.at),
                cause=line.cause.value,
                words=line.words,
                before="" if line.score_before is None else str(line.score_before),
                after=str(line.score_after),
                direction=_direction(line.score_before, line.score_after),
            )
            for line in reversed(lines[-limit:])
        ]

    def source_row(self, health: SourceHealth) -> SourceRow:
        """Return a line of the sources page."""
        source, state = health.source, health.state
        status = source_status(health)
        if status in ("paused", "removed", "gone"):
            next_poll = "never"
        elif state.next_poll_at is None or state.next_poll_at <= self.now:
            next_poll = "due"
        else:
            next_poll = f"in {span_words(state.next_poll_at - self.now)}"
        section = self.section(source.category)
        return SourceRow(
            id=source.id,
            name=source.name,
            category=section.name if section else "",
            status=status,
            outcome=clip(storable(state.last_words), 300) or _OUTCOME[status],
            kind=state.last_kind,
            http_status="" if state.last_status is None else str(state.last_status),
            failures=state.failures,
            polled=self.moment(state.last_polled_at) if state.last_polled_at else None,
            next_poll=next_poll,
            entries=health.entries,
            recent=health.recent_entries,
            firsts=health.firsts,
            notes=(*health.notes, *health_words(health, self.now)),
        )


_OUTCOME = {
    "ok": "answers",
    "waiting": "not asked yet",
    "failing": "failed",
    "gone": "gone",
    "paused": "paused in feeds.yaml",
    "removed": "no longer in feeds.yaml",
}


def source_status(health: SourceHealth) -> str:
    """Return in which state a source is: removed, paused, gone, waiting, failing or ok."""
    if health.removed:
        return "removed"
    if not health.source.enabled:
        return "paused"
    if health.state.gone:
        return "gone"
    if health.state.last_polled_at is None:
        return "waiting"
    return "failing" if health.state.failures else "ok"


def why_failing(rows: Sequence[SourceRow]) -> str:
    """Return what most failing sources say, in their words, or ""."""
    said = Counter(row.outcome for row in rows if row.status == "failing")
    return said.most_common(1)[0][0] if said else ""


def standfirst(story: Story, limit: int = 320) -> str:
    """Return the summary as a lead paragraph, unless it only repeats the headline."""
    summary = clip(plain(story.summary) if "<" in story.summary else story.summary, limit)
    return "" if slug(summary, 200) == slug(story.headline, 200) else summary


def body_html(entry: Entry, standfirst: str) -> Markup:
    """Return the content of an entry, or nothing where it says no more than the standfirst."""
    if not entry.content:
        return Markup()
    if len(plain(entry.content)) <= len(standfirst) * 1.2:
        return Markup()
    return stored_html(entry.content)


# The explanation of a score

_LABELS = {
    "base": "Starting point",
    "words": "Words",
    "coverage": "Coverage",
    "velocity": "Velocity",
    "source": "Source record",
}


def label(name: str) -> str:
    """Return what a contribution is called; a word is quoted."""
    kind, _, detail = name.partition(":")
    if detail:
        return f"“{detail}”" if kind == "word" else f"{_LABELS.get(kind, kind.capitalize())}: {detail}"
    return _LABELS.get(name, name.replace("_", " ").capitalize())


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


def bars(contributions: Sequence[Contribution], score: int, limit: int = 12) -> list[Bar]:
    """Return the contributions as a chart in which each starts where the one before ended.

    Beyond *limit* the smallest are added up into one, so that the sum on the page is the score.
    """
    points = dict(enumerate(tenths([c.points for c in contributions], score)))
    kept = sorted(points)
    if len(kept) > limit:
        by_size = sorted(kept, key=lambda i: (contributions[i].name == "base", abs(points[i])), reverse=True)
        kept = sorted(by_size[: limit - 1])
    rows = [(label(contributions[i].name), _reason(contributions[i]), points[i]) for i in kept]
    if rest := [points[i] for i in points if i not in kept]:
        rows.append((counted(len(rest), "smaller part"), "", sum(rest)))
    ends = [0]
    for _, _, value in rows:
        ends.append(ends[-1] + value)
    low, high = min(0, *ends), max(1000, *ends)
    scale = 100 / (high - low)
    return [
        Bar(
            label=name,
            reason=reason,
            points=f"{value / 10:+.1f}".replace("-", "−"),
            x=_percent((min(start, start + value) - low) * scale),
            width=_percent(max(abs(value) * scale, 0.4)),
            sign="minus" if value < 0 else "plus",
        )
        for (name, reason, value), start in zip(rows, ends, strict=False)
    ]


def _reason(contribution: Contribution) -> str:
    # "word 'chips'" under a bar that is called “chips” says nothing more.
    kind, _, word = contribution.name.partition(":")
    return "" if contribution.reason == f"{kind} '{word}'" else contribution.reason


def _percent(value: float) -> str:
    return f"{value:.2f}%"


def _direction(before: int | None, after: int) -> str:
    if before is None or before == after:
        return "same"
    return "up" if after > before else "down"
