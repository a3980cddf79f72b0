from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.model import NO_REASON, Entry, Membership
from scoring.insights.key_facts import Facts, key_facts
from scoring.language.amounts import capitals, figures, names, numbers, sentences, sentences_of_html

AT = datetime(2026, 11, 17, 8, tzinfo=UTC)


def members_of(*entries: tuple[str, str, str] | tuple[str, str, str, str]) -> list[tuple[Entry, Membership]]:
    """Return entries of (source, headline, summary[, voice])."""
    facts = []
    for i, (source, title, summary, *voice) in enumerate(entries, start=1):
        at = AT + timedelta(minutes=i)
        entry = Entry(i, source, f"{source}-{i}", f"https://{source}.example/{i}", title, summary, at)
        facts.append((entry, Membership(i, 1, at, 1.0, 1.0, NO_REASON, voice[0] if voice else source)))
    return facts


def sides(facts: Facts) -> list[list[tuple[str, list[str]]]]:
    return [[(s.figure, [e.source_id for e in s.said_by]) for s in d.sides] for d in facts.differences]


# Figures


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("It takes 1.4 million Trainium chips.", [("1.4 million Trainium chips", 1.4e6, "chip")]),
        ("A 2-gigawatt order, or 2GW.", [("2-gigawatt", 2, "gigawatt"), ("2GW", 2, "gigawatt")]),
        (
            "Worth $318 million or 2.6 billion euros.",
            [("$318 million", 3.18e8, "$"), ("2.6 billion euros", 2.6e9, "€")],
        ),
        ("Shares rose 3.1 percent, then 12%.", [("3.1 percent", 3.1, "%"), ("12%", 12, "%")]),
        ("It ported 400 GPU kernels in eight weeks.", [("400 GPU kernels", 400, "kernel"), ("eight weeks", 8, "week")]),
        ("About 320 billable actions were counted.", [("320 billable actions", 320, "action")]),
        ("A context of two million tokens is enough.", [("two million tokens", 2e6, "token")]),
        ("At 30 to 40 percent more work.", [("30 to 40 percent", 40, "%")]),
    ],
)
def test_an_amount_has_a_value_and_a_unit(sentence: str, expected: list[tuple[str, float, str]]) -> None:
    assert [(f.text, f.value, f.unit) for f in figures(sentence)] == expected


@pytest.mark.parametrize(
    "sentence",
    [
        "Atlas 2 and GPT-4 and Trainium3 and v1.2.3 are names.",
        "On 19 November 2026 at 09:30, and by June 2027.",
        "Move-in at phase 3 began; see section 230.",
        "The 5G network and the 3D printer.",
        "In 2027 people hope for more.",
        "It is a matter of 3 or 4.",
        "Up 3 percent points.",
        "He came at 9 a.m. and left.",
        "https://news.example/2026/11/1200-chips",
    ],
)
def test_other_numbers_are_not_amounts(sentence: str) -> None:
    assert figures(sentence) == []


@pytest.mark.parametrize(
    ("first", "other", "same", "differs"),
    [
        ("1.4 million chips", "1.43 million chips", True, False),
        ("1.4 million chips", "1.5 million chips", False, False),
        ("1.4 million chips", "1.8 million chips", False, True),
        ("12 people", "14 people", False, True),
        ("60 papers", "62 papers", False, False),
        ("more than 12 people", "14 people", False, False),
        ("12 people", "12 chips", False, False),
    ],
)
def test_amounts_are_compared_as_exactly_as_they_are_printed(first: str, other: str, same: bool, differs: bool) -> None:
    (a,), (b,) = figures(first), figures(other)
    assert (a.same(b), b.same(a)) == (same, same)
    assert (a.differs(b), b.differs(a)) == (differs, differs)


def test_sentences_end_where_they_end() -> None:
    text = 'The U.S. agreed. Mr. Smith paid 1.5 euros at 3 p.m. on Monday. "Yes." He said: go! Now?'
    assert sentences(text) == [
        "The U.S. agreed.",
        "Mr. Smith paid 1.5 euros at 3 p.m. on Monday.",
        '"Yes."',
        "He said: go!",
        "Now?",
    ]
    assert sentences("第一句。第二句！") == ["第一句。", "第二句！"]
    assert sentences_of_html("<h2>No full stop</h2><p>One. Two.</p>") == ["No full stop", "One.", "Two."]


def test_names_are_words_with_capitals() -> None:
    assert names("Deliveries to OpenAI's campus in Indiana start on Monday.") == {"openai", "indiana"}
    assert capitals("Deliveries to Indiana start.") == {"deliveries", "indiana"}
    assert numbers("1,400 of 2.5, in 2026.") == {"1400", "2.5", "2026"}


