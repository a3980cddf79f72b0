from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.store import Store
from scoring.relevance.model import load_prior
from scoring.topics.headline_index import Headlines, headline_terms
from scoring.topics.phrases import grown, is_generic, is_name, name_of, spelled
from scoring.topics.rising import Named, Rising, rising, topics
from scoring.topics.signals import Moment
from scoring.topics.updater import EVERY
from scoring.updater import Updater
from tests.scoring.world import CONFIG, HOUR, NOON, SOURCES, arrival, publish

QUIET = (
    "Council weighs plan for {} in the harbour district",
    "Survey of {} finds little change in the valley",
    "Museum opens a wing for {} after long delay",
    "Engineers test {} under winter conditions",
)
THINGS = ("bridges", "orchards", "trams", "kilns", "gardens", "canals", "lighthouses", "bakeries", "quarries", "parks")
RISE = (
    "Plover Bank halts withdrawals after outage",
    "Regulator questions Plover Bank over outage",
    "Customers of Plover Bank queue for cash on Tuesday",
    "Why Plover Bank fell silent overnight",
    "Plover Bank chief resigns",
    "Rival offers to buy Plover Bank",
)


def quiet_days(days: int = 8, a_day: int = 40) -> list[tuple[str, str, datetime]]:
    """Return title, voice and time of headlines spread evenly over many subjects."""
    results = []
    for number in range(days * a_day):
        title = QUIET[number % 4].format(THINGS[number % 10])
        results.append((title, f"voice{number % 12}", NOON + number * timedelta(days=1) / a_day))
    return results


def index(rows: list[tuple[str, str, datetime]]) -> Headlines:
    headlines = Headlines()
    for number, (title, voice, at) in enumerate(sorted(rows, key=lambda row: row[2]), start=1):
        headlines.add(number, title, voice, at, at)
    return headlines


END = NOON + timedelta(days=8)


def with_rise() -> list[tuple[str, str, datetime]]:
    return quiet_days() + [
        (title, f"voice{number}", END - timedelta(hours=number + 1)) for number, title in enumerate(RISE)
    ]


def test_a_phrase_that_many_sources_take_up_rises_under_its_full_name() -> None:
    listed = topics(Moment(index(with_rise()), END), END)

    assert [topic.name for topic, _ in listed][:1] == ["Plover Bank"]
    topic, entry_ids = listed[0]
    assert (topic.slug, topic.position, topic.entries, topic.sources) == ("plover-bank", 1, 6, 6)
    assert topic.burst > 3
    assert len(entry_ids) == 6


def test_nothing_rises_where_coverage_is_as_it_was() -> None:
    assert topics(Moment(index(quiet_days()), END), END) == []


def test_one_source_alone_makes_no_topic() -> None:
    rows = quiet_days() + [(title, "loud", END - timedelta(hours=n + 1)) for n, title in enumerate(RISE)]
    assert topics(Moment(index(rows), END), END) == []


def test_nothing_rises_before_anything_is_usual() -> None:
    rows = [(title, voice, at) for title, voice, at in with_rise() if at > END - timedelta(hours=30)]
    assert topics(Moment(index(rows), END), END) == []


def test_later_entries_do_not_change_earlier_topics() -> None:
    later = [(f"Plover Bank reopens, says paper {n}", f"voice{n}", END + n * HOUR) for n in range(1, 9)]
    before, after = index(with_rise()), index(with_rise() + later)
    assert rising(Moment(before, END)) == rising(Moment(after, END))


def test_no_weekday_no_frame_word_and_no_bare_number_is_a_term() -> None:
    terms = headline_terms("Watch live: latest news on Tuesday as 2020 iPhone 15 launches")
    assert "iphone" in terms
    assert "iphone 15" in terms
    assert not {"tuesday", "watch", "live", "latest", "news", "2020", "15"} & {w for t in terms for w in [t]}


@pytest.mark.parametrize(
    ("phrase", "titles", "rows"),
    [
        (("george", "floyd"), ["GEORGE FLOYD PROTESTS", "George Floyd's brother", "George Floyd case"], "George Floyd"),
        (("op", "ed"), ["An op-ed on levies", "The Op-ed page"], "Op-ed"),
        (("人工", "工智", "智能"), ["人工智能新闻"], "人工智能"),
        (("heron",), [], "heron"),
    ],
)
def test_a_topic_is_spelled_as_headlines_spell_it(phrase: tuple[str, ...], titles: list[str], rows: str) -> None:
    assert spelled(phrase, titles) == rows


