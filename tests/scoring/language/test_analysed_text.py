from __future__ import annotations

from datetime import UTC, datetime

import pytest

from scoring.language.analysed_text import AnalysedText, analyse
from scoring.language.dates import mark_dates
from scoring.language.headline_kinds import kinds, stock_terms


def text(title: str, summary: str = "") -> AnalysedText:
    return analyse(entry_id=1, source_id="s", link="", title=title, summary=summary, at=0.0, arrived=0.0)


@pytest.mark.parametrize(
    ("title", "terms"),
    [
        ("Kubernetes 1.33 is out", ("kubernet", "kubernet|1.33")),
        ("AirPods Max 2: better sound", ("airpod", "max", "max|2", "better", "sound")),
        ("Cloudmere cuts 1,100 jobs", ("cloudmer", "cut", "1100", "job")),
        ("Velora raises $1.4 million", ("velora", "rais", "1.4m")),
        ("Part 2 of the harbour series", ("part", "harbour", "sery")),
    ],
)
def test_a_version_belongs_to_the_word_before_it_and_an_amount_to_none(title: str, terms: tuple[str, ...]) -> None:
    assert text(title).title == terms


def test_a_vulnerability_is_named_in_the_title_or_the_summary() -> None:
    assert text("Patch now: CVE-2025-5777", "Related to CVE-2023-4966, says CVE.").vulnerabilities == {
        "2025-5777",
        "2023-4966",
    }
    assert text("Patch now: CVE-2025-5777").versions == ()


@pytest.mark.parametrize(
    ("title", "dates", "left"),
    [
        ("Aries horoscope today, November 17, 2026", {"11-17"}, ("ari", "horoscop")),
        ("Flood warning until 4:00PM CST on Friday", set(), ("flood", "warn")),
        ("Numbers of 11/28/2026", {"11-28"}, ("number",)),
        ("Numbers of 3/4/2026", {"3-4", "4-3"}, ("number",)),
        ("Urteil vom 17.11.2026", {"11-17"}, ("urteil", "vom")),
        ("Le match du 18 novembre", {"11-18"}, ("match",)),
        ("Le match du 1er février", {"2-1"}, ("match",)),
        ("O jogo desta terça-feira, 17 de novembro", {"11-17"}, ("jogo", "desta")),
        ("Гороскоп на 17 ноября 2026 года", {"11-17"}, ("гороскоп",)),
        ("11月17日 星座占い", {"11-17"}, ("星座", "座占", "占い")),
        ("11월 17일 운세", {"11-17"}, ("운세",)),
        ("Ab 18:30 Uhr Livestream", set(), ("ab", "livestream")),
        ("May the vote be delayed", set(), ("vote", "delay")),
    ],
)
def test_days_and_times_are_not_evidence(title: str, dates: set[str], left: tuple[str, ...]) -> None:
    assert text(title).dates == dates
    assert text(title).title == left


@pytest.mark.parametrize(
    ("title", "of_a_day"),
    [
        ("Photo of the day: November 17", True),
        ("Le mot du 18 novembre", True),
        ("Harbour opens on December 3", False),
        ("Three years ago today", False),
    ],
)
def test_a_column_names_the_day_of_its_publication(title: str, of_a_day: bool) -> None:
    at = datetime(2026, 11, 17, 6, tzinfo=UTC).timestamp()
    analysed = analyse(entry_id=1, source_id="s", link="", title=title, summary="", at=at, arrived=at)
    assert analysed.of_a_day is of_a_day


def test_dates_of_a_summary_are_left_out_of_its_terms() -> None:
    assert text("Ferries", "They sail on Monday, 3 March 2027 at noon").summary == ("sail", "noon")


def test_every_word_of_a_date_is_marked_and_no_other() -> None:
    assert mark_dates(["in", "june", "2027", "and", "1850"])[0] == [False, True, True, False, False]


def test_a_headline_says_what_is_numbered_and_how() -> None:
    analysed = text("DSA 6101 and DSA 6102 close 14 holes in Osprey 3.2")

    assert set(analysed.versions) >= {("dsa", "6101"), ("dsa", "6102"), ("osprey", "3.2")}
    assert analysed.numbers == {"6101", "6102", "14", "3.2"}


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Best early Black Friday TV deals", "deal"),
        ("Wordle today: hints and answers", "puzzle"),
        ("Velora Q3 results beat estimates", "earnings"),
        ("Senior Data Engineer at Ostrix", "jobs"),
        ("Japan vs. Ghana live stream", "watch"),
        ("Tuesday briefing: a minister resigns", "roundup"),
    ],
)
def test_headlines_in_fixed_wording_are_recognised(title: str, kind: str) -> None:
    assert kind in kinds(title)
    assert not stock_terms(kinds(title)).isdisjoint(text(title).title)


def test_a_plain_headline_has_no_stock_terms() -> None:
    assert stock_terms(kinds("Court blocks the levy on imported servers")) == frozenset()


def test_shingles_do_not_depend_on_numbers() -> None:
    first, other = text("Game 1979 of the day"), text("Game 1980 of the day")

    assert first.title_shingles == other.title_shingles
    assert first.title_shingles != text("Game over for the day").title_shingles