@settings(max_examples=60)
@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    for sentence in sentences(text):
        assert sentence == " ".join(sentence.split())
        figures(sentence)
        names(sentence)


# Facts


def test_what_several_sources_say_is_one_fact_with_all_of_them() -> None:
    facts = key_facts(
        members_of(
            ("ledger", "Veldra files to go public", "Veldra reported revenue of $318 million in nine months."),
            ("wire", "Optics maker Veldra plans offering", "Revenue of Veldra reached $318 million, the filing shows."),
            ("mirror", "Veldra files to go public", "Veldra reported revenue of $318 million in nine months.", "wire"),
        )
    )
    (fact,) = facts.facts
    assert fact.text == "Veldra reported revenue of $318 million in nine months."
    assert [entry.source_id for entry in fact.said_by] == ["ledger", "wire", "mirror"]
    assert fact.voices == 2
    assert fact.figures == ("$318 million",)
    assert [(text, len(by)) for text, by in facts.agreed] == [("$318 million", 3)]
    assert facts.differences == ()


@pytest.mark.parametrize(
    "sentence",
    [
        "It holds 1.4 million chips in the halls of Veldra.",
        "This brings Veldra to revenue of $318 million.",
        "Could Veldra be worth $318 million by now?",
        "Subscribe to Veldra Daily for $318 and read more.",
        "You can buy shares of Veldra for $318 million.",
        "Veldra has a factory in Ghent and plans another.",
        "Revenue rose to $318 million over the past months.",
        "Elsewhere, Borealis Foods sold 12 million tins of fish.",
        "Veldra said that its revenue was $318 million in the nine months to…",
    ],
)
def test_a_sentence_that_cannot_stand_alone_is_not_a_fact(sentence: str) -> None:
    assert key_facts(members_of(("ledger", "Veldra files to go public", sentence))).facts == ()


def test_a_disputed_figure_is_shown_with_its_sources() -> None:
    facts = key_facts(
        members_of(
            ("ledger", "Blast at Veldra plant", "The blast at the Veldra plant in Ghent injured 12 workers."),
            ("wire", "Veldra plant hit by blast", "A blast at the Veldra plant in Ghent injured 14 workers."),
            ("local", "Ghent: blast at plant", "A blast at the Veldra plant in Ghent injured 14 workers."),
        )
    )
    assert sides(facts) == [[("12 workers", ["ledger"]), ("14 workers", ["wire", "local"])]]
    assert facts.facts == ()


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ("The blast in Ghent injured 12 workers on Monday.", "The blast in Ghent injured 14 workers on Tuesday."),
        ("The blast in Ghent injured about 12 workers.", "The blast in Ghent injured 14 workers."),
        ("The blast in Ghent injured 12 workers, 14 workers said.", "The blast in Ghent injured 14 workers."),
        ("The blast in Ghent injured 12 workers.", "The plant in Ghent employs 140 workers."),
        ("The blast in Ghent cost 12 million euros.", "The blast in Ghent cost 14 million pounds."),
        ("The blast in Ghent injured 12 workers.", "The blast in Ghent could have injured 14 workers."),
        ("The blast in Ghent injured 12 workers.", "The second blast in Ghent injured 14 workers."),
    ],
)
def test_compatible_figures_are_not_a_difference(first: str, other: str) -> None:
    assert key_facts(members_of(("a", "Blast at Ghent plant", first), ("b", "Blast in Ghent", other))).differences == ()


def test_one_voice_does_not_differ_from_itself() -> None:
    first, other = "The blast in Ghent injured 12 workers.", "The blast in Ghent injured 14 workers."
    assert (
        key_facts(members_of(("a", "Ghent blast", first, "wire"), ("b", "Ghent blast", other, "wire"))).differences
        == ()
    )


def test_facts_do_not_depend_on_chance_and_are_bounded() -> None:
    many: Sequence[tuple[str, str, str]] = [
        (f"s{i}", "Veldra opens plant in Ghent", f"Veldra will make {i + 10} lasers at hall {i} in Ghent. " * 3)
        for i in range(70)
    ]
    entries = members_of(*many)
    assert key_facts(entries) == key_facts(entries)
    assert len(key_facts(entries).facts) <= 6
    assert len(key_facts(entries).differences) <= 3


def test_a_story_without_entries_has_no_facts() -> None:
    assert key_facts([]) == Facts((), (), ())