def test_a_fragment_grows_into_its_phrase() -> None:
    titles = ["Double lung transplant saves woman", "First double lung transplant", "Double lung transplant in Ohio"]
    assert grown("lung", titles) == ("double", "lung", "transplant")
    assert grown("levy", ["Levy on servers", "Server levy halted"]) == ("levy",)


def test_a_common_word_is_not_a_name_and_an_uppercase_headline_does_not_decide() -> None:
    assert not is_name("earlier", ["Virus spread earlier than thought", "It Began Earlier Than We All Thought"])
    assert is_name("seattle", ["Protest in Seattle goes on"])
    assert is_name("抗议", ["抗议"])


def test_words_that_name_nothing_are_no_topic() -> None:
    headlines = (
        "AI agent books a table",
        "Is your AI agent spending?",
        "Why every AI agent needs a keeper",
        "AI agent sold",
    )
    rows = quiet_days() + [(title, f"voice{n}", END - timedelta(hours=n + 1)) for n, title in enumerate(headlines)]

    assert topics(Moment(index(rows), END), END) == []
    assert is_generic("ai agent")
    assert not is_generic("meta ai")


def test_two_words_without_a_capital_are_not_a_name() -> None:
    assert not is_name("low price", ["Vacuum falls to a low price", "Another low price for earbuds"])
    assert is_name("liquid glass", ["Apple softens Liquid Glass after complaints"])


def test_a_name_known_from_capitalised_headlines_only_must_be_a_rare_word() -> None:
    titles = ["Ryzen Processors Now Sold In Every Store", "The House Votes On Ryzen Imports"]
    assert is_name("ryzen", titles)
    assert not is_name("house", titles)


@pytest.mark.parametrize(
    ("term", "titles", "name"),
    [
        (
            "ewing",
            ["Co-founder Ada Ewing leaves", "Bank loses co-founder Ada Ewing", "Co-founder Ada Ewing is out"],
            "Ada Ewing",
        ),
        ("trace", ["Test and trace begins", "Delays of test and trace", "Is test and trace safe?"], "test and trace"),
        ("plover", ["Plover hires ex-chief", "Plover hires ex-banker", "Plover Hires Ex-Chief"], "Plover"),
        ("meta ai", ["Meta AI glasses sell out", "Meta AI glasses arrive", "New Meta AI glasses"], "Meta AI glasses"),
    ],
)
def test_a_name_starts_and_ends_where_it_does_in_headlines(term: str, titles: list[str], name: str) -> None:
    assert name_of(term, titles)[1] == name


def test_singular_and_plural_are_one_topic() -> None:
    headlines = ("Oscars begin in Zurich", "Oscars for the young", "An Oscar for Zurich", "Oscar night ran long")
    rows = quiet_days() + [
        (title, f"voice{n}", END - timedelta(hours=n % 6 + 1)) for n, title in enumerate(headlines * 3)
    ]
    names = [topic.name.rstrip("s") for topic, _ in topics(Moment(index(rows), END), END)]

    assert names.count("Oscar") == 1


@given(st.lists(st.sampled_from([*RISE, *(q.format(t) for q in QUIET for t in THINGS)]), max_size=40))
def test_an_edited_headline_counts_as_if_it_had_come_so(titles: list[str]) -> None:
    edited, fresh = Headlines(), Headlines()
    for number, title in enumerate(titles, start=1):
        at = NOON + number * HOUR
        edited.add(number, f"Draft {number % 3} of a headline", "one", at, at)
        fresh.add(number, title, "one", at, at)
    for number, title in enumerate(titles, start=1):
        edited.edit(number, title)
    moment = NOON + 50 * HOUR
    first, other = Moment(edited, moment), Moment(fresh, moment)
    assert list(edited.terms(first.begin, first.end, 1)) == list(fresh.terms(other.begin, other.end, 1))


def test_pruned_headlines_do_not_change_the_topics() -> None:
    rows = quiet_days(days=40, a_day=60)
    end = rows[-1][2]
    full, pruned = index(rows), index(rows)
    pruned.forget(end - timedelta(days=8))
    assert len(pruned) < len(full) / 2
    first, other = Moment(full, end), Moment(pruned, end)
    signals = {t: first.signals(t, numbers) for t, numbers in full.terms(first.day, first.end, 3)}
    assert signals == {t: other.signals(t, numbers) for t, numbers in pruned.terms(other.day, other.end, 3)}


# In the worker


