"""Properties of the score for any weights."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import ReasonKind, because
from scoring.relevance.explanation import sigmoid
from scoring.relevance.features import GROUP, GROUPS, features, never_negative, summary_words, tfidf
from scoring.relevance.model import MIN_SETTLED_LABELS, RelevanceModel, load_prior
from scoring.relevance.news_context import TitleContext
from scoring.relevance.weights import Weights
from tests.scoring.press import DAY, HOUR, MONDAY, model, signals

DELAYS = st.lists(st.integers(0, 48 * 60).map(lambda m: timedelta(minutes=m)), max_size=10).map(
    lambda d: (timedelta(), *sorted(d))
)
TITLES = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from(["openai", "chip", "recipe", "raises", "$2", "billion", "?", "芯片", "Зефир"]), max_size=9
    ).map(" ".join),
)


@given(title=TITLES, summary=TITLES, delays=DELAYS)
def test_the_parts_are_the_score(title: str, summary: str, delays: tuple[timedelta, ...]) -> None:
    scored = load_prior().score(signals(title, summary, delays))

    assert sum(round(10 * part.points) for part in scored.contributions) == 10 * scored.score
    logit = sum(part.log_odds for part in scored.contributions)
    assert sigmoid(logit) == pytest.approx(scored.relevance)
    assert scored.score == min(max(round(100 * scored.relevance), 1), 99)


@given(title=TITLES, delays=DELAYS, late=st.integers(0, 72 * 60))
def test_another_independent_source_never_lowers_the_score(
    title: str, delays: tuple[timedelta, ...], late: int
) -> None:
    before = signals(title, delays=delays)
    joined = timedelta(minutes=late)
    at = max(before.at, before.first_seen_at + joined)
    more = replace(
        before,
        at=at,
        voices=(*before.voices, "new.example"),
        source_ids=(*before.source_ids, "new"),
        voice_ages=(*(age + at - before.at for age in before.voice_ages), at - before.first_seen_at - joined),
        entries=before.entries + 1,
    )

    for scorer in (load_prior(), model()):
        assert scorer.score(more).relevance >= scorer.score(before).relevance


@given(title=TITLES, delays=DELAYS, hours=st.integers(0, 500))
def test_the_score_does_not_decay(title: str, delays: tuple[timedelta, ...], hours: int) -> None:
    now = signals(title, delays=delays)
    wait = timedelta(hours=hours)
    later = replace(now, at=now.at + wait, voice_ages=tuple(age + wait for age in now.voice_ages))

    assert load_prior().score(later) == load_prior().score(now)


def test_the_same_signals_get_the_same_score() -> None:
    story = signals(delays=(0 * HOUR, HOUR))

    assert load_prior().score(story) == load_prior().score(story)


def test_a_copy_does_not_count() -> None:
    story = signals(delays=(0 * HOUR, HOUR))
    copied = replace(story, source_ids=(*story.source_ids, "mirror"), entries=story.entries + 1)

    assert model().score(copied).relevance == model().score(story).relevance


def test_each_part_has_the_reason_of_its_group() -> None:
    scored = model().score(signals("Zephyr unveils a chip", delays=(0 * HOUR, HOUR, 2 * HOUR)))

    reasons = {part.name: part.reason for part in scored.contributions}
    assert reasons["coverage"] == because(ReasonKind.SOURCES, 3)
    assert reasons["velocity"] == because(ReasonKind.SOURCES_WITHIN, 3, 3)
    assert reasons["word:chip"] == because(ReasonKind.WORD, "chip")
    assert reasons["source"] == because(ReasonKind.FIRST_REPORTED_BY, "paper0")


def test_an_unknown_source_and_unknown_words_weigh_nothing() -> None:
    scored = model().score(signals("Ljubljana Quixote", source="stranger"))

    assert [part.name for part in scored.contributions] == ["base"]


def test_a_title_without_a_word_is_scored() -> None:
    for title in ("", "!!!", "…", "🙂", "\ud800"):
        assert 1 <= load_prior().score(signals(title)).score <= 99


def test_a_story_in_a_language_the_prior_does_not_know_is_provisional_until_the_site_has_labels() -> None:
    prior = load_prior().prior
    french = signals("Recette de la soupe aux oignons gratinée")
    french_prior = replace(model().prior, idf=dict.fromkeys(("recette", "soupe", "oignons"), 2.0))

    assert RelevanceModel("x", prior).score(french).provisional
    assert RelevanceModel("x", prior, french_prior, MIN_SETTLED_LABELS - 1).score(french).provisional
    assert not RelevanceModel("x", prior, french_prior, MIN_SETTLED_LABELS).score(french).provisional
    assert RelevanceModel("x", prior).score(replace(french, voices=("a", "b"))).provisional
    assert not RelevanceModel("x", prior).score(signals("Nvidia unveils a chip for AI servers")).provisional


def test_it_is_provisional_for_one_source_in_unknown_words() -> None:
    learned = RelevanceModel("x", model().prior, model().prior, 10_000)

    assert learned.score(signals("Ljubljana Quixote")).provisional
    assert not learned.score(signals("Ljubljana Quixote", delays=(0 * HOUR, HOUR))).provisional


@given(labels=st.integers(0, 100_000))
def test_local_evidence_takes_over_smoothly(labels: int) -> None:
    prior, local = model().prior, replace(model(chip=-2.5).prior, base=-1.0)
    story = signals("A chip")

    logits = [RelevanceModel("x", prior, local, n).logit(story) for n in (0, labels, labels + 1)]

    assert logits[0] == pytest.approx(RelevanceModel("x", prior).logit(story))
    assert logits[0] >= logits[1] >= logits[2]
    assert logits[2] >= RelevanceModel("x", prior).logit(story) + RelevanceModel("x", local).logit(story)


def test_what_a_site_learns_counts_only_where_the_prior_does_not_know_the_words() -> None:
    prior = load_prior()
    learned = RelevanceModel("x", prior.prior, replace(model(openai=-9.0, recette=3.0).prior, base=1.0), 10_000)

    for title in ("OpenAI and Nvidia unveil a chip for AI servers", "Anthropic raises $2 billion"):
        assert learned.score(signals(title)) == prior.score(signals(title))
    french = signals("Recette de la soupe aux oignons")
    assert learned.logit(french) > prior.logit(french) + 1.0


def test_tfidf_by_hand() -> None:
    # 3 / sqrt(3^2 + 4^2) for the known word; the unknown one counts towards the length.
    assert list(tfidf(["chip", "stranger"], {"chip": 3.0}, 4.0)) == [("chip", 0.6)]
    assert list(tfidf([], {}, 4.0)) == []


def test_features_by_hand() -> None:
    values = features(
        signals("Is it worth $2 billion?", delays=(0 * HOUR, HOUR, 5 * HOUR), first=MONDAY + 5 * DAY + 13 * HOUR)
    )

    assert values["coverage:log"] == pytest.approx(1.0986, abs=1e-4)
    assert {
        "coverage:2",
        "coverage:3",
        "time:weekend",
        "time:12h",
        "shape:question",
        "shape:number",
        "shape:money",
    } <= set(values)
    assert values["velocity:1h"] == pytest.approx(0.6931, abs=1e-4)
    assert values["velocity:6h"] == pytest.approx(1.0986, abs=1e-4)
    assert "coverage:5" not in values


def test_one_voice_has_no_coverage_and_no_velocity() -> None:
    assert not [name for name in features(signals()) if name.startswith(("coverage", "velocity"))]


def test_the_end_of_a_long_summary_is_not_looked_at() -> None:
    assert "last" not in summary_words(" ".join(f"w{i}" for i in range(100)) + " last")


def test_weights_survive_being_stored() -> None:
    weights = model().prior

    assert Weights.from_data(weights.as_data()) == weights


@pytest.mark.parametrize("others", [{"coverage:log": -0.1}, {"shape:length": float("nan")}])
def test_weights_that_break_a_promise_are_refused(others: dict[str, float]) -> None:
    data = model().prior.as_data() | {"others": others}

    with pytest.raises(ValueError, match=r"weight"):
        Weights.from_data(data)


def test_every_feature_belongs_to_the_group_that_computes_it() -> None:
    story = replace(
        signals("Is it worth $2 billion?", delays=(0 * HOUR, HOUR, 5 * HOUR)),
        link="https://news.example.org/science/chips",
        summary="A chip.",
        tags=("AI", "Chips"),
        context=TitleContext(near=2.0, touched=3.0, best=0.5, burst=1.0, talk=0.2, novelty=0.4, own_day=4, own_hour=1),
    )
    seen = set()
    for group in GROUPS:
        names = [name for name, _ in group.columns(story)]
        assert all(name.startswith(f"{group.name}:") for name in names), names
        assert len(names) == len(set(names))
        if names:
            seen.add(group.name)
            assert group.width > 0, "its weights could not move"
            assert group.explain(story)

    assert seen == set(GROUP) - {"meaning", "vote", "votes"}
    assert features(story, [GROUP["site"]]) == {"site:example.org": 1.0, "site:news.example.org": 1.0}


def test_more_coverage_is_added_last_so_that_rounding_cannot_take_it_back() -> None:
    assert [group.name for group in GROUPS][-2:] == ["coverage", "velocity"]
    assert all(GROUP[name].never_negative for name in ("coverage", "velocity", "around"))
    assert never_negative("coverage:log")
    assert not never_negative("site:example.org")
    assert not never_negative("of no group")
