from __future__ import annotations

import pytest

from scoring.clustering.boilerplate import DAYS, HEADLINES, Habits, column, damped

DAY = 86_400.0


def headlines(*titles: tuple[int, str]) -> list[tuple[int, tuple[str, ...]]]:
    return [(day, tuple(title.split())) for day, title in titles]


def test_what_a_source_writes_above_everything_tells_little_and_the_rest_as_much_as_ever() -> None:
    idf = {"kxan": 9.0, "plane": 6.0}

    usual = damped(idf, headlines(*[(n, f"word{n} kxan") for n in range(20)]))

    assert usual["kxan"] < 2.0
    assert usual["plane"] == 6.0


def test_a_few_headlines_are_no_habit() -> None:
    idf = {"kxan": 9.0}

    assert damped(idf, headlines((1, "kxan"), (2, "kxan"))) == idf


def test_a_column_stood_on_two_earlier_days() -> None:
    title = {"puzzl": 5.0, "hint": 3.0, "friday": 2.0}

    assert column(title, headlines((1, "puzzl hint monday"))) == 0.0
    assert column(title, headlines((1, "puzzl hint monday"), (1, "puzzl hint"))) == 0.0
    assert column(title, headlines((1, "puzzl hint monday"), (2, "puzzl tuesday"))) == pytest.approx(0.5)
    assert column({}, headlines((1, "puzzl"), (2, "puzzl"))) == 0.0


def test_what_came_on_the_same_day_or_long_ago_or_of_nobody_is_not_looked_at() -> None:
    habits = Habits()
    habits.add("", ("nobody",), DAY)
    for day in range(1, 4):
        habits.add("paper", ("day", str(day)), day * DAY)

    assert habits.of("", 3 * DAY) == []
    assert [day for day, _ in habits.of("paper", 3 * DAY)] == [1, 2]
    assert [day for day, _ in habits.of("paper", (DAYS + 1) * DAY)] == [2, 3]


def test_a_source_of_many_headlines_is_remembered_by_its_latest() -> None:
    habits = Habits()
    for number in range(HEADLINES + 5):
        habits.add("paper", (str(number),), DAY + number)

    kept = habits.of("paper", 2 * DAY)
    assert len(kept) == HEADLINES
    assert kept[-1] == (1, (str(HEADLINES + 4),))
