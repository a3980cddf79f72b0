"""A story as a list shows it, and what every view model of one answer has in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

from aggregator.model import Config, Entry, Listed, Source
from aggregator.store.derived.front_pages import ListedThen
from aggregator.text.tokens import clip, plain
from aggregator.text.urls import safe_link
from scoring.ranking import page_order
from web.present.formatting import ago, counted, language_tag, read_time, slug, sources_words, standfirst, story_path


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


# The trend is how many further independent sources the next six hours bring (`scoring.ranking.trend`). Where a story
# usually gets 1.3 sources, two that just joined give .26, three .39, five .65, eight 1.
_HEAT = ((0.6, Heat(3, "surging")), (0.35, Heat(2, "rising")), (0.2, Heat(1, "picking up")))


def heat(trend: float, independent_sources: int, urgent: str = "") -> Heat:
    """Return how a trend is shown; one source alone is no movement, however quiet the hour.

    urgent: "4 sources in the last hour" for a story that is breaking
    """
    if independent_sources < 2:
        return Heat(0, "")
    if urgent:
        return Heat(3, urgent)
    return next((shown for bound, shown in _HEAT if trend >= bound), Heat(0, ""))


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture of an entry, through our own proxy."""

    src: str
    alt: str
    caption: str
    credit: str


SWELL_SPAN = timedelta(hours=24)
SWELL_WIDTH, SWELL_HEIGHT = 48, 16
SWELL_VOICES = 8
"""Voices that fill a swell to its top, so that swells can be held against each other; more grow with the story."""


def swell(voices: Sequence[datetime], now: datetime) -> str:
    """Draw how many independent voices told a story by when, over the last day, as an SVG path; "" below two."""
    if len(voices) < 2:
        return ""
    top = max(SWELL_VOICES, len(voices))
    begin = now - SWELL_SPAN
    path = ""
    for count, at in enumerate(sorted(voices), start=1):
        x = min(max((at - begin) / SWELL_SPAN, 0.0), 1.0) * SWELL_WIDTH
        y = SWELL_HEIGHT - round(SWELL_HEIGHT * count / top, 1)
        path += f"H{x:.1f}V{y:g}" if path else f"M{x:.1f} {SWELL_HEIGHT}V{y:g}"
    return f"{path}H{SWELL_WIDTH}V{SWELL_HEIGHT}Z"


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
    swell: str = ""
    """An SVG path in a box of 48 by 16: how its independent voices came over the last day."""
    shot: Shot | None = None


_indexed: tuple[Config, Mapping[str, Source]] | None = None


def _by_id(config: Config) -> Mapping[str, Source]:
    """Return the sources of *config* by id; of the last one asked for it is known, since every page asks."""
    global _indexed
    known = _indexed
    if known is None or known[0] is not config:
        known = _indexed = (config, {source.id: source for source in config.sources})
    return known[1]


class Presenter:
    """What every view model of one answer has in common: configuration, names, the moment."""

    def __init__(self, config: Config, names: Mapping[str, str], now: datetime) -> None:
        self.now = now
        self._names = names
        self.sections = {category.id: Section(category.id, category.name) for category in config.categories}
        self.language = config.site.language
        self._sources = _by_id(config)
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
        source = self._sources.get(source_id)
        return source.name if source else self._names.get(source_id, source_id)

    def section(self, category_id: str) -> Section | None:
        """Return the category, also one that left the configuration; None for no category."""
        if not category_id:
            return None
        return self.sections.get(category_id) or Section(category_id, category_id.replace("-", " ").capitalize())

    def shot(self, entry: Entry, alt: str = "") -> Shot | None:
        """Return the picture that an entry names, unless its source's pictures are off, or the source is gone."""
        source = self._sources.get(entry.source_id)
        if entry.picture is None or source is None or not source.images:
            return None
        caption, credit = plain(entry.picture.caption), plain(entry.picture.credit)
        return Shot(f"/picture/{entry.entry_id}", alt, clip(caption, 300), clip(credit, 100))

    def card(self, listed: Listed, related: Sequence[Entry] = (), voices: Sequence[datetime] = ()) -> Card:
        """Return a story as a list shows it; *related* are headlines of others, *voices* when each first spoke."""
        story, lead = listed.story, listed.lead
        return Card(
            story_id=story.story_id,
            url=story_path(story),
            headline=story.headline,
            lang=language_tag(lead.language, self.language),
            standfirst=standfirst(story),
            section=self.section(story.category_id),
            score=Score(story.score, story.provisional),
            heat=heat(story.trend, story.independent_sources, page_order.breaking(voices, self.now)),
            sources=sources_words(story.sources, story.independent_sources),
            via=listed.first_source_id,
            via_name=self.source_name(listed.first_source_id),
            source=self.source_name(lead.source_id),
            at=self.moment(story.first_seen_at),
            read=read_time(lead.words),
            views=counted(listed.views, "view") if listed.views else "",
            related=tuple(self.link(entry) for entry in related),
            swell=swell(voices, self.now),
            shot=self.shot(lead),
        )

    def link(self, entry: Entry) -> Link:
        """Return an entry as a link to its source."""
        lang = language_tag(entry.language, self.language)
        return Link(safe_link(entry.link), entry.title, self.source_name(entry.source_id), lang)


@dataclass(frozen=True, slots=True)
class Was:
    """A story as a front page of the past showed it."""

    url: str
    headline: str
    score: Score
    section: Section | None
    sources: str


def was(show: Presenter, shown: ListedThen) -> Was:
    """Return a story as it was shown; its address leads to the story as it is."""
    return Was(
        url=f"/story/{shown.story_id}/{quote(slug(shown.headline))}",
        headline=shown.headline,
        score=Score(shown.score, shown.provisional),
        section=show.section(shown.category_id),
        sources=sources_words(shown.sources, shown.independent_sources),
    )
