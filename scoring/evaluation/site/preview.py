"""Replay the site's own past under an edited feeds.yaml, and say what would have been different.

    the last days -> a copy, hour by hour -> updater with the configuration in use ->  a page an hour  > compare
                  -> another copy         -> updater with the edited configuration ->  a page an hour

Both runs use the same entries, edits, decisions and votes, and the current model, so that they differ only in the
configuration. The site does not change. Entries of a new source are not known, and a note says so; removed sources,
`exclude` and `only` leave out what they would have left out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from aggregator.errors import GroundswellError
from aggregator.model import Config
from aggregator.polling.items.title_filters import lets_in
from aggregator.store import Store
from aggregator.translatable import Translatable
from scoring.evaluation.site import scorecard
from scoring.relevance.model import RelevanceModel
from scoring.updater import Updater

HOUR = timedelta(hours=1)
WARM_UP = timedelta(days=3)
"""Before the days that are compared: stories that are open when they begin have to be known."""
WARM_UP_STEP = timedelta(hours=6)
MAX_DAYS = 30
MAX_ENTRIES = 30_000
MAX_SOURCES_NAMED = 5
"""Of one run, warm-up included: about three minutes. What is more shortens the days that are compared."""
PAGE = 20
"""Stories of the front page that are compared."""
MOVED = 3
"""A story that moves by fewer places counts as unmoved."""

Progress = Callable[[int, int], None]
"""Called with the steps that are done, and with how many there are."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A story on the front page of an hour."""

    key: int
    """The same for a story in both runs: the ID that it has in the end under the configuration of today, if any."""
    headline: str
    score: int
    place: int
    """From 1."""


@dataclass(frozen=True, slots=True)
class HourChange:
    """What an edited configuration changes on the front page of an hour."""

    at: datetime
    came: tuple[Shown, ...] = ()
    gone: tuple[Shown, ...] = ()
    moved: tuple[tuple[Shown, int], ...] = ()
    """Each with the place that it has under the configuration of today."""


@dataclass(frozen=True, slots=True)
class StoryChange:
    """How long a story is on the front page, and how high, under both configurations."""

    key: int
    headline: str
    score: int
    hours_before: int
    hours_after: int
    best_before: int | None
    best_after: int | None
    """The highest place, from 1; None: on no page."""


