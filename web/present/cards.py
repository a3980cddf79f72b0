"""Cards of stories in lists, and the presenter that all view models of a response share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from urllib.parse import quote
from zoneinfo import ZoneInfo

from flask_babel import gettext

from aggregator.model import Config, Entry, Listed, Reason, Source, Story
from aggregator.store.derived.front_pages import ListedThen
from aggregator.text.markup import clip, plain
from aggregator.text.urls import safe_link
from scoring.ranking import page_order
from web.i18n import wording
from web.i18n.catalogs import page_language
from web.i18n.wording import ago, plural
from web.present import reasons
from web.present.formatting import language_tag, reading_time, slug, source_count, standfirst, story_path


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as a relative age, in ISO format, and in full."""

    ago: str
    iso: str
    full: str
    first_seen: bool = False
    """Whether it is the time of first sight, without a publisher's date."""


@dataclass(frozen=True, slots=True)
class Link:
    """A headline of another source."""

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
    """The growth of a story, as 0 to 3 bars and a label."""

    bars: int
    label: str


# The trend is how many further independent sources the next six hours bring (`scoring.ranking.trend`). Where a story
# usually gets 1.3 sources, two that just joined give .26, three .39, five .65, eight 1.
_HEAT = ((0.6, 3), (0.35, 2), (0.2, 1))


def heat(trend: float, independent_sources: int, urgent: str = "") -> Heat:
    """Return the display of a trend; a single source is never growth.

    urgent: "4 sources in the last hour" for a story that is breaking
    """
    if independent_sources < 2:
        return Heat(0, "")
    if urgent:
        return Heat(3, urgent)
    bars = next((bars for bound, bars in _HEAT if trend >= bound), 0)
    labels = ("", gettext("picking up"), gettext("rising"), gettext("surging"))
    return Heat(bars, str(labels[bars]))


@dataclass(frozen=True, slots=True)
class PictureView:
    """A picture of an entry, through the site's proxy."""

    src: str
    alt: str
    caption: str
    credit: str


SPARKLINE_SPAN = timedelta(hours=24)
SPARKLINE_WIDTH, SPARKLINE_HEIGHT = 48, 16
SPARKLINE_VOICES = 8
"""Independent sources at the top of a sparkline, the same for all, so that sparklines can be compared."""


def sparkline(voices: Sequence[datetime], now: datetime) -> str:
    """Draw the number of independent sources over the last day as an SVG path; "" below two."""
    if len(voices) < 2:
        return ""
    top = max(SPARKLINE_VOICES, len(voices))
    begin = now - SPARKLINE_SPAN
    path = ""
    for count, at in enumerate(sorted(voices), start=1):
        x = min(max((at - begin) / SPARKLINE_SPAN, 0.0), 1.0) * SPARKLINE_WIDTH
        y = SPARKLINE_HEIGHT - round(SPARKLINE_HEIGHT * count / top, 1)
        path += f"H{x:.1f}V{y:g}" if path else f"M{x:.1f} {SPARKLINE_HEIGHT}V{y:g}"
    return f"{path}H{SPARKLINE_WIDTH}V{SPARKLINE_HEIGHT}Z"


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
    entries: int
    sources: str
    via: str
    """ID of the source that reported it first."""
    via_name: str
    source: str
    """The source of its headline."""
    at: Moment
    reading_time: str
    """Empty if the feed has no full text."""
    views: str
    related: tuple[Link, ...] = ()
    sparkline: str = ""
    """An SVG path in a box of 48 by 16: its independent sources over the last day."""
    picture: PictureView | None = None


