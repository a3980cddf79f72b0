from __future__ import annotations

from random import Random

import pytest

from scoring.clustering.boilerplate import (
    DAYS,
    MAX_HEADLINES,
    MAX_SHINGLES,
    TEMPLATE_DAYS,
    EarlierHeadlines,
    Headlines,
    Templates,
    column,
    damped,
)
from scoring.language.analysed_text import AnalysedText, analyse

DAY = 86_400.0


def headlines(*titles: tuple[int, str]) -> EarlierHeadlines:
    return EarlierHeadlines((day, tuple(title.split()), 0) for day, title in titles)


def test_boilerplate_of_a_source_counts_little_and_the_rest_as_before() -> None:
    idf = {"kxan": 9.0, "plane": 6.0}

    usual = damped(idf, headlines(*[(n, f"word{n} kxan") for n in range(20)]))

    assert usual["kxan"] < 2.0
    assert usual["plane"] == 6.0


def test_a_few_headlines_damp_no_word() -> None:
    idf = {"kxan": 9.0}

    assert damped(idf, headlines((1, "kxan"), (2, "kxan"))) == idf


def test_a_column_stood_on_two_earlier_days() -> None:
    title = {"puzzl": 5.0, "hint": 3.0, "friday": 2.0}

    assert column(title, headlines((1, "puzzl hint monday"))) == 0.0
    assert column(title, headlines((1, "puzzl hint monday"), (1, "puzzl hint"))) == 0.0
    assert column(title, headlines((1, "puzzl hint monday"), (2, "puzzl tuesday"))) == pytest.approx(0.5)
    assert column({}, headlines((1, "puzzl"), (2, "puzzl"))) == 0.0


def test_headlines_of_today_too_old_or_without_a_source_are_ignored() -> None:
    habits = Headlines()
    habits.add("", ("nobody",), DAY)
    for day in range(1, 4):
        habits.add("paper", ("day", str(day)), day * DAY)

    assert list(habits.of("", 3 * DAY)) == []
    assert [day for day, _, _ in habits.of("paper", 3 * DAY)] == [1, 2]
    assert [day for day, _, _ in habits.of("paper", (DAYS + 1) * DAY)] == [2, 3]


def test_a_source_of_many_headlines_is_remembered_by_its_latest() -> None:
    habits = Headlines()
    for number in range(MAX_HEADLINES + 5):
        habits.add("paper", (str(number),), DAY + number)

    remembered = list(habits.of("paper", 2 * DAY))
    assert len(remembered) == MAX_HEADLINES
    assert remembered[-1] == (1, (str(MAX_HEADLINES + 4),), 0)


def entry(number: int, title: str, summary: str = "", source: str = "paper") -> AnalysedText:
    return analyse(entry_id=number, source_id=source, link="", title=title, summary=summary, at=0.0, arrived=0.0)


def test_wording_of_a_source_is_boilerplate_from_its_second_entry_on() -> None:
    templates = Templates()
    first = entry(1, "Flood warning for the Severn at Bewdley", "Act now and stay away from the riverside.")
    second = entry(2, "Flood warning for the Trent at Newark", "Act now and stay away from the riverside.")

    assert templates.terms(first) == frozenset()
    templates.add(first)
    assert templates.terms(second) == {"flood", "warn", "act", "stay", "away", "riversid"}
    assert templates.terms(entry(3, "Flood warning for the Trent at Newark", source="rival")) == frozenset()


PIECE = "The city chose Nordbygg to build the harbour tunnel, after two years of talks with four bidders."


@pytest.mark.parametrize(
    ("earlier", "headline", "republished"),
    [
        ([("Nordbygg wins the tunnel contract", PIECE)], "Harbour tunnel goes to Nordbygg at last", True),
        ([("Nordbygg wins the tunnel contract", PIECE)], "Four bidders lose the contract", False),
        ([("Nordbygg wins the tunnel contract", "Talks took years.")], "Nordbygg wins the harbour tunnel", False),
        ([("Bakers strike", PIECE), ("Nordbygg wins the tunnel contract", PIECE)], "Nordbygg builds the tunnel", False),
        ([(f"Nordbygg wins tunnel contract {n}", PIECE) for n in "ABC"], "Nordbygg builds the tunnel", False),
        ([("Best Nordbygg tunnel deals", PIECE)], "Best Nordbygg tunnel deals of today", False),
    ],
)
def test_a_piece_under_another_headline_is_republished(
    earlier: list[tuple[str, str]], headline: str, republished: bool
) -> None:
    habits = Headlines()
    for number, (title, summary) in enumerate(earlier):
        text = entry(number, title, summary)
        habits.add("paper", text.title, text.arrived, text.summary_hash)

    assert habits.republishes(entry(9, headline, PIECE)) == republished
    assert not habits.republishes(entry(9, headline, PIECE, source="rival"))


