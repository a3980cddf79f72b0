from __future__ import annotations

import json
from collections import Counter, deque
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.engine.snapshot import dumps, loads
from scoring.language.terms import Background, DocumentFrequency
from scoring.relevance.news_context import Surroundings

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
KEYS = st.text() | st.integers() | st.tuples(st.text(), st.integers())
STATES = st.recursive(
    PLAIN | st.datetimes().map(lambda moment: moment.replace(tzinfo=UTC, fold=0)) | st.timedeltas(),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.lists(inner).map(lambda items: deque(items, maxlen=9))
        | st.sets(st.text())
        | st.frozensets(st.integers())
        | st.dictionaries(KEYS, inner)
        | st.dictionaries(st.integers(), st.floats(allow_nan=False))
        | st.dictionaries(st.text(), st.integers()).map(Counter)
    ),
)


@given(STATES)
def test_what_was_written_comes_back(state: object) -> None:
    back = loads(dumps(state, {}), {})

    assert back == state
    assert repr(back) == repr(state) or "{" in repr(state)  # the order of a set is nobody's
    assert type(back) is type(state)


def test_an_object_that_stood_in_two_places_is_one_again() -> None:
    frequency = DocumentFrequency(Background(10, {"chip": 2}))
    frequency.add({"chip", "deal"}, 5)
    outside: dict[str, object] = {"background": frequency._background}

    one, (other,) = loads(dumps([frequency, (frequency,)], outside), outside)

    assert one is other is not frequency
    assert one._background is frequency._background
    assert one.idf("chip") == frequency.idf("chip")


def test_a_state_goes_on_as_the_one_it_was_taken_from() -> None:
    titles = ["Amazon rents chips", "OpenAI signs for Amazon chips", "Ferry docks in the fjord", "Chips for Amazon"]
    steady = Surroundings()
    for number, title in enumerate(titles):
        steady.take(title, f"voice {number}", number * 60.0)

    back = loads(dumps(steady, {}), {})

    assert back.take("Amazon chips again", "other", 400.0) == steady.take("Amazon chips again", "other", 400.0)
    assert dumps(back, {}) == dumps(steady, {})


@pytest.mark.parametrize(
    "name", ["os:system", "scoring.engine.live_story:settle", "scoring.nowhere:Thing", "builtins:object"]
)
def test_nothing_but_a_class_of_this_package_is_made(name: str) -> None:
    with pytest.raises(TypeError, match=name.split(":")[1]):
        loads(json.dumps([10, name, None, "rm"]), {})


def test_what_is_not_known_to_come_back_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot be part"):
        dumps([datetime(2026, 11, 17, tzinfo=UTC), timedelta(1), object()], {})