def tell(store: Store, rows: list[tuple[str, str, datetime]]) -> None:
    for number, (title, _, at) in enumerate(sorted(rows, key=lambda row: row[2])):
        publish(
            store, (at, [arrival(f"{title} ({at:%d%H%M})", "", SOURCES[number % 6].id, at)], SOURCES[number % 6].id)
        )


def test_the_worker_finds_topics_and_a_restart_and_a_rebuild_find_the_same() -> None:
    with Store.open(":memory:") as store:
        store.feeds.sync(SOURCES, NOON)
        rows = with_rise()
        first, rest = rows[: len(rows) // 2], rows[len(rows) // 2 :]
        tell(store, first)
        updater = Updater(store, CONFIG, load_prior())
        updater.run(NOON + timedelta(days=4))
        tell(store, rest)
        updater.run(END)
        listed = store.topics.rising()
        assert [topic.name for topic in listed] == ["Plover Bank"]
        assert store.topics.stories("plover-bank")

        Updater(store, CONFIG, load_prior()).run(END + EVERY)
        again = store.topics.rising()
        assert [(t.slug, t.entries) for t in again] == [(t.slug, t.entries) for t in listed]

        Updater(store, CONFIG, load_prior()).rebuild(END)
        assert store.topics.rising() == listed


def test_a_topic_that_no_front_page_would_carry_is_left_out() -> None:
    sale = [
        "Save $200 on the Bosgrove robot vacuum in the spring sale",
        "The best Bosgrove robot vacuum deals today: 40% off",
        "Bosgrove robot vacuum discount: lowest price ever",
        "This Bosgrove robot vacuum is 50% off at Amazon",
        "How to clean your Bosgrove robot vacuum: five tips",
        "Bosgrove robot vacuum drops to its best price, save now",
    ]
    rows = [(title, "", END - timedelta(hours=number + 1)) for number, title in enumerate(sale)]
    with Store.open(":memory:") as store:
        store.feeds.sync(SOURCES, NOON)
        tell(store, with_rise() + rows)
        Updater(store, CONFIG, load_prior()).run(END)
        assert [topic.name for topic in store.topics.rising()] == ["Plover Bank"]
    assert (
        len(rising(Moment(index(quiet_days() + [(t, f"voice{n}", at) for n, (t, _, at) in enumerate(rows)]), END))) == 1
    )


def test_an_outdated_topic_is_removed_with_a_new_edition() -> None:
    with Store.open(":memory:") as store:
        store.feeds.sync(SOURCES, NOON)
        tell(store, with_rise())
        updater = Updater(store, CONFIG, load_prior())
        updater.run(END)
        edition = store.state.edition()

        updater.run(END + timedelta(minutes=5))
        assert [topic.name for topic in store.topics.rising()] == ["Plover Bank"]

        updater.run(END + timedelta(hours=40))
        assert store.topics.rising() == []
        assert store.topics.get("plover-bank") is not None
        assert store.state.edition() > edition


@pytest.mark.parametrize("word", ["European", "US", "API", "machine", "avoid"])
def test_a_word_that_names_nothing_alone_is_shown_in_its_phrase_or_not_at_all(word: str) -> None:
    before, after = ("Harbour", "Valley", "Old", "Stone"), ("lathes", "levies", "looms", "lanterns")
    apart = [f"{first} {word} {thing} weighed again" for first, thing in zip(before, after, strict=True)]
    together = [f"Why {word} learning {verb} this valley" for verb in ("divides", "delights", "worries", "moves")]

    def names(headlines: list[str]) -> list[str]:
        rows = [(title, f"voice{n % 4}", END - timedelta(hours=n % 4 + 1)) for n, title in enumerate(headlines * 3)]
        return [topic.name for topic, _ in topics(Moment(index(quiet_days() + rows), END), END)]

    assert word not in names(apart)
    assert f"{word} learning" in names(together)


def seen(headlines: list[str], voices: int) -> list[str]:
    """Return the topics of a day with these headlines, one after the other from that many sources."""
    rows = [(title, f"voice{n % voices}", END - timedelta(hours=n % 9 + 1)) for n, title in enumerate(headlines)]
    return [topic.name for topic, _ in topics(Moment(index(quiet_days() + rows), END), END)]


def test_a_lone_word_needs_more_sources_than_a_name() -> None:
    verbs = ("divides", "delights", "worries", "moves", "angers", "puzzles", "charms", "alarms", "tires")
    assert "Heron" in seen([f"Why Heron {verb} people" for verb in verbs[:4]], 4)
    assert "statue" not in seen([f"Why a statue {verb} people" for verb in verbs[:4]], 4)
    nine_entries = [f"Why a statue {verb} people" for verb in verbs]
    assert "statue" in seen(nine_entries, 6)
    assert "statue" not in seen(nine_entries, 5)
    assert "statue" not in seen(nine_entries[:7], 7)
    # "Computer" of "Perplexity's Personal Computer" and "Acme Computer Works": capitalization does not make it a name.
    assert "Computer" not in seen([f"Why the Acme Computer {verb} people" for verb in verbs[:2]] * 2, 4)


def test_two_words_of_one_report_are_one_topic() -> None:
    report = ["spread without symptoms is rare", "is it rare that it spread?", "why its spread is rare", "rare spread"]
    assert len({"rare", "spread"} & set(seen(report * 3, 9))) <= 1


@pytest.mark.parametrize(
    ("term", "titles", "name"),
    [
        ("worship", ["Houses of worship open", "Houses of worship safe?", "Houses of worship"], "Houses of worship"),
        ("zealand", ["New Zealand votes", "A vote in New Zealand", "Why New Zealand worries"], "New Zealand"),
        ("heron", ["A new Heron is out", "The new Heron", "Heron 2 at last"], "Heron"),
        ("heron", ["Valley firm Heron is sold", "Buyer for valley firm Heron", "The valley firm Heron"], "Heron"),
        ("heron ceo", ["Heron CEO resigns", "Why Heron CEO left", "After Heron CEO"], "Heron"),
    ],
)
def test_a_phrase_takes_in_what_belongs_to_it(term: str, titles: list[str], name: str) -> None:
    assert name_of(term, titles)[1] == name


def test_a_name_in_a_script_without_spaces_is_complete_and_without_particles() -> None:
    titles = ["特朗普签署行政令", "特朗普的新计划", "法院驳回特朗普诉讼"]
    assert name_of("特朗", titles)[1] == "特朗普"
    assert not {term for term in headline_terms("特朗普的新计划") if "的" in term}
    assert is_generic("人工 工智 智能")
    assert not is_generic("特朗 朗普")


def test_a_word_takes_in_neighbors_that_a_name_would_not() -> None:
    titles = ["A parallel universe found", "Is the parallel universe real?", "How old the universe is", "Old universe"]
    assert name_of("universe", titles, is_written_as_name=True)[1] == "universe"
    assert name_of("universe", titles, is_written_as_name=False)[1] == "parallel universe"


def test_a_number_and_a_day_end_a_name() -> None:
    assert grown("memorial", ["Memorial Day sales", "Crowds on Memorial Day", "Memorial Day parade"]) == (
        "memorial",
        "day",
    )
    assert name_of("atlas", ["Atlas 2 is out", "Halden's Atlas 2 doubts", "Atlas 2 opens"])[1] == "Atlas 2"


def test_a_name_carries_no_half_of_a_quotation() -> None:
    titles = [
        "Pandemic 'without vaccine' feared",
        "A pandemic 'without vaccine'",
        "Is a pandemic 'without vaccine' over?",
    ]
    assert name_of("without vaccine", titles)[1].count("'") in (0, 2)


def test_short_and_long_form_of_a_name_are_one_topic() -> None:
    described = Rising("ewing", 0.5, 4.0, 4, 4, 0.0)

    def named(*phrase: str, entries: set[int]) -> Named:
        return Named(described, phrase, " ".join(phrase), frozenset(entries), is_written_as_name=True)

    short, other = named("ewing", entries={1, 2, 3, 4}), named("ewing", "levy", entries={4, 5, 6, 7})
    assert named("ada", "ewing", entries={3, 4, 5, 6}).repeats(short)
    assert not other.repeats(short), "one entry in common is no reason"
    assert not named("plover", entries={3, 4, 5, 6}).repeats(short)
    first, two = (
        named("docs", "sheets", "slides", entries={1, 2, 3, 4}),
        named("sheets", "slides", "drive", entries={2, 3, 4}),
    )
    assert first.repeats(two)
    assert not first.repeats(named("sheets", "slides", "drive", entries={4, 5, 6}))


def test_a_column_of_one_source_is_not_a_topic() -> None:
    serial = [(f"Heron Hour number {n}", "voice0", END - timedelta(hours=n % 20 + 1)) for n in range(20)]
    others = [(f"Heron Hour as heard by {n}", f"voice{n}", END - timedelta(hours=n)) for n in (1, 2)]
    assert topics(Moment(index(quiet_days() + serial + others), END), END) == []
