"""Messages that are English now and may be translated later."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime

import pytest

from aggregator.errors import DecisionError
from aggregator.translatable import Translatable, message_of, read_back, stored


def test_a_message_is_its_text_in_english() -> None:
    message = Translatable(
        "%(n)s pages, story %(id)s, %(day)s", n=1000, id="1000", day=datetime(2026, 11, 3, tzinfo=UTC)
    )
    assert message == "1,000 pages, story 1000, 03 November 2026"
    assert json.dumps([message]) == '["1,000 pages, story 1000, 03 November 2026"]'


def test_a_text_without_values_may_hold_a_percent_sign() -> None:
    assert Translatable("100% of it") == "100% of it"


def test_an_error_keeps_what_is_needed_to_translate_its_message() -> None:
    error = DecisionError(Translatable("there is no story %(story)s", story="5"))
    message = message_of(error)
    assert isinstance(message, Translatable)
    assert (message.template, message.values) == ("there is no story %(story)s", {"story": "5"})
    assert str(error) == "there is no story 5"
    assert message_of(DecisionError("in English only")) == "in English only"
    assert message_of(ValueError()) == ""


def test_copies_are_translatable_too() -> None:
    message = Translatable("%(n)s pages", n=2)
    for copied in (copy.deepcopy(message), pickle.loads(pickle.dumps(message))):
        assert (copied, copied.template, copied.values) == ("2 pages", "%(n)s pages", {"n": 2})


def test_a_stored_message_is_still_translatable() -> None:
    reason = Translatable("status %(status)s", status="410")
    message = Translatable("%(n)s tries, %(loss)s: %(why)s", n=1200, loss=0.25, why=reason)
    back = read_back(stored(message))
    assert isinstance(back, Translatable)
    assert (back, back.template, back.values) == ("1,200 tries, 0.2500: status 410", message.template, message.values)
    assert isinstance(back.values["why"], Translatable)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "550 no such user",
        '{"template": ',
        '{"template": "%(n)s"}',
        '{"template": "%(n)s", "values": {"m": "x"}}',
        '{"template": "%d", "values": {"n": "x"}}',
        '{"template": 5, "values": {}}',
        '{"template": "%(n)s", "values": {"n": [1]}}',
    ],
)
def test_other_text_is_read_back_as_it_is(text: str) -> None:
    assert read_back(stored(text)) == text
    assert not isinstance(read_back(text), Translatable)
