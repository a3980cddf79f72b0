"""A stated date is parsed to the intended moment, or to none; the tables list spellings from real feeds."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.parse.dates import DateReader
from aggregator.parse.dates.month_names import OtherLanguages
from aggregator.parse.parser import parse

TEN = "2026-11-27T10:00:00+00:00"

READ = [
    ("27/Nov/2026:10:00:00 +0000", TEN),
    ("20261127T10:00:00", TEN),
    ("27 Nov 2026 10.00 GMT", TEN),
    ("10:00 AM · Nov 27, 2026", TEN),
    ("2026/11/27(Fri) 10:00", TEN),
    ("Le 27/11/2026 à 10h00", TEN),
    ("thứ sáu, 27/11/2026 10:00", TEN),
    ("ศ., 27 พ.ย. 2026 10:00:00 +0000", TEN),
    ("令和8年11月27日 10:00", TEN),
    ("2026-11-27 10:00 (UTC+8)", "2026-11-27T02:00:00+00:00"),
    ("Nov. 27, 2026 10:00 a.m. EST", "2026-11-27T15:00:00+00:00"),
    ("2026/11/27 10:00:00", TEN),
    ("27-11-2026 10:00", TEN),
    ("Fri, 27 Nov 2026 02:30 PM EST", "2026-11-27T19:30:00+00:00"),
    ("2026-11-27 10:00:00 UTC", TEN),
    ("Fri, 27 Nov 2026 10:00:00 UTC+02:00", "2026-11-27T08:00:00+00:00"),
    ("Fri, 27 Nov 2026 10:00:00 CET", "2026-11-27T09:00:00+00:00"),
    ("Fri, 28 Aug 2026 10:00:00 CEST", "2026-08-28T08:00:00+00:00"),
    ("Fri, 28 Aug 2026 10:00:00 BST", "2026-08-28T09:00:00+00:00"),
    ("Fri, 27 Nov 2026 10:00:00 JST", "2026-11-27T01:00:00+00:00"),
    ("Fri, 27 Nov 2026 10:00:00 AEDT", "2026-11-26T23:00:00+00:00"),
    ("Fri, 27 Nov 2026 10:00:00 MSK", "2026-11-27T07:00:00+00:00"),
    ("Fri, 27 Nov 2026 10:00:00 Europe/Berlin", "2026-11-27T09:00:00+00:00"),
    ("2026年11月27日 09:00", "2026-11-27T09:00:00+00:00"),
    ("2026년 11월 27일 금요일 오전 9:00:00", "2026-11-27T09:00:00+00:00"),
    ("2026. november 27. 10:00", TEN),
    ("Fri Nov 27 10:00:00 2026", TEN),
    ("Fri Nov 27 10:00:00 UTC 2026", TEN),
    ("Fri Nov 27 10:00:00 CET 2026", "2026-11-27T09:00:00+00:00"),
    ("Fri Nov 27 2026 10:00:00 GMT+0100 (Central European Standard Time)", "2026-11-27T09:00:00+00:00"),
    ("2026-11-27T10:00:00+01:00[Europe/Berlin]", "2026-11-27T09:00:00+00:00"),
    ("2026-11-27T10:00:00Z[UTC]", TEN),
    ("2026-11-27T10:00:00.123456789Z", TEN),
    ("2026-11-27t10:00:00z", TEN),
    ("2026-11-27T10:00", TEN),
    ("2026-11-27T10:00Z", TEN),
    ("2026-11-27 10:00:00 +0000", TEN),
    ("2026-11-27 10:00:00.0", TEN),
    ("20261127T100000Z", TEN),
    ("20261127100000", TEN),
    ("20261127", "2026-11-27T00:00:00+00:00"),
    ("2026-11-27", "2026-11-27T00:00:00+00:00"),
    ("2026-11-27Z", "2026-11-27T00:00:00+00:00"),
    ("2026-331", "2026-11-27T00:00:00+00:00"),
    ("2026-W48-5", "2026-11-27T00:00:00+00:00"),
    ("Fri, 27 Nov 2026 24:00:00 GMT", "2026-11-28T00:00:00+00:00"),
    ("27.11.2026 10:00", TEN),
    ("27.11.2026, 10:00 Uhr", TEN),
    ("27. November 2026 10:00 Uhr", TEN),
    ("Freitag, 27. November 2026, 10:00", TEN),
    ("27 novembre 2026 à 10:00", TEN),
    ("27 novembre 2026 à 10h00", TEN),
    ("vendredi 27 novembre 2026 10h00", TEN),
    ("27 de noviembre de 2026 10:00", TEN),
    ("27 de novembro de 2026 às 10:00", TEN),
    ("venerdì 27 novembre 2026, ore 10:00", TEN),
    ("27 noiembrie 2026, 10:00", TEN),
    ("27 listopada 2026 10:00", TEN),
    ("27. listopadu 2026 10:00", TEN),
    ("27 november 2026 10:00", TEN),
    ("27 kasım 2026 10:00", TEN),
    ("27 Kasım 2026 Cuma 10:00", TEN),
    ("27 ноября 2026 г. 10:00", TEN),
    ("27 ноября 2026, 10:00", TEN),
    ("Пт, 27 ноя 2026 10:00:00 +0300", "2026-11-27T07:00:00+00:00"),
    ("27 листопада 2026 10:00", TEN),
    ("27 ноември 2026 10:00", TEN),
    ("27 Νοεμβρίου 2026 10:00", TEN),
    ("27 Νοεμβρίου 2026, 10:00 π.μ.", TEN),
    ("27 نوفمبر 2026 10:00", TEN),
    ("٢٧ نوفمبر ٢٠٢٦ ١٠:٠٠", TEN),
    ("27 בנובמבר 2026 10:00", TEN),
    ("27 พ.ย. 2569 10:00", TEN),
    ("27 พฤศจิกายน 2569 10:00", TEN),
    ("27 tháng 11, 2026 10:00", TEN),
    ("10:00 27/11/2026", TEN),
    ("27/11/2026 10:00", TEN),
    ("11/27/2026 10:00 AM", TEN),
    ("11/27/2026 10:00:00", TEN),
    ("Nov 27, 2026 10:00 AM", TEN),
    ("November 27th, 2026 10:00am", TEN),
    ("November 27, 2026 at 10:00 AM", TEN),
    ("27 Nov 26 10:00:00 GMT", TEN),
    ("Friday, 27-Nov-26 10:00:00 GMT", TEN),
    ("27. marraskuuta 2026 klo 10.00", TEN),
    ("27. november 2026 kl. 10.00", TEN),
    ("27 नवंबर 2026 10:00", TEN),
    ("2026年11月27日（金） 10時00分", TEN),
    ("2026年11月27日 上午10:00", TEN),
    ("2026年11月27日 下午3:05", "2026-11-27T15:05:00+00:00"),
    ("1795773600", TEN),
    ("1795773600000", TEN),
    ("1795773600.5", TEN),
    ("Fri, 27 Nov 2026 10:00:00 GMT+1", "2026-11-27T09:00:00+00:00"),
    ("Fri, 27 Nov 2026 10:00:00 +0530", "2026-11-27T04:30:00+00:00"),
    ("Fri, 27 Nov 2026 10:00:00 -0500 (EST)", "2026-11-27T15:00:00+00:00"),
    ("Fri,27 Nov 2026 10:00:00 +0000", TEN),
    ("Fri, 27 Nov 2026 10:00 GMT", TEN),
    ("Fri, 27 November 2026 10:00:00 GMT", TEN),
    ("Friday, November 27, 2026 - 10:00", TEN),
    ("Fri, 11/27/2026 - 10:00", TEN),
    ("27 Nov 2026 10:00:00 Z", TEN),
    ("27 Nov 2026, 10:00 UTC", TEN),
    ("Fri, 27 Nov 2026 10:00:00 America/New_York", "2026-11-27T15:00:00+00:00"),
    ("2026-11-27 10:00:00 Etc/GMT+1", "2026-11-27T11:00:00+00:00"),
    ("27 Nov 2026 10:00 AM ET", "2026-11-27T15:00:00+00:00"),
    ("12:30 AM, 27 Nov 2026", "2026-11-27T00:30:00+00:00"),
    ("27 lapkričio 2026 10:00", TEN),
    ("27. nóvember 2026 10:00", TEN),
    ("27. studenoga 2026. 10:00", TEN),
    ("27 de novembre de 2026 10:00", TEN),
    ("2026 Nov 27 10:00", TEN),
    ("27 Dez 2026 10:00", "2026-12-27T10:00:00+00:00"),
    ("27 Dic 2026 10:00:00 +0100", "2026-12-27T09:00:00+00:00"),
    ("Mié, 25 Nov 2026 10:00:00 +0100", "2026-11-25T09:00:00+00:00"),
    ("2026-11-27T10:00:00-05", "2026-11-27T15:00:00+00:00"),
    ("2026-11-27T10:00:00.000+0000", TEN),
    ("28 Agustus 2026 10:00 WIB", "2026-08-28T03:00:00+00:00"),
    ("2003-07-01 T01:55:07-05:00", "2003-07-01T06:55:07+00:00"),
    ("2026-11-27+01:00", "2026-11-26T23:00:00+00:00"),
    ("2026-11-27T10Z", TEN),
    ("vrijdag 27 november 2026 om 10:00 uur", TEN),
    ("27. november 2026 ob 10.00", TEN),
    ("27 Nov 2026 at 10.00", TEN),
    ("27 noiembrie 2026, ora 10:00", TEN),
    ("27 листопада 2026 о 10:00", TEN),
    ("27 ноября 2026 года в 13:00 МСК", TEN),
    ("27 พฤศจิกายน 2569 10:00 น.", TEN),
    ("الجمعة، 27 نوفمبر 2026 10:00", TEN),
    ("2026 m. lapkričio 27 d. 10:00", TEN),
    ("2026. gada 27. novembris 10:00", TEN),
    ("周五, 27 11月 2026 10:00:00 +0000", TEN),
    ("금, 27 11월 2026 10:00:00 +0000", TEN),
]

UNREADABLE = [
    "Fri, 27 Nov 2026 10:00:00 A",
    "27 Nov 2026 10:00:00 Central European Time",
    "27 Nov 2026 10:00:00 IST",
    "10:00 IST, 27 Nov 2026",
    "2026-11-27 10:00 IST",
    "27.11.2026 10:00 LMT",
    "Mon, 30 Feb 2026 10:00:00 GMT",
    "31 Feb 2026",
    "2026-11-27T25:00:00Z",
    "Fri, 27 Nov 2026 10:00:00 +2500",
    "Fri, 27 Nov 2026 10:61:00 GMT",
    "03/04/2026",
    "03/04/2026 10:00",
    "Invalid Date",
    "now",
    "yesterday",
    "3 hours ago",
    "2026",
    "2026-11",
    "Nov 2026",
    "0000-00-00 00:00:00",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "1970-01-01T00:00:00Z",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "Fri, 27 Nov 2026 10:00:00 IST",
    "27 Nov 2026 10:00 | 28 Nov 2026 11:00",
    "27 Nov",
    "10:00",
    "12",
    "123456789",
    "Fri, 27 Nov 2026 10:00:00 XYZT",
    "+99999-01-01",
    "27 Foo 2026",
    "Week 48, 2026",
    "2026-11-27T10:00:00 0000",
    "27.11.26 10:00",
    "03/04/26",
    "周五, 27 13月 2026 10:00:00 +0000",
]

# Language, site and stated dates of a document -> the meaning of its first date.
REGIONAL = [
    ("en-gb", "", ["03/04/2026"], "2026-04-03T00:00"),
    ("en-US", "", ["03/04/2026 10:00"], "2026-03-04T10:00"),
    ("fr", "", ["03/04/2026"], "2026-04-03T00:00"),
    ("en-us", "example.co.uk", ["03/04/2026"], "2026-04-03T00:00"),
    ("en", "example.gov", ["03/04/2026"], "2026-03-04T00:00"),
    ("", "example.com", ["03/04/2026", "27/03/2026"], "2026-04-03T00:00"),
    ("en-us", "example.com", ["03/04/2026", "27/03/2026"], "2026-04-03T00:00"),
    ("", "example.com", ["03/04/2026", "02/27/2026"], "2026-03-04T00:00"),
    ("", "example.com", ["03/04/2026", "02/27/2026", "27/03/2026"], None),
    ("", "example.com", ["03/04/2026"], None),
    ("en-ca", "", ["03/04/2026"], None),
    ("en", "example.io", ["03/04/2026"], None),
    ("de", "", ["27.11.26 22:15"], "2026-11-27T22:15"),
    ("it", "", ["27/11/26"], "2026-11-27T00:00"),
    ("ja", "", ["26/11/27"], "2026-11-27T00:00"),
    ("en-us", "", ["11/27/26 3:15 PM"], "2026-11-27T15:15"),
    ("en-in", "", ["Fri, 27 Nov 2026 10:00:00 IST"], "2026-11-27T04:30"),
    ("en", "example.in", ["Fri, 27 Nov 2026 10:00:00 IST"], "2026-11-27T04:30"),
    ("he", "", ["Fri, 27 Nov 2026 10:00:00 IST"], "2026-11-27T08:00"),
    ("en", "example.ie", ["Fri, 28 Aug 2026 10:00:00 IST"], "2026-08-28T09:00"),
    ("zh-cn", "", ["Fri Nov 27 10:00:00 CST 2026"], "2026-11-27T02:00"),
    ("en", "example.com.au", ["Fri, 27 Nov 2026 10:00:00 EDT"], "2026-11-26T23:00"),
    ("en-us", "", ["Fri, 27 Nov 2026 10:00:00 CST"], "2026-11-27T16:00"),
    ("pt-br", "", ["Fri, 27 Nov 2026 10:00:00 AMT"], "2026-11-27T14:00"),
]


@pytest.mark.parametrize(("language", "site", "dates", "meant"), REGIONAL)
def test_a_date_that_countries_write_alike_is_read_by_the_document_and_its_country(
    language: str, site: str, dates: list[str], meant: str | None
) -> None:
    items = "".join(f"<item><title>t {i}</title><pubDate>{stated}</pubDate></item>" for i, stated in enumerate(dates))
    site = f"<link>https://{site}/</link>" if site else ""
    document = f"<rss version='2.0'><channel><language>{language}</language>{site}{items}</channel></rss>"
    first = parse(document.encode(), url="https://feeds.example.com/f").entries[0].published_at
    assert (first and first.strftime("%Y-%m-%dT%H:%M")) == meant


def test_an_unclear_date_that_is_new_is_read_by_those_that_are_stored() -> None:
    def document(*items: tuple[str, str]) -> bytes:
        body = "".join(
            f"<item><guid>{guid}</guid><title>{guid}</title><pubDate>{at}</pubDate></item>" for guid, at in items
        )
        return f"<rss version='2.0'><channel><title>News</title>{body}</channel></rss>".encode()

    old = [("a", "27/03/2026"), ("b", "26/03/2026")]
    memory = parse(document(*old)).memory
    new = parse(document(("c", "03/04/2026"), *old), memory=memory)
    assert {draft.guid: draft.published_at for draft in new.entries}["c"] == datetime(2026, 4, 3, tzinfo=UTC)


@pytest.mark.parametrize(("stated", "meant"), READ)
def test_a_date_is_the_moment_that_is_meant(stated: str, meant: str) -> None:
    moment = DateReader().read(stated)
    assert moment is not None
    assert moment.isoformat() == meant


@pytest.mark.parametrize("stated", UNREADABLE)
def test_a_date_that_is_only_partly_understood_is_none(stated: str) -> None:
    assert DateReader().read(stated) is None


def test_a_name_that_two_languages_share_is_that_of_the_feed() -> None:
    assert DateReader().read("5. listopada 2026.", "hr") == datetime(2026, 10, 5, tzinfo=UTC)
    assert DateReader().read("5 listopada 2026", "pl") == datetime(2026, 11, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "stated",
    ["27 նոյեմբերի 2026", "27 ნოემბერი 2026", "27 қараша 2026", "27 novemba 2026"],
    ids=["Armenian", "Georgian", "Kazakh", "Swahili"],
)
def test_a_month_of_another_language_is_read_by_dateparser(stated: str) -> None:
    assert DateReader().read(stated) == datetime(2026, 11, 27, tzinfo=UTC)


def test_a_document_of_unknown_words_costs_a_bounded_number_of_look_ups() -> None:
    others = OtherLanguages()
    for number in range(100):
        with pytest.raises(ValueError, match=r"month|wordings"):
            others.month(["27", f"xyzzy{chr(97 + number % 26)}{chr(97 + number // 26)}", "2026"])
    assert len(others._months) == OtherLanguages.MAX_WORDINGS


def test_dateparser_is_not_imported_for_dates_that_are_in_the_tables() -> None:
    program = (
        "import sys; from aggregator.parse.dates import DateReader; r = DateReader();"
        "[r.read(s) for s in ('Fri, 27 Nov 2026 10:00:00 GMT', '27 ноября 2026', '27 Foo 2026 10:00 IST', 'never')];"
        "r.read('27 foo 2026', 'en'); sys.exit('dateparser' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0


@given(st.text("0123456789 :-+/.,TZGMTamp年月日novenkasım()'", max_size=40), st.sampled_from(["en", "hr", "xx"]))
def test_no_text_breaks_the_reader(text: str, language: str) -> None:
    moment = DateReader().read(text, language)
    assert moment is None or (moment.tzinfo is UTC and 1970 <= moment.year < 2200 and not moment.microsecond)
