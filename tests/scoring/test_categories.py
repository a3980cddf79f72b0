from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.config import load_config
from aggregator.model import Category
from scoring.categories import Categorizer
from scoring.terms import terms
from tests.scoring.world import CATEGORIES

FEEDS = Path(__file__).parents[2] / "feeds.yaml"


def decide(made: Categorizer, title: str, summary: str = "", default: str = "") -> str:
    return made.decide(made.evidence(terms(title), terms(summary), default), default)


@pytest.mark.parametrize("default", ["models", "big-tech", "policy", "research"])
def test_the_shipped_categories_put_an_amazon_story_of_any_feed_under_big_tech(default: str) -> None:
    config = load_config(FEEDS, env={})
    made = Categorizer(config.categories).fit()

    title = "Amazon to supply OpenAI with 2 gigawatts of Trainium capacity, 1.4 million chips"

    assert decide(made, title, "AWS said the deal runs for eight years.", default) == "big-tech"


def test_words_decide_where_they_tell_and_the_source_where_they_do_not() -> None:
    made = Categorizer(CATEGORIES).fit()
    assert decide(made, "Lawmakers pass copyright bill", default="models") == "policy"
    assert decide(made, "A walk in the park", default="models") == "models"
    assert decide(made, "A walk in the park", default="no such category") == "big-tech"


def test_no_categories_one_category_and_one_without_seeds_are_no_error() -> None:
    assert decide(Categorizer(()).fit(), "Amazon") == ""
    assert decide(Categorizer((Category("all", "All"),)).fit(), "Amazon") == "all"
    assert decide(Categorizer((Category("a", "The"), Category("b", "B", ("Amazon",)))).fit(), "Amazon") == "b"


def test_two_fits_give_the_same_weights() -> None:
    assert Categorizer(CATEGORIES).fit().weights_ == Categorizer(CATEGORIES).fit().weights_
