from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.model import NO_REASON, Changes, Draft, Membership, RuleEffect, Source, Story
from aggregator.store import Arrival, SearchResult, Store
from aggregator.store.sqlite.text_index import expression
from aggregator.store.stories.search import Order, changes, strength
from aggregator.text.search_query import Query, read
from tests.aggregator.store.conftest import OpenStore
from tests.aggregator.store.test_store import NOON

DAY = timedelta(days=1)
SOURCES = [Source(id=name, name=name, url=f"https://{name}.example/feed", category="ai") for name in ("wire", "desk")]


class Shelf:
    """A store to which stories are added by title."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.at = NOON

    def tell(
        self,
        *titles: str,
        summary: str = "",
        sources: tuple[str, ...] = ("wire",),
        score: int = 50,
        category: str = "ai",
        at: datetime = NOON,
        author: str = "",
        tags: tuple[str, ...] = (),
    ) -> int:
        """Store a story with one entry per title; return its ID."""
        ids: list[int] = []
        for i, title in enumerate(titles):
            draft = Draft(guid=f"{title}{i}", link="", title=title, summary=summary, author=author, tags=tags)
            arrival = Arrival(draft, identity=f"{title}{i}", canonical_link="", digest="", word_count=10)
            ids += self.store.entries.add(sources[i % len(sources)], [arrival], at)
        story = Story(
            ids[0], titles[0], summary, ids[0], category, at, at, at, len(ids), len(ids), len(ids), score, score / 100,
            False, 0.0,
        )  # fmt: skip
        members = tuple(Membership(entry_id, ids[0], at, 1.0, 1.0, NO_REASON, "") for entry_id in ids)
        self.store.stories.save(Changes(members, (story,)))
        return ids[0]

    def ids_of(self, text: str, order: Order = "best", limit: int = 30) -> list[int]:
        """Return the IDs of the stories that match a search."""
        return [story.story.story_id for story in self.search(text, order, limit).stories]

    def search(self, text: str, order: Order = "best", limit: int = 30) -> SearchResult:
        return self.store.search.stories(read(text, NOON), order=order, limit=limit)


@pytest.fixture
def shelf(new_store: OpenStore) -> Shelf:
    store = new_store()
    store.feeds.sync(SOURCES, NOON)
    return Shelf(store)


def test_every_word_has_to_occur_and_quotes_make_a_phrase(shelf: Shelf) -> None:
    first, second = shelf.tell("Data center opens in Oslo"), shelf.tell("Center for data opens", score=80)
    assert set(shelf.ids_of("data center")) == {first, second}
    assert shelf.ids_of('"data center"') == [first]
    assert shelf.ids_of("data oslo") == [first]
    assert shelf.ids_of("DATA opens", "score") == [second, first]
    assert shelf.ids_of("nothing") == shelf.ids_of("") == []


def test_words_are_not_gathered_from_several_entries(shelf: Shelf) -> None:
    shelf.tell("Nvidia ships Rubin", "TSMC raises prices")
    assert shelf.ids_of("rubin prices") == []


def test_a_story_with_an_excluded_word_anywhere_is_left_out(shelf: Shelf) -> None:
    shelf.tell("Apple earnings", "Apple sells fewer iPhones, its earnings say")
    other = shelf.tell("Apple earnings call in full")
    assert shelf.ids_of("apple -iphones") == [other]
    assert shelf.ids_of('apple -"fewer iphones"') == [other]
    assert shelf.ids_of("-iphones") == [other]


def test_operators_narrow_alone_and_together(shelf: Shelf) -> None:
    old = shelf.tell("Chip act passed", at=NOON - 10 * DAY, score=20)
    new = shelf.tell("Chip act challenged", sources=("desk",), score=90, category="policy")
    assert shelf.ids_of("source:desk") == [new]
    assert shelf.ids_of("chip -source:desk") == [old]
    assert shelf.ids_of("category:policy") == shelf.ids_of("chip -category:ai") == [new]
    assert shelf.ids_of("score:>80") == shelf.ids_of("chip score:>=90") == shelf.ids_of("score:85..95") == [new]
    assert shelf.ids_of("score:<30 chip") == [old]
    assert shelf.ids_of("chip after:2d") == [new]
    assert shelf.ids_of(f"chip before:{NOON - DAY:%Y-%m-%d}") == [old]
    assert shelf.ids_of("chip source:desk score:<30") == []
    assert shelf.ids_of("category:policy source:desk act after:24h") == [new]


def test_a_source_is_that_of_the_entry_with_the_words(shelf: Shelf) -> None:
    story = shelf.tell("Trainium plant announced", "Gigawatts for a plant", sources=("wire", "desk"))
    assert shelf.ids_of("trainium source:wire") == [story]
    assert shelf.ids_of("trainium source:desk") == []


def test_a_result_names_the_entry_that_holds_the_words(shelf: Shelf) -> None:
    story = shelf.tell("Plant announced", "Gigawatts for a plant in Ohio")
    assert shelf.search("ohio").entries[story].title == "Gigawatts for a plant in Ohio"


def test_writing_without_spaces_is_found_by_any_part_of_it(shelf: Shelf) -> None:
    chinese = shelf.tell("英伟达发布新一代人工智能芯片")
    japanese = shelf.tell("エヌビディア、AI半導体を発表")
    thai = shelf.tell("ปัญญาประดิษฐ์ใหม่")
    assert shelf.ids_of("人工智能") == shelf.ids_of("芯片") == shelf.ids_of("英伟达 芯片") == [chinese]
    assert (
        shelf.ids_of("半導体")
        == shelf.ids_of("AI半導体")
        == shelf.ids_of("AI 発表")
        == shelf.ids_of("ai")
        == [japanese]
    )
    assert shelf.ids_of("ประดิษฐ์") == [thai]
    assert shelf.ids_of("片") == [chinese], "also by a single character"
    assert shelf.ids_of("-芯片 category:ai") == [thai, japanese]
    assert shelf.ids_of("智人") == []


def test_an_edit_and_a_prune_reach_the_index(shelf: Shelf) -> None:
    story = shelf.tell("英伟达发布")
    draft = Draft(guid="x", link="", title="苹果发布")
    shelf.store.entries.edit(story, Arrival(draft, identity="x", canonical_link="", digest="", word_count=1), NOON)
    assert shelf.ids_of("英伟达") == []
    assert shelf.ids_of("苹果") == [story]
    shelf.store.rebuild_search()
    assert shelf.ids_of("苹果") == [story]
    shelf.store.entries.prune(NOON + DAY)
    assert shelf.store.faults() == []
    shelf.store.count_words()
    index = shelf.store._connection.text_index
    assert [*index.beginning_with("英", 1, 30), *index.beginning_with("苹", 1, 30)] == []


def test_the_better_story_comes_first_where_the_words_fit_alike(shelf: Shelf) -> None:
    low, high = shelf.tell("Chip news one", score=10), shelf.tell("Chip news two", score=90)
    old = shelf.tell("Chip news six", score=90, at=NOON - 60 * DAY)
    assert shelf.ids_of("chip") == [high, low, old]


def test_a_title_that_is_about_the_words_beats_a_better_story_that_mentions_them(shelf: Shelf) -> None:
    for i in range(30):
        shelf.tell(f"Something else {i}")
    mentioned = shelf.tell(
        "Quarterly figures of many firms", summary="On page nine: " + "so and so " * 60 + "gallium", score=95
    )
    about = shelf.tell("Gallium export ban", score=40)
    assert shelf.ids_of("gallium") == [about, mentioned]


@given(text=st.floats(0.01, 50), relevance=st.floats(0, 1), age=st.floats(0, 5000))
def test_a_better_fit_a_higher_score_and_less_age_each_count_for_a_story(
    text: float, relevance: float, age: float
) -> None:
    here = strength(text, relevance, age)
    assert here > 0
    assert strength(text * 1.1, relevance, age) > here
    assert strength(text, relevance + 0.01, age) > here
    assert strength(text, relevance, age + 1) <= here


def test_worked_examples_of_the_strength() -> None:
    assert strength(4.0, 0.5, 0) == 4.0
    assert strength(4.0, 1.0, 0) == 6.0
    assert strength(4.0, 0.5, 14) == pytest.approx(4.0 * 0.625)


def test_the_nearest_words_of_the_index_are_returned(shelf: Shelf) -> None:
    shelf.tell("Nvidia and Anthropic", "Nvidia again")
    shelf.tell("Nvidia café")
    shelf.store.count_words()
    assert shelf.store.search.nearest("nvdia") == ["nvidia"]
    assert shelf.store.search.nearest("nvidai") == ["nvidia"]
    assert shelf.store.search.nearest("antrhopic") == ["anthropic"]
    assert shelf.store.search.nearest("natrhopic") == ["anthropic"]
    assert shelf.store.search.nearest("CAFÉS") == ["cafe"]
    assert shelf.store.search.nearest("zeppelin") == shelf.store.search.nearest("ab") == []


@pytest.mark.parametrize(
    ("word", "other", "away"),
    [
        ("gpu", "gpu", 0),
        ("gpu", "gup", 1),
        ("gpu", "gpus", 1),
        ("chip", "chop", 1),
        ("kitten", "sitting", None),
        ("", "ab", 2),
    ],
)
def test_how_far_two_words_are_apart(word: str, other: str, away: int | None) -> None:
    assert changes(word, other, 2) == changes(other, word, 2) == away


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (["gpu"], '("gpu" OR "gpus")'),
        (["companies"], '("companies" OR "company")'),
        (["2gw", "data centers", "英伟达"], '"2gw" AND "data centers" AND "英伟 伟达"'),
        (["AI半導体"], '"ai 半導 導体"'),
        (["片"], '"片" *'),
        (["title:x", "NEAR(a", "b)"], '"title x" AND "near a" AND "b"'),
        (["***", "\x00", 'a"b'], '"a b"'),
    ],
)
def test_words_become_quoted_strings_only(terms: list[str], expected: str) -> None:
    assert expression(terms) == expected


@pytest.fixture(scope="module")
def odd() -> Iterator[Store]:
    with Store.open(":memory:") as store:
        store.feeds.sync(SOURCES, NOON)
        Shelf(store).tell("Data center 英伟达", "title:x OR NEAR(a b) *")
        yield store


PIECES = st.sampled_from(
    ['"', "-", "*", "(", ")", ":", "^", "AND", "OR", "NOT", "NEAR", "source:", "score:>", "after:", "before:9999-99",
     "category:", "片", "é", "\x00", "\ud800", "{", "+", "\\", ";--", "data", " ", "9" * 5000, "7d", "9999w"]
)  # fmt: skip


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(text=st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=12).map("".join)))
def test_whatever_is_typed_means_something(odd: Store, text: str) -> None:
    query = read(text, NOON)
    assert isinstance(query, Query)
    odd.search.stories(query)
    for term in query.terms:
        odd.search.nearest(term)


def test_not_more_is_ranked_than_anyone_reads(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.store.stories.search.CANDIDATES", 3)
    ids = [shelf.tell(f"Chip {i}", at=NOON + i * DAY) for i in range(5)]
    assert sorted(shelf.ids_of("chip")) == ids[2:]


# Letters with diacritics match those without, and vice versa.


@pytest.mark.parametrize(
    ("headline", "typed"),
    [
        ("Η Αθήνα καλεί τους πολίτες", ("Αθηνα", "αθηνα", "ΑΘΗΝΑ", "αθήνα")),
        ("Neue Straße in Köln gesperrt", ("Strasse", "strasse", "koln", "KÖLN", "Ko\u0308ln")),
        ("København og Ærø får færge", ("Kobenhavn", "aero", "faerge")),
        ("Łódź otwiera tunel", ("Lodz", "łódź", "LODZ")),
        ("Ещё одна ёлка на площади", ("елка", "еще", "ЁЛКА")),
        ("الْقَاهِرَة تستضيف القمة", ("القاهرة", "القاهره", "القـاهرة")),
        ("أخبار إيران اليوم", ("اخبار", "ايران")),
        ("חֲדָשׁוֹת מירושלים", ("חדשות",)),
        ("Kılıçdaroğlu İstanbul'da konuştu", ("Kilicdaroglu", "istanbul'da", "İSTANBUL'DA")),
        ("Đoković pobijedio", ("Dokovic", "đoković")),
        ("U.S. tariffs rise", ("US tariffs", "us", "U.S.", "u.s. tariff")),
        ("AT&T's 2-gigawatt plant costs $1.4 million", ("AT&T", "2GW", '"2 gigawatts"', "1.4m", '"1.4 million"')),
        ("Chips and companies", ("chip", "company", "Chips", "companies")),
        ("A chip of one company", ("chips", "companies")),
        ("삼성전자가 반도체를 공개했다", ("삼성전자", "삼성전자는", "반도체", "반도체의")),
        ("Ｆｕｌｌ width ①", ("full", "１", "1")),
        ("Chloé’s façade naïveté", ("chloe", "facade", "naivete", "Chloe\u0301")),
        ("नई दिल्ली में बैठक", ("दिल्ली",)),
        ("Tiếng Việt hôm nay", ("tieng viet", "Việt")),
        ("C++ and C# beat e-mail", ("c++", "C#", "email", "e-mail")),
    ],
)
def test_one_notion_of_a_word_for_search_and_index(shelf: Shelf, headline: str, typed: tuple[str, ...]) -> None:
    shelf.tell("Something else entirely")
    story = shelf.tell(headline)
    assert {text: shelf.ids_of(text) for text in typed} == {text: [story] for text in typed}
    assert shelf.store.faults() == []


@pytest.mark.parametrize(
    ("headline", "typed"),
    [
        ("A new day", "news"),
        ("The news today", "new"),
        ("Data center opens", '"data centers"'),
        ("삼성물산이 발표", "삼성전자"),
        ("Category theory", "cat"),
    ],
)
def test_another_word_is_not_found(shelf: Shelf, headline: str, typed: str) -> None:
    shelf.tell(headline)
    assert shelf.ids_of(typed) == []


def test_authors_are_found_by_part_of_their_name_in_any_case(shelf: Shelf) -> None:
    ada = shelf.tell("Ships arrive", author="Ada Lovelace, Émile Zola")
    grace = shelf.tell("Ships leave", author="Grace Hopper")
    nobody = shelf.tell("Ships wait")

    assert shelf.ids_of('author:"ada love"') == [ada]
    assert shelf.ids_of("author:émile ships") == [ada]
    assert sorted(shelf.ids_of("author:ada author:grace")) == [ada, grace]
    assert sorted(shelf.ids_of("ships -author:grace")) == [ada, nobody]
    assert shelf.ids_of("author:%") == []


def test_kinds_are_those_of_the_lead_entry(shelf: Shelf) -> None:
    deal = shelf.tell("Best early Black Friday deals on chips", "Chip maker cuts prices")
    guide = shelf.tell("How to build a chip", tags=("Tutorials",))
    paid = shelf.tell("Chips for everyone", tags=("Sponsored",))
    news = shelf.tell("Chip maker opens a plant", "Save 40% off chips")

    assert shelf.ids_of("kind:deals") == [deal]
    assert shelf.ids_of("chips kind:how-to") == [guide]
    assert shelf.ids_of("kind:sponsored") == [paid]
    assert sorted(shelf.ids_of("chip -kind:deals -kind:sponsored")) == [guide, news]
    assert shelf.search("kind:poems").total == 0


def test_every_matching_story_is_returned_however_many_there_are(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.store.stories.search.CANDIDATES", 3)
    numbers = [shelf.tell(f"Chip number {i}", at=NOON - i * DAY) for i in range(9)]
    other = shelf.tell("Layoffs at a chip maker", score=90)

    assert shelf.store.search.matching(read("chip", NOON)) == {*numbers, other}
    assert shelf.store.search.matching(read("score:>0", NOON)) == {*numbers, other}
    for text, matches in (("chip", {5, other}), ("-layoffs", {5}), ("chip -layoffs", {5}), ("score:>80", {other})):
        assert shelf.store.search.matching(read(text, NOON), {5, other}) == matches, text
    assert shelf.store.search.matching(read("", NOON)) == set()
    assert shelf.store.search.matching(read("chip", NOON), set()) == set()


def test_a_search_keeps_muted_stories_and_a_list_leaves_them_out(shelf: Shelf) -> None:
    muted, other = shelf.tell("Chip layoffs"), shelf.tell("Chip plant")
    shelf.store.story_rules.replace(RuleEffect.MUTE, {muted: "layoffs"})

    assert sorted(shelf.ids_of("chip")) == [muted, other]
    query = replace(read("chip", NOON), listed_only=True)
    assert [item.story.story_id for item in shelf.store.search.stories(query).stories] == [other]