@dataclass(frozen=True, slots=True)
class MeasureChange:
    """A number of the scorecard under both configurations; None: too few cases."""

    name: str
    category_id: str
    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What the edited configuration would have changed."""

    since: datetime
    until: datetime
    entries_before: int
    entries_after: int
    hours: tuple[HourChange, ...]
    """Every hour, also those without a change."""
    stories: tuple[StoryChange, ...]
    """Those whose hours or highest place differ, the largest difference first."""
    measures: tuple[MeasureChange, ...]
    notes: tuple[Translatable, ...] = ()

    @property
    def hours_changed(self) -> int:
        """In how many hours the front page would have been another one."""
        return sum(bool(hour.came or hour.gone or hour.moved) for hour in self.hours)


@dataclass(slots=True)
class _Run:
    """What one configuration came to."""

    entries: int = 0
    pages: list[list[tuple[int, str, int]]] = field(default_factory=list)
    """By hour, the stories in order: ID, headline, score."""
    story_of: dict[int, int] = field(default_factory=dict)
    """By entry, the story in the end."""
    measures: dict[tuple[str, str], float | None] = field(default_factory=dict)


def preview(
    store: Store,
    before: Config,
    after: Config,
    model: RelevanceModel,
    now: datetime,
    days: int = 7,
    progress: Progress | None = None,
) -> Preview:
    """Return what *after* instead of *before* would have changed in the *days* before *now*; GroundswellError.

    progress: may raise to stop the preview
    """
    if not 1 <= days <= MAX_DAYS:
        raise GroundswellError(f"{days} days cannot be previewed; choose 1 to {MAX_DAYS}")
    notes: list[Translatable] = []
    first = store.entries.arrival_of_newest(MAX_ENTRIES)
    oldest = store.growth.first_day()
    if oldest is None:
        raise GroundswellError(Translatable("there are no entries yet; a preview replays what the site has polled"))
    since = now - timedelta(days=days)
    earliest = max(oldest, first or oldest)
    if since < earliest + HOUR:
        since = min(earliest + HOUR, now - HOUR)
        notes.append(
            Translatable("covers fewer days, because only the newest %(n)s entries are replayed", n=MAX_ENTRIES)
            if first
            else Translatable("covers fewer days, because the site has no older entries")
        )
    existing_ids = {source.id for source in before.sources}
    if new := [source.id for source in after.sources if source.id not in existing_ids]:
        named = ", ".join(new[:MAX_SOURCES_NAMED]) + (", ..." if len(new) > MAX_SOURCES_NAMED else "")
        notes.append(
            Translatable("entries of sources that the site has not polled are not known: %(sources)s", sources=named)
        )
    hours = max(int((now - since) / HOUR), 1)
    begin = now - hours * HOUR
    warm_up = [begin - WARM_UP + step * WARM_UP_STEP for step in range(int(WARM_UP / WARM_UP_STEP) + 1)]
    warm_up = [moment for moment in warm_up if moment > earliest] or [begin]
    moments = [*warm_up, *(begin + hour * HOUR for hour in range(1, hours + 1))]
    start = max(warm_up[0] - WARM_UP_STEP, earliest - HOUR)
    runs = []
    for number, config in enumerate((before, after)):

        def report(done: int, offset: int = number * len(moments)) -> None:
            if progress is not None:
                progress(offset + done, 2 * len(moments))

        runs.append(_run(store, config, model, start, moments, hours, report))
    changes, stories = _compare(runs[0], runs[1], [begin + hour * HOUR for hour in range(1, hours + 1)])
    return Preview(
        since=begin,
        until=now,
        entries_before=runs[0].entries,
        entries_after=runs[1].entries,
        hours=tuple(changes),
        stories=tuple(stories),
        measures=tuple(
            MeasureChange(name, category, value, runs[1].measures.get((name, category)))
            for (name, category), value in runs[0].measures.items()
        ),
        notes=tuple(notes),
    )


def _run(
    store: Store,
    config: Config,
    model: RelevanceModel,
    start: datetime,
    moments: Sequence[datetime],
    hours: int,
    report: Callable[[int], None],
) -> _Run:
    """Replay the past until each of *moments*; the last *hours* of them are recorded."""
    sources = {source.id: source for source in config.sources if source.enabled}

    def wanted(source_id: str, title: str, tags: Sequence[str]) -> bool:
        source = sources.get(source_id)
        return source is not None and lets_in(source, title, tags)

    run = _Run()
    # In files and not in memory: a month of entries has a hundred megabytes.
    with (
        tempfile.TemporaryDirectory(prefix="groundswell-preview-") as folder,
        Store.open(Path(folder) / "preview.db") as copy,
    ):
        copy.feeds.sync(config.sources, moments[0])
        past = store.past_into(copy, wanted)
        past.copy_votes()
        updater = Updater(copy, config, model)
        since = start
        for number, moment in enumerate(moments, start=1):
            run.entries += past.copy(since, moment)
            since = moment
            updater.run(moment)
            if number > len(moments) - hours:
                shown = [item.story for item in copy.story_lists.ranked("", PAGE)]
                run.pages.append([(story.story_id, story.headline, story.score) for story in shown])
            report(number)
        run.story_of = {m.entry_id: m.story_id for m in copy.memberships.since(start)}
        card = scorecard.scorecard(scorecard.read(copy, config, moments[-1]), moments[-1])
        window = min(scorecard.WINDOWS, key=lambda days: abs(timedelta(days=days) - hours * HOUR))
        run.measures = {
            (measure.name, measure.category_id): measure.value
            for measure in card.measures
            if measure.method == scorecard.SITE and measure.window_days == window and not measure.category_id
        }
    return run


def _compare(before: _Run, after: _Run, moments: Sequence[datetime]) -> tuple[list[HourChange], list[StoryChange]]:
    # A story may begin with another entry where sources differ: it is the same if they share one.
    same: dict[int, int] = {}
    for entry_id in sorted(after.story_of):
        if entry_id in before.story_of:
            same.setdefault(after.story_of[entry_id], before.story_of[entry_id])

    def keyed(run: _Run, page: Sequence[tuple[int, str, int]], names: Mapping[int, int]) -> dict[int, Shown]:
        shown: dict[int, Shown] = {}
        for place, (story_id, headline, score) in enumerate(page, start=1):
            final = run.story_of.get(story_id, story_id)
            key = names.get(final, final)
            shown.setdefault(key, Shown(key, headline, score, place))
        return shown

    changes = []
    seen: dict[int, tuple[list[Shown], list[Shown]]] = {}
    for at, page_before, page_after in zip(moments, before.pages, after.pages, strict=True):
        old, new = keyed(before, page_before, {}), keyed(after, page_after, same)
        for side, page in ((0, old), (1, new)):
            for key, story in page.items():
                seen.setdefault(key, ([], []))[side].append(story)
        changes.append(
            HourChange(
                at,
                came=tuple(story for key, story in new.items() if key not in old),
                gone=tuple(story for key, story in old.items() if key not in new),
                moved=tuple(
                    (story, old[key].place)
                    for key, story in new.items()
                    if key in old and abs(old[key].place - story.place) >= MOVED
                ),
            )
        )
    stories = [_story_change(key, *sides) for key, sides in seen.items()]
    differing = [s for s in stories if (s.hours_before, s.best_before) != (s.hours_after, s.best_after)]
    return changes, sorted(differing, key=lambda s: (-abs(s.hours_after - s.hours_before), s.key))


def _story_change(key: int, before: Sequence[Shown], after: Sequence[Shown]) -> StoryChange:
    last = (after or before)[-1]
    best = [min((story.place for story in side), default=None) for side in (before, after)]
    return StoryChange(key, last.headline, last.score, len(before), len(after), *best)
