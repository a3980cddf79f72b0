from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.text.search_query import Query, highlighted, read, resolved, spelled

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gpu", Query(terms=("gpu",))),
        ('gpu "data  center"', Query(terms=("gpu", "data center"))),
        ('"never closed', Query(terms=("never closed",))),
        ("apple -iphone -\"app store\"", Query(terms=("apple",), without=("iphone", "app store"))),
        ("gpt-5 Re:Invent", Query(terms=("gpt-5", "re:Invent"))),
        ("source:TechCrunch -source:wire", Query(sources=("techcrunch",), without_sources=("wire",))),
        ('category:"Big Tech"', Query(categories=("big tech",))),
        ("score:>80", Query(min_score=81)),
        ("score:>=80", Query(min_score=80)),
        ("score:80", Query(min_score=80)),
        ("score:=80", Query(min_score=80, max_score=80)),
        ("score:<30", Query(max_score=29)),
        ("sources:>2", Query(min_sources=3)),
        ("sources:3", Query(min_sources=3)),
        ("sources:>=3", Query(min_sources=3)),
        ("score:60..80", Query(min_score=60, max_score=80)),
        ("after:2026-11-20", Query(after=datetime(2026, 11, 20, tzinfo=UTC))),
        ("before:2026-11", Query(before=datetime(2026, 11, 1, tzinfo=UTC))),
        ("after:24h before:1d", Query(after=NOW - timedelta(days=1), before=NOW - timedelta(days=1))),
        ("apple \u2212iphone \u2013\"app store\"", Query(terms=("apple",), without=("iphone", "app store"))),
        ("apple \u2013 iphone", Query(terms=("apple", "iphone"))),
        ("apple AND iphone", Query(terms=("apple", "iphone"))),
        ("AND gates and", Query(terms=("AND", "gates", "and"))),
        ('nand "AND" nor', Query(terms=("nand", "AND", "nor"))),
        ("rock*", Query(terms=("rock*",))),
        ("- -- *** \x00", Query()),
        ("", Query()),
    ],
)  # fmt: skip
def test_what_is_typed_means(typed: str, meant: Query) -> None:
    assert read(typed, NOW) == meant


def test_an_unknown_operator_is_searched_as_text_and_reported() -> None:
    query = read("score:high after:2026-02-31", NOW)
    assert query.terms == ("score:high", "after:2026-02-31")
    assert [note.partition(":")[0] for note in query.notes] == ["score", "after"]
    assert "first 12" in read(" ".join(f"w{i}" for i in range(20)), NOW).notes[0]


def test_sources_and_categories_go_by_id_by_name_or_by_how_these_begin() -> None:
    sources = {"techcrunch_ai": "TechCrunch AI", "tech": "Tech", "verge": "The Verge"}
    categories = {"big-tech": "Big Tech"}

    def ids(typed: str) -> tuple[tuple[str, ...], ...]:
        query = resolved(read(typed, NOW), sources, categories)
        return (query.sources, query.categories, query.notes)

    assert ids("source:tech") == (("tech",), (), ())
    assert ids("source:techc") == (("techcrunch_ai",), (), ())
    assert ids('source:"the verge" category:big') == (("verge",), ("big-tech",), ())
    assert ids("source:nobody") == (("nobody",), (), ("no source is called 'nobody'",))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "gpu",
                '"data center"',
                "-x",
                "source:a",
                "-category:b",
                "score:10..20",
                "after:2026-01-02",
                '"AND"',
                "ch*",
            ]
        )
    )
)
def test_a_query_can_be_spelled_and_read_again(parts: list[str]) -> None:
    query = read(" ".join(parts), NOW)
    assert read(spelled(query), NOW) == query


@pytest.mark.parametrize(
    ("text", "typed", "marked"),
    [
        ("Data centers and a data center", "data", ["Data", "data"]),
        ("A data-center in Oslo", '"data center"', ["data-center"]),
        ("Café Über ALLES", "cafe uber alles", ["Café", "Über", "ALLES"]),
        ("英伟达发布芯片", "芯片", ["芯片"]),
        ("category", "cat", []),
        ("overlap overlapping", "overlap", ["overlap"]),
        ("Rocket and rockets", "rock*", ["Rocket", "rockets"]),
        ("A data centre, data", '"data cent*"', ["data centre"]),
        ("Rocket", "r*", []),
        ("GPU", "-gpu", []),
        ("Die Straße (Köln)", "strasse koln", ["Straße", "Köln"]),
        ("Chips, “chip” and chip's", "chip", ["Chips", "chip", "chip's"]),
        ("U.S. tariffs", "us", ["U.S"]),
        ("An e-mail to AT&T", "email AT&T", ["e-mail", "AT&T"]),
        ("Αθήνα—τώρα", "αθηνα", ["Αθήνα"]),
        ("삼성전자가 공개", "삼성전자", ["삼성전자가"]),
        ("AI半導体を発表", "AI半導体", ["AI半導体"]),
    ],
)
def test_what_was_looked_for_is_marked(text: str, typed: str, marked: list[str]) -> None:
    assert [part for part, hit in highlighted(text, read(typed, NOW)) if hit] == marked


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=50), st.text(max_size=20))
def test_marking_loses_nothing_of_a_text(text: str, typed: str) -> None:
    assert "".join(part for part, _ in highlighted(text, read(typed, NOW))) == text
