"""Unusual sites: their pages stay stable, ordered and explained."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.model import Category, Config, Listed, Site, Source
from aggregator.store import Store
from scoring.evaluation import front_page, recording
from scoring.evaluation.recording import Recording
from scoring.ranking import page_order
from scoring.relevance.model import load_prior
from scoring.replay.runner import replay
from scoring.replay.streams import Stream
from scoring.updater import Updater

START = datetime(2026, 2, 2, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)

SUBJECTS = {
    "technology": (
        "Kestrel Labs raises $2 billion to build its own AI chips",
        "Aurora Semiconductor delays its chip plant by a year",
        "Parliament agrees on liability rules for AI agents",
        "Halden releases an open model that beats its rivals at code",
    ),
    "cooking": (
        "Braised leeks with hazelnuts and a mustard dressing",
        "How to bake a sourdough rye in a small oven",
        "Twelve soups for a cold week",
        "The baker of Linden Street retires after forty years",
    ),
    "German football": (
        "Der Aufsteiger gewinnt das Derby in letzter Minute",
        "Torwart verlängert seinen Vertrag um zwei Jahre",
        "Trainer nach sechs Niederlagen entlassen",
        "Das Stadion am Kanal wird im Sommer umgebaut",
    ),
    "podcasts": (
        "Episode 212: A long conversation about gardens",
        "Episode 213: Letters from listeners",
        "#48 The history of the bicycle, part two",
        "Bonus: behind the scenes",
    ),
}


def unlike_titles(count: int = 72) -> list[str]:
    """Return titles without a common word, so that none joins another."""
    rng = random.Random(0)
    return [" ".join("".join(rng.choices("abcdefghiklmnoprstu", k=7)) for _ in range(5)) for _ in range(count)]


def lines(titles: Sequence[str], sources: int, *, follow: bool, days: int = 3) -> Iterator[dict[str, str]]:
    """Yield one entry per hour; with *follow*, a second source reports every third one."""
    for number in range(days * 24):
        at = START + number * HOUR
        title = f"{titles[number % len(titles)]} ({number})"
        for source in (number % sources, (number + 1) % sources)[: 2 if follow and number % 3 == 0 else 1]:
            link = f"https://paper{source}.example/{number}"
            yield {"title": title, "source": f"Paper {source}", "url": link, "first_seen": at.isoformat()}


def site(tmp_path: Path, rows: Iterator[dict[str, str]], config: Config | None = None) -> Recording:
    path = tmp_path / "stream.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return recording.record(
        Stream(path), config or Config(Site(), (), ()), load_prior(), step=timedelta(hours=6), learn=False
    )


def check_calm(past: Recording) -> None:
    """Check that each page has stories without repeats, ordered by finite and explained places."""
    assert past.moments
    for moment in past.moments:
        listed = moment.lists[""]
        assert listed
        assert len(set(listed)) == len(listed)
        by_id = {story.story_id: front_page.candidate(story) for story in moment.stories}
        for story_id in listed[:10]:
            parts = page_order.parts(by_id[story_id], moment.at)
            assert all(math.isfinite(part.value) for part in parts)
            assert page_order.distinctive(parts)


def subject_of(item: Listed) -> str:
    """Return the headline without its number."""
    return item.story.headline.rpartition(" (")[0]


@pytest.mark.parametrize(
    ("subject", "provisional"), [("technology", False), ("cooking", True), ("German football", True)]
)
def test_a_site_on_a_subject_or_in_a_language_that_the_prior_does_not_know_says_provisional(
    subject: str, provisional: bool, tmp_path: Path
) -> None:
    path = tmp_path / "stream.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in lines(SUBJECTS[subject], 10, follow=True)), "utf-8")
    with Store.open(":memory:") as store:
        replay(Stream(path), Config(Site(), (), ()), load_prior(), db=store)
        listed = store.story_lists.ranked("", 60)
    assert listed
    assert {item.story.provisional for item in listed} == {provisional}


@pytest.mark.parametrize("subject", sorted(SUBJECTS))
def test_a_site_of_ten_sources_on_any_subject(subject: str, tmp_path: Path) -> None:
    check_calm(site(tmp_path, lines(SUBJECTS[subject], 10, follow=True)))


def test_a_site_where_no_second_source_ever_comes_shows_today_first(tmp_path: Path) -> None:
    past = site(tmp_path, lines(unlike_titles(), 10, follow=False))
    check_calm(past)
    last = past.moments[-1]
    ages = {story.story_id: last.at - story.first_seen_at for story in last.stories}
    first = [ages[story_id] for story_id in last.lists[""][:5]]
    assert max(first) < 24 * HOUR
    assert all(len(story.voices) == 1 for story in last.stories)


def test_a_site_of_one_source_fills_a_page(tmp_path: Path) -> None:
    past = site(tmp_path, lines(unlike_titles(), 1, follow=False))
    check_calm(past)
    assert len(past.moments[-1].lists[""]) >= 10


def test_a_site_of_one_category_shows_it_as_the_front_page_does(tmp_path: Path) -> None:
    config = Config(Site(), (Category("food", "Food", ("recipe", "baker")),), ())
    past = site(tmp_path, lines(SUBJECTS["cooking"], 10, follow=True), config)
    check_calm(past)
    for moment in past.moments:
        assert set(moment.lists["food"]) <= {story.story_id for story in moment.stories}
        both = [story_id for story_id in moment.lists[""] if story_id in set(moment.lists["food"])]
        assert both == [story_id for story_id in moment.lists["food"] if story_id in set(both)]


def test_all_votes_down_leave_an_ordered_page(tmp_path: Path) -> None:
    path = tmp_path / "stream.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in lines(SUBJECTS["technology"], 10, follow=True)), "utf-8")
    sources = tuple(Source(f"paper-{n}", f"Paper {n}", "", "", owner=f"paper-{n}", enabled=False) for n in range(10))
    config = Config(Site(), (), sources)
    with Store.open(":memory:") as store:
        replay(Stream(path), config, load_prior(), db=store)
        now = START + 73 * HOUR
        updater = Updater(store, config, load_prior())
        updater.run(now)
        before = store.story_lists.ranked("", 60)
        for item in before:
            store.feedback.vote(item.story.story_id, False, now)
        updater.run(now + HOUR)
        after = store.story_lists.ranked("", 60)
        # Of two stories with the same headline the page shows the better one, which a vote may change.
        assert sorted(map(subject_of, after)) == sorted(map(subject_of, before))
        assert all(item.story.score <= was.story.score for item, was in zip(after, before, strict=True))
        for item in after:
            assert 0 <= item.story.score <= 100
            assert store.places.of(item.story.story_id)
