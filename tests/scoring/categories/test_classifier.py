from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import scoring.engine.state
from aggregator.config import load_config
from aggregator.model import Category, Decision, DecisionKind
from aggregator.store import Store
from scoring.categories.classifier import Categorizer, Correction
from scoring.language.terms import terms
from scoring.relevance.model import load_prior
from scoring.updater import Updater
from tests.scoring.world import CATEGORIES, CONFIG, HOUR, NOON, arrival, newsroom, publish

FEEDS = Path(__file__).parents[3] / "feeds.yaml"
HEADLINES = Path(__file__).parents[2] / "data" / "headlines.tsv"


def decide(categorizer: Categorizer, title: str, summary: str = "", default: str = "") -> str:
    return categorizer.decide(categorizer.evidence(terms(title), terms(summary), default), default)


@pytest.mark.parametrize("default", ["models", "big-tech", "policy", "research"])
def test_the_shipped_categories_put_an_amazon_story_of_any_feed_under_big_tech(default: str) -> None:
    config = load_config(FEEDS, env={})
    categorizer = Categorizer(config.categories).fit()

    title = "Amazon to supply OpenAI with 2 gigawatts of Trainium capacity, 1.4 million chips"

    assert decide(categorizer, title, "AWS said the deal runs for eight years.", default) == "big-tech"


def test_words_decide_where_they_tell_and_the_source_where_they_do_not() -> None:
    categorizer = Categorizer(CATEGORIES).fit()
    assert decide(categorizer, "Lawmakers pass copyright bill", default="models") == "policy"
    assert decide(categorizer, "A walk in the park", default="models") == "models"
    assert decide(categorizer, "A walk in the park", default="no such category") == "big-tech"


def test_a_word_of_the_summary_counts_a_third_of_one_at_the_end_of_the_title() -> None:
    categorizer = Categorizer(CATEGORIES).fit()
    unknown = ["zibel", "quarm", "foddle", "trusk"]
    nothing = categorizer.evidence(unknown, (), "")
    in_title = [a - b for a, b in zip(categorizer.evidence([*unknown, "copyright"], (), ""), nothing, strict=True)]
    in_summary = [a - b for a, b in zip(categorizer.evidence(unknown, ["copyright"], ""), nothing, strict=True)]
    in_subject = [a - b for a, b in zip(categorizer.evidence(["copyright", *unknown], (), ""), nothing, strict=True)]

    assert max(in_title) > 0.5
    assert in_summary == pytest.approx([0.35 * value for value in in_title])
    assert in_subject == pytest.approx([1.8 * value for value in in_title])


def test_no_categories_one_category_and_one_without_seeds_are_no_error() -> None:
    assert decide(Categorizer(()).fit(), "Amazon") == ""
    assert decide(Categorizer((Category("all", "All"),)).fit(), "Amazon") == "all"
    assert decide(Categorizer((Category("a", "The"), Category("b", "B", ("Amazon",)))).fit(), "Amazon") == "b"


def test_two_fits_give_the_same_weights() -> None:
    assert Categorizer(CATEGORIES).fit().weights_ == Categorizer(CATEGORIES).fit().weights_


SCHOOLS = (
    "Schools replace essays with talks, and teachers like it",
    "What teachers want from homework software: fewer schools in the sales pitch",
    "Rural schools share one physics lesson by video as teachers retire",
    "Teachers mark faster with a machine beside them, schools in Wales find",
    "Night schools are full again, say teachers of carpentry",
)
SIXTH = "Island schools swap teachers for a week"
UNLIKE = (
    "Apple closes a shop in the old town",
    "Language model reads knitting patterns",
    "A walk in the park",
    "Court hears a copyright case about maps",
    "Google opens an office on an island",
)


def corrections(*titles: str, right: str = "policy") -> list[Correction]:
    return [(number, right, title, "") for number, title in enumerate(titles)]


def test_five_corrections_alike_move_a_sixth_story_and_none_that_is_unlike() -> None:
    categorizer = Categorizer(CATEGORIES).fit()
    before = [decide(categorizer, title, default="models") for title in UNLIKE]
    assert decide(categorizer, SIXTH, default="models") == "models"

    categorizer.fit(corrections(*SCHOOLS))

    assert decide(categorizer, SIXTH, default="models") == "policy"
    assert [decide(categorizer, title, default="models") for title in UNLIKE] == before


def test_one_correction_moves_no_story_even_where_it_contradicts_a_seed() -> None:
    shipped = load_config(FEEDS, env={}).categories
    categorizer = Categorizer(shipped).fit()
    titles = [line.split("\t")[1] for line in HEADLINES.read_text("utf-8").splitlines()]
    before = [decide(categorizer, title) for title in titles]

    categorizer.fit(corrections("Amazon raises the price of its chatbot for schools", right="policy"))

    assert [decide(categorizer, title) for title in titles] == before


