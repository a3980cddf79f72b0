"""The words that the text index holds of a text."""

from __future__ import annotations

import pytest

from aggregator.text.search_words import indexed


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
