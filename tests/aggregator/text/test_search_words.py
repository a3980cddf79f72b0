"""The words of a text in the text index."""

from __future__ import annotations

import pytest

from aggregator.text.search_words import indexed, wanted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Amazon's 2-gigawatt plant", {"amazon", "2gw", "gigawatt", "plant"}),
        ("OpenAI takes 2 gigawatts", {"openai", "takes", "2gw", "gigawatts"}),
        ("A fine of $1.4 million", {"a", "fine", "of", "1.4m", "million"}),
        ("9,700 servers", {"9700", "servers"}),
    ],
)
def test_an_amount_is_found_by_its_unit_too(text: str, expected: set[str]) -> None:
    assert set(indexed(text).split()) == expected


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("Straße", "strasse"),
        ("STRASSE", "straße"),
        ("Smørrebrød", "smorrebrod"),
        ("Łódź", "lodz"),
        ("Đà Nẵng", "da nang"),
        ("Iğdır", "igdir"),
        ("İstanbul", "istanbul"),
        ("ёлка", "елка"),
        ("ΑΘΗΝΑ", "αθήνα"),
        ("مُحَمَّد", "محمد"),
        ("أحمد", "احمد"),
        ("پاكستان", "پاکستان"),
        ("علي", "علی"),
        ("שָׁלוֹם", "שלום"),
        ("U.S. stocks", "US"),
        ("US stocks", "u.s."),
        ("cafe\u0301", "café"),
        ("Þór", "thor"),
        ("ﬁnance", "finance"),
        ("ＡＩ", "AI"),
        ("ﾃﾞｰﾀ", "データ"),
    ],
)
def test_a_word_is_found_by_its_other_spellings(text: str, typed: str) -> None:
    term = wanted(typed)
    assert term is not None
    assert " ".join(term.phrase) in indexed(text)


@pytest.mark.parametrize("text", ["삼성전자가", "삼성전자는", "삼성전자"])
def test_a_korean_word_is_found_with_its_particle(text: str) -> None:
    term = wanted("삼성전자")
    assert term is not None
    assert term.fits(0, indexed(text))