def test_a_correction_that_is_repeated_or_of_no_category_teaches_nothing_more() -> None:
    plain = Categorizer(CATEGORIES).fit().weights_
    assert Categorizer(CATEGORIES).fit(corrections(*SCHOOLS, right="gone")).weights_ == plain
    once = Categorizer(CATEGORIES).fit([(1, "policy", SCHOOLS[0], "")])
    often = Categorizer(CATEGORIES).fit([(1, right, SCHOOLS[0], "") for right in ("models", "models", "policy")])
    assert often.weights_ == once.weights_


class Site:
    """A running site whose editors correct categories."""

    def __init__(self) -> None:
        self.store = Store.open(":memory:")
        self.store.feeds.sync(CONFIG.sources, NOON)
        self.now = NOON
        self.start()

    def start(self, *categories: Category) -> None:
        self.updater = Updater(self.store, replace(CONFIG, categories=CATEGORIES + categories), load_prior())

    def report(self, title: str) -> int:
        """Publish after the last story has closed, so that similar entries stay separate stories."""
        self.now += timedelta(days=4)
        publish(self.store, (self.now, [arrival(title, "", "lantern", None)], "lantern"))
        self.updater.run(self.now)
        story_id = self.store.entries.count()
        assert self.store.memberships.story_of(story_id) == story_id, "a story of its own"
        return story_id

    def category(self, story_id: int) -> str:
        story = self.store.stories.get(story_id)
        assert story is not None
        return story.category_id

    def correct(self, story_id: int) -> Decision:
        self.now += HOUR
        decision = self.store.decisions.decide(
            DecisionKind.CATEGORY, story_id=story_id, category_id="big-tech", now=self.now
        )
        self.updater.run(self.now)
        return decision


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    with site.store:
        yield site


@pytest.mark.parametrize("late", [False, True])
def test_corrections_teach_from_then_on_also_of_stories_that_are_over(site: Site, late: bool) -> None:
    if late:
        for story_id in [site.report(title) for title in SCHOOLS]:
            assert site.category(story_id) != "big-tech"
            site.now += timedelta(days=1)
            site.correct(story_id)
    else:
        for title in SCHOOLS:
            site.correct(site.report(title))
    site.start()
    assert site.category(site.report(SIXTH)) == "big-tech"

    before = [(story.story_id, story.category_id) for story in site.store.stories.each()]
    site.updater.rebuild(site.now)
    assert [(story.story_id, story.category_id) for story in site.store.stories.each()] == before


def test_an_undone_correction_has_no_effect(site: Site) -> None:
    corrections = [site.correct(site.report(title)) for title in SCHOOLS]
    site.start()
    for decision in corrections:
        site.now += HOUR
        site.store.decisions.undo(decision.decision_id, site.now)
        site.updater.run(site.now)
    assert site.category(site.report(SIXTH)) != "big-tech"


def test_other_settings_keep_what_corrections_taught(site: Site) -> None:
    for title in SCHOOLS:
        site.correct(site.report(title))
    site.start(Category("gardens", "Gardens", ("roses", "compost")))
    assert site.category(site.report(SIXTH)) == "big-tech"


@pytest.mark.parametrize("often", [5, 2_000])
def test_a_restart_after_any_correction_leaves_no_trace(often: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring.engine.state, "MIN_UNSAVED_ENTRIES", often)
    rng = random.Random(often)
    steady, stopped = Site(), Site()
    learned = 0
    with steady.store, stopped.store:
        for poll in newsroom(3, polls=30, step=timedelta(hours=30)):
            ids = [story.story_id for story in steady.store.stories.each()]
            standing = steady.store.decisions.standing()
            undone = rng.choice(standing).decision_id if len(standing) > 4 else None
            right = rng.choice(CATEGORIES).id
            story_id = rng.choice(ids) if ids else None
            for site in (steady, stopped):
                publish(site.store, poll)
                site.updater.run(poll[0] + HOUR)
                if undone is not None:
                    site.store.decisions.undo(undone, poll[0] + 2 * HOUR)
                elif story_id is not None and site.store.memberships.story_of(story_id) == story_id:
                    site.store.decisions.decide(
                        DecisionKind.CATEGORY, story_id=story_id, category_id=right, now=poll[0] + 2 * HOUR
                    )
                site.updater.run(poll[0] + 3 * HOUR)
            stopped.start()
            learned = max(learned, len(stopped.updater.engine._state.corrections))
            assert stopped.updater.engine._state.corrections == steady.updater.engine._state.corrections
            assert list(stopped.store.stories.each()) == list(steady.store.stories.each())
        assert learned > 3

        before = [replace(story, trend=0.0) for story in steady.store.stories.each()]
        steady.updater.rebuild(poll[0] + 3 * HOUR)
        assert [replace(story, trend=0.0) for story in steady.store.stories.each()] == before