def test_a_summary_under_unrelated_headlines_is_constant() -> None:
    habits = Headlines()
    habits.add("paper", ("nordbygg", "tunnel"), 0.0, entry(1, "", PIECE).summary_hash)

    assert habits.has_constant_summary(entry(2, "Bakers strike", PIECE))
    assert not habits.has_constant_summary(entry(2, "Nordbygg digs", PIECE))
    assert not habits.has_constant_summary(entry(2, "Bakers strike", "Of the paper."))


def test_a_repeated_text_is_a_reprint_and_no_template() -> None:
    templates = Templates()
    body = "The city chose Nordbygg to build the tunnel for 3.1 billion, after two years of talks with four bidders."
    templates.add(entry(1, "Nordbygg wins the tunnel contract", body))

    assert templates.terms(entry(2, "Harbour tunnel goes to Nordbygg at last", body)) == frozenset()
    assert templates.terms(entry(3, "Nordbygg wins the tunnel contract")) == frozenset()


def test_wording_that_was_not_used_for_long_is_forgotten() -> None:
    templates = Templates()
    templates.add(entry(1, "Flood warning for the Severn at Bewdley"))
    for number in range(2, MAX_SHINGLES):
        templates.add(entry(number, f"alpha{number} beta{number} gamma{number} delta{number}"))

    assert templates.terms(entry(9, "Flood warning for the Trent at Newark")) == frozenset()


def test_wording_that_is_taken_in_later_is_the_same() -> None:
    at_once, later = Templates(), Templates()
    rng = Random(3)
    names = [f"name{number}" for number in range(40)]
    for number in range(400):
        title, summary = (" ".join(rng.choices(names, k=count)) for count in (rng.randint(1, 9), rng.randint(0, 30)))
        text = entry(number, title, summary, source=rng.choice(("paper", "rival")))
        at_once.add(text)
        # A live entry of the same source may come between them.
        (later.add if rng.random() < 0.3 else later.add_later)(text)

    assert later.state() == at_once.state()


def test_a_source_that_fell_silent_is_forgotten() -> None:
    habits, templates = Headlines(), Templates()
    habits.add("paper", ("flood",), DAY)
    templates.add(entry(1, "Flood warning for the Severn at Bewdley"))

    habits.advance(DAYS)
    templates.advance(TEMPLATE_DAYS - 1)
    assert list(habits.of("paper", 2 * DAY)) == [(1, ("flood",), 0)]
    assert templates.terms(entry(2, "Flood warning for the Trent at Newark"))

    habits.advance(DAYS + 1)
    templates.advance(TEMPLATE_DAYS)
    assert habits.state() == {}
    assert templates.state() == {}


def test_the_index_of_headlines_forgets_with_them() -> None:
    habits = Headlines()
    for number in range(MAX_HEADLINES + 3):
        habits.add("paper", ("kxan", f"word{number}", "kxan"), DAY + number)

    earlier = habits.of("paper", 2 * DAY)
    assert len(earlier) == len(earlier.with_term("kxan")) == MAX_HEADLINES
    assert list(earlier.with_term("word2")) == []
    assert [earlier.day(number) for number in earlier.with_term("word3")] == [1]


def test_summaries_are_forgotten_with_their_headlines() -> None:
    habits = Headlines()
    habits.add("paper", ("nordbygg", "tunnel"), DAY, entry(1, "", PIECE).summary_hash)
    again = entry(2, "Nordbygg builds the tunnel", PIECE)
    assert habits.republishes(again)

    habits.add("paper", ("bakers",), (DAYS + 1) * DAY)
    assert not habits.republishes(again)