class Presenter:
    """The context of all view models of a response: configuration, names, time."""

    def __init__(
        self,
        config: Config,
        names: Mapping[str, str],
        now: datetime,
        detected_language: Callable[[int], str] = lambda entry_id: "",
    ) -> None:
        self.now = now
        self._detected_language = detected_language
        self._names = names
        self.sections = {category.id: Section(category.id, category.name) for category in config.categories}
        self.language = page_language(config.site.language)
        self._config = config
        try:
            self._zone: ZoneInfo | None = ZoneInfo(config.site.timezone)
        except (KeyError, ValueError, OSError):
            self._zone = None

    @cached_property
    def _sources(self) -> Mapping[str, Source]:
        return {source.id: source for source in self._config.sources}

    def lang(self, entry: Entry) -> str:
        """Return the stated or detected language of an entry's text, "" if it is that of the page."""
        return language_tag(entry.language or self._detected_language(entry.entry_id), self.language)

    def local(self, moment: datetime) -> datetime:
        """Return *moment* in the site's time zone."""
        return moment.astimezone(self._zone or UTC)

    def full(self, moment: datetime) -> str:
        """Return `23 Nov 2026, 17:38 UTC`."""
        local = self.local(moment)
        return f"{wording.day_and_time(local)} {local.tzname()}"

    def brief(self, moment: datetime) -> str:
        """Return `Mon 17:38`, with the date if the day of the week is ambiguous."""
        local = self.local(moment)
        if self.now - moment < timedelta(days=6):
            return wording.weekday_and_time(local)
        return wording.short_day_and_time(local)

    def moment(self, moment: datetime) -> Moment:
        """Return *moment* for a `<time>`."""
        return Moment(ago(moment, self.now), moment.strftime("%Y-%m-%dT%H:%M:%SZ"), self.full(moment))

    def story_moment(self, story: Story) -> Moment:
        """Return when a story was published, or else first seen."""
        return self._dated(story.published_at, story.first_seen_at)

    def published(self, entry: Entry) -> Moment:
        """Return when an entry was published, or else first seen."""
        return self._dated(entry.plausible_published_at, entry.first_seen_at)

    def _dated(self, published_at: datetime | None, first_seen_at: datetime) -> Moment:
        return replace(self.moment(published_at or first_seen_at), first_seen=published_at is None)

    def source_name(self, source_id: str) -> str:
        """Return the display name of a source."""
        source = self._sources.get(source_id)
        return source.name if source else self._names.get(source_id, source_id)

    def sentence(self, reason: Reason) -> str:
        """Return a stored reason as a sentence, with the names of sources."""
        return reasons.sentence(reason, self.source_name)

    def section(self, category_id: str) -> Section | None:
        """Return the category, also one that left the configuration; None for no category."""
        if not category_id:
            return None
        return self.sections.get(category_id) or Section(category_id, category_id.replace("-", " ").capitalize())

    def picture(self, entry: Entry, alt: str = "") -> PictureView | None:
        """Return the picture of an entry, unless its source's pictures are off, or the source was removed."""
        source = self._sources.get(entry.source_id)
        if entry.picture is None or source is None or not source.images:
            return None
        caption, credit = plain(entry.picture.caption), plain(entry.picture.credit)
        return PictureView(f"/picture/{entry.entry_id}", alt, clip(caption, 300), clip(credit, 100))

    def card(self, listed: Listed, related: Sequence[Entry] = (), voices: Sequence[datetime] = ()) -> Card:
        """Return a story as a list shows it; *related* are entries of others, *voices* when each source joined."""
        story, lead = listed.story, listed.lead
        return Card(
            story_id=story.story_id,
            url=story_path(story),
            headline=story.headline,
            lang=self.lang(lead),
            standfirst=standfirst(story),
            section=self.section(story.category_id),
            score=Score(story.score, story.provisional),
            heat=heat(story.trend, story.independent_sources, reasons.breaking(page_order.breaking(voices, self.now))),
            entries=story.entries,
            sources=source_count(story.sources, story.independent_sources),
            via=listed.first_source_id,
            via_name=self.source_name(listed.first_source_id),
            source=self.source_name(lead.source_id),
            at=self.story_moment(story),
            reading_time=reading_time(lead),
            views=plural(listed.views, "view") if listed.views else "",
            related=tuple(self.link(entry) for entry in related),
            sparkline=sparkline(voices, self.now),
            picture=self.picture(lead),
        )

    def link(self, entry: Entry) -> Link:
        """Return an entry as a link to its source."""
        return Link(safe_link(entry.link), entry.title, self.source_name(entry.source_id), self.lang(entry))


@dataclass(frozen=True, slots=True)
class ArchivedCard:
    """A story on an archived front page."""

    url: str
    headline: str
    score: Score
    section: Section | None
    sources: str


def archived_card(show: Presenter, shown: ListedThen) -> ArchivedCard:
    """Return a story of an archived page, with a link to its current page."""
    return ArchivedCard(
        url=f"/story/{shown.story_id}/{quote(slug(shown.headline))}",
        headline=shown.headline,
        score=Score(shown.score, shown.provisional),
        section=show.section(shown.category_id),
        sources=source_count(shown.sources, shown.independent_sources),
    )
