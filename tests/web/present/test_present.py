from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import NO_REASON, Config, Contribution, Entry, ReasonKind, Site, because
from web import present
from web.present import Presenter

NOW = datetime(2026, 11, 19, 18, tzinfo=UTC)
SHOW = Presenter(Config(Site(), (), ()), {}, NOW)


@pytest.mark.parametrize(
    ("word_count", "shown"), [(60, "1 min read"), (230, "1 min read"), (231, "2 min read"), (690, "3 min read")]
)
def test_reading_time_is_rounded_up(word_count: int, shown: str) -> None:
    entry = Entry(
        1, "wire", "a", "", "Title", "A summary.", NOW, content="<p>" + "word " * word_count, word_count=word_count
    )
    assert present.reading_time(entry) == shown


@pytest.mark.parametrize("content", ["", "<p>A summary of ninety words.</p>"])
def test_reading_time_is_unknown_without_the_full_text(content: str) -> None:
    entry = Entry(1, "wire", "a", "", "Title", "A summary of ninety words." * 2, NOW, content=content, word_count=90)
    assert present.reading_time(entry) == ""


def test_sources_are_counted_with_the_independent_ones() -> None:
    assert present.source_count(1, 1) == "1 source"
    assert present.source_count(9, 6) == "9 sources, 6 independent"
    assert present.source_count(3, 3) == "3 sources, all independent"


@pytest.mark.parametrize(
    ("headline", "slug"),
    [
        ("OpenAI's 2-gigawatt deal: 1.4 million chips!", "openai-s-2-gigawatt-deal-1-4-million-chips"),
        ("亚马逊与OpenAI达成协议", "亚马逊与openai达成协议"),
        ("صفقة رقائق", "صفقة-رقائق"),
        ("Élan ﬁne ÇA", "élan-fine-ça"),
        ("?!…", "story"),
        ("../../etc/passwd", "etc-passwd"),
    ],
)
def test_a_slug_keeps_the_words_of_any_script(headline: str, slug: str) -> None:
    assert present.slug(headline) == slug


@given(st.text(max_size=300))
def test_a_slug_is_short_and_stays_as_it_is(headline: str) -> None:
    slug = present.slug(headline)
    assert 0 < len(slug) <= 64
    assert "/" not in slug
    assert slug.strip("-") == slug


parts = st.lists(st.floats(-60, 60), min_size=1, max_size=40)


@given(parts)
def test_printed_points_add_up_to_the_score(points: list[float]) -> None:
    score = round(sum(points))
    points[0] += score - sum(points)
    assert sum(present.tenths(points, score)) == score * 10


@given(parts)
def test_the_chart_of_a_score_ends_at_the_score_and_stays_inside(points: list[float]) -> None:
    score = round(sum(points))
    points[0] += score - sum(points)
    bars = present.bars(SHOW, [Contribution(f"word:{i}", p, p, NO_REASON) for i, p in enumerate(points)], score)
    assert len(bars) <= 12
    assert sum(round(float(bar.points.replace("−", "-")) * 10) for bar in bars) == score * 10
    for bar in bars:
        assert 0 <= float(bar.x[:-1]) <= 100
        assert float(bar.x[:-1]) + float(bar.width[:-1]) <= 101


@pytest.mark.parametrize(
    ("trend", "sources", "label"),
    [(0.1, 5, ""), (0.2, 2, "picking up"), (0.35, 3, "rising"), (0.6, 6, "surging"), (9.0, 1, "")],
)
def test_heat_has_a_label_and_needs_two_sources(trend: float, sources: int, label: str) -> None:
    assert present.heat(trend, sources).label == label


def test_a_breaking_story_says_so_instead_of_how_fast_it_grows() -> None:
    assert present.heat(0.1, 4, "4 sources in the last hour") == present.Heat(3, "4 sources in the last hour")


def test_a_reason_that_repeats_the_word_is_left_out() -> None:
    parts = [
        Contribution("word:chips", 1, 5, because(ReasonKind.WORD, "chips")),
        Contribution("coverage", 1, 5, because(ReasonKind.SOURCES, 3)),
    ]
    assert [(bar.label, bar.reason) for bar in present.bars(SHOW, parts, 10)] == [
        ("“chips”", ""),
        ("Coverage", "3 independent sources"),
    ]


def test_a_time_is_shown_in_the_zone_of_the_site() -> None:
    berlin = Presenter(Config(Site(timezone="Europe/Berlin"), (), ()), {}, NOW)
    assert berlin.full(NOW) == "19 Nov 2026, 19:00 CET"
    assert Presenter(Config(Site(timezone="Nowhere/At_all"), (), ()), {}, NOW).full(NOW) == "19 Nov 2026, 18:00 UTC"


@pytest.mark.parametrize("tag", ['en" onload="x', "x", "1-2", "english language"])
def test_an_invalid_language_tag_is_left_out_of_a_page(tag: str) -> None:
    assert present.language_tag(tag, "en") == ""
    assert present.language_tag("zh-Hans", "en") == "zh-Hans"
