"""The pages in every language: complete catalogs, the language of a page, dates and numbers."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from flask import Flask
from flask.testing import FlaskClient

from aggregator.model import Site
from aggregator.model.actions import ActionKind
from aggregator.model.alarms import Alarm, AlarmKind
from aggregator.site.disk_use import DiskUse, summary
from aggregator.store import Store
from aggregator.store.alerts import StandingAlarm
from aggregator.store.editorial.sessions import Action
from tests.web import newsroom
from tests.web.i18n.messages import ROOT, Message, messages
from tests.web.newsroom import NOW
from web.admin.wording import disk_summary, worded
from web.alerts.alarms import worker_alarm
from web.alerts.wording import alarm_message, alarm_text
from web.digest import editions, mail
from web.digest.contents import digest
from web.i18n import wording
from web.i18n.catalogs import LOCALES, locale_of, page_language, speaking
from web.present.sources import outcome

TRANSLATED = sorted(locale for locale in LOCALES.values() if locale != "en")
LANGUAGES = {"de": "de", "fr": "fr", "es": "es", "pt": "pt-BR", "zh_Hans": "zh-CN", "ja": "ja"}


def catalog(locale: str) -> Catalog:
    return read_po(BytesIO((ROOT / f"web/i18n/{locale}.po").read_bytes()), locale=locale, abort_invalid=True)


def test_there_is_a_catalog_for_each_language() -> None:
    assert {path.stem for path in (ROOT / "web/i18n").glob("*.po")} == set(TRANSLATED) == set(LANGUAGES)


@pytest.mark.parametrize("locale", TRANSLATED)
def test_a_catalog_has_every_text_of_the_pages_and_no_other(locale: str) -> None:
    translated: set[Message] = {_message(message.id) for message in catalog(locale) if message.id}
    assert {message for message in messages() if message not in translated} == set(), "to be translated"
    assert translated - messages() == set(), "no longer on any page"


@pytest.mark.parametrize("locale", TRANSLATED)
def test_a_translation_has_the_places_of_its_text_and_none_is_empty(locale: str) -> None:
    for message in catalog(locale):
        if not message.id:
            continue
        originals, forms = _forms(message.id), _forms(message.string)
        assert not message.fuzzy
        for form in forms:
            assert form.strip(), message.id
            assert places(form) == places(originals[-1]), message.id
            # The text that follows on a page may depend on its last character.
            assert form.endswith(" ") == originals[-1].endswith(" ")


def _forms(texts: object) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts) if isinstance(texts, tuple | list) else ()


def _message(texts: object) -> Message:
    forms = _forms(texts)
    return forms[0] if len(forms) == 1 else (forms[0], forms[1])


def places(text: str) -> list[str]:
    assert not re.search(r"%(?!\(\w+\)s)", text), text
    return sorted(re.findall(r"%\(\w+\)s", text))


@pytest.fixture
def site_in(edition_db: Path, make_app: Callable[..., Flask]) -> Callable[[str], FlaskClient]:
    """A reader of the sample edition in a language."""

    def make(language: str) -> FlaskClient:
        config = replace(newsroom.sample_config(), site=Site(title="Groundswell", language=language))
        return make_app(edition_db, fallback_config=config).test_client()

    return make


WORDS = {
    "de": ("Jetzt im Trend", "Alle anzeigen", "Quellen", "vor 8 Std.", "Donnerstag, 19. November 2026"),
    "fr": ("Tendances du moment", "Tout voir", "sources", "il y a 8 h", "jeudi 19 novembre 2026"),
    "es": ("Tendencias de ahora", "Ver todo", "fuentes", "hace 8 h", "jueves, 19 de noviembre de 2026"),
    "pt": ("Em alta agora", "Ver tudo", "fontes", "há 8 h", "quinta-feira, 19 de novembro de 2026"),
    "zh_Hans": ("当前热门", "查看全部", "个来源", "8 小时前", "2026年11月19日星期四"),
    "ja": ("いま話題", "すべて見る", "情報源", "8時間前", "2026年11月19日木曜日"),
}


@pytest.mark.parametrize("locale", TRANSLATED)
def test_pages_speak_the_language_of_the_site(site_in: Callable[[str], FlaskClient], locale: str) -> None:
    client = site_in(LANGUAGES[locale])
    page = client.get("/").text
    assert f'<html lang="{LANGUAGES[locale]}">' in page
    for phrase in WORDS[locale]:
        assert phrase in page, phrase
    for english in ("Trending now", "View all", "independent<", " ago<", "Skip to content", "Unread only"):
        assert english not in page, english
    story = re.findall(r'href="(/story/[^"]+)"', page)[0]
    service = ("/sources", "/sources?q=xyzzy", "/source/seedbed", "/source/rulemaker", "/feeds", "/api")
    translated = ("/about", "/accuracy", "/digest", "/digest/2026-11-18", "/digest/2026-W47", *service)
    for path in (
        story,
        "/trending",
        "/newest",
        "/search?q=amazon",
        "/search?q=xyzzy",
        "/saved",
        "/nothing",
        *translated,
    ):
        answer = client.get(path, follow_redirects=True)
        assert f'<html lang="{LANGUAGES[locale]}">' in answer.text
        assert "Go to the front page" not in answer.text
        assert '<main id="main" tabindex="-1">' in answer.text
        assert "%(" not in re.sub(r'<script type="application/json".*?</script>', "", answer.text, flags=re.S), path


def test_every_page_is_there_in_every_language(site_in: Callable[[str], FlaskClient]) -> None:
    for language in LANGUAGES.values():
        client = site_in(language)
        for path in ("/about", "/feeds", "/sources", "/accuracy", "/api", "/source/seedbed", "/at/2026-11-19T12:00Z"):
            assert client.get(path).status_code == 200, (language, path)


@pytest.mark.parametrize(
    ("language", "title", "line"),
    [
        ("de", "Die Woche in Meldungen: 16.–22. Nov. 2026", "Meldungen mit Neuigkeiten"),
        ("fr", "La semaine en sujets: 16–22 nov. 2026", "sujets avec du nouveau"),
        ("ja", "1週間のニュース: 2026年11月16日～22日", "動きのあったニュース"),
        ("it", "The week in stories: 16 to 22 November 2026", "stories with news"),
    ],
)
def test_a_digest_is_sent_in_the_language_of_the_site(edition_db: Path, language: str, title: str, line: str) -> None:
    config = replace(newsroom.sample_config(), site=Site(title="Groundswell", language=language))
    week = editions.named("2026-W47", "UTC")
    assert week is not None
    with Store.open(edition_db) as store:
        sent = mail.message(digest(store, config, week), config, NOW)
    assert sent["title"] == f"Groundswell: {title}"
    assert line in sent["text"].splitlines()[1]
    assert line in sent["html"]
    assert wording.plural(2, "source") == "2 sources", "what follows is in English again"


def test_the_desk_speaks_the_language_of_the_site(edition_db: Path, make_app: Callable[..., Flask]) -> None:
    config = replace(newsroom.sample_config(), site=Site(title="Groundswell", language="de"))
    client = make_app(edition_db, fallback_config=config, token="the operator's own token").test_client()
    assert "Für Änderungen geben Sie das Token" in client.get("/admin", follow_redirects=True).text


def test_pages_about_sources_and_for_programs_are_in_the_language_of_the_site(
    site_in: Callable[[str], FlaskClient],
) -> None:
    client = site_in("de")
    pages = {path: client.get(path).text for path in ("/sources", "/source/seedbed", "/feeds", "/api")}
    for phrase in ("in Ordnung", "Anfragen", "noch 18 Minuten", "Nächster Abruf", "1 Fehler in Folge"):
        assert phrase.replace("1 Fehler", "3 Fehler") in pages["/sources"], phrase
    # Text from a server or a document stays as stored, with its language marked.
    assert '<span lang="en">timed out after 20 s</span>' in pages["/sources"]
    assert "HTTP 304" in pages["/source/seedbed"]
    assert "Alle Meldungen" in pages["/feeds"]
    assert "(unabhängige Quellen), <code>window</code>" in pages["/feeds"]
    assert "Mindestpunktzahl. Von 0 bis 100." in pages["/api"]
    for path, english in (("/sources", "healthy"), ("/feeds", "Subscribe"), ("/api", "Minimum score")):
        assert english not in pages[path]


@pytest.mark.parametrize(
    ("stored", "shown", "spoken"),
    [
        ("3 new, 1 edited", "3 neu, 1 bearbeitet", ""),
        ("1204 new, 3 of them older than 7 days", "1.204 neu, 3 davon älter als 7 Tage", ""),
        ("nothing new", "nichts Neues", ""),
        ("nothing new; 2 entries without a title", "nothing new; 2 entries without a title", "en"),
        ("answered 500", "answered 500", "en"),
    ],
)
def test_what_most_polls_say_is_in_the_language_of_the_site(stored: str, shown: str, spoken: str) -> None:
    with speaking("de"):
        assert outcome(stored) == (shown, spoken)


def test_every_action_has_a_text_in_every_language() -> None:
    values: dict[str, str | int] = {"headline": "H", "other": "O", "entries": 2, "sources": 2, "source": "s"}
    for language in ("en", *LANGUAGES.values()):
        with speaking(language):
            texts = [worded(Action(1, NOW, "vote", kind.value, values, "", None, None, None)) for kind in ActionKind]
        assert len(set(texts)) == len(ActionKind)
        assert {spoken for _, spoken in texts} == {""}
    with speaking("de"):
        split = Action(1, NOW, "decision", "split", {"headline": "Chips", "entries": 3}, "", 1, None, None)
        assert worded(split) == ("3 Einträge von „Chips“ abgetrennt", "")
        before = Action(1, NOW, "vote", "", {}, "voted “Chips” relevant", 1, None, None)
        assert worded(before) == ("Voted “Chips” relevant", "en")


def test_the_forecast_of_disk_use_says_the_same_in_english_and_is_translated() -> None:
    use = DiskUse(2_000_000, 0, 10_000_000, entries=1_000, entries_per_day=500.0, kept_days=None)
    with speaking("en"):
        assert disk_summary(use) == summary(use)
    with speaking("de"):
        forecast = "2 MB für 1.000 Einträge, 10 MB frei; wächst um 30 MB im Monat; reicht noch 10 Tage"
        assert disk_summary(use).replace("\xa0", " ") == forecast


def test_alarms_are_in_the_language_of_the_site(tmp_path: Path) -> None:
    config = replace(newsroom.sample_config(), site=Site(title="Groundswell", language="de"))
    with Store.open(tmp_path / "news.db") as store:
        store.state.set_moment("heartbeat", NOW - timedelta(minutes=20))
        (alarm,) = (StandingAlarm(name, values, "", NOW) for name, values in worker_alarm(store, NOW).items())
    message = alarm_message([alarm], [], config, NOW)
    text = "der Worker läuft nicht, letztes Lebenszeichen vor: 20 Minuten; nichts wird abgerufen"
    assert message["title"] == f"Groundswell: {text}"
    assert [began["text"] for began in message["data"]["began"]] == [text]
    assert alarm_message([], [alarm], config, NOW)["title"] == "Groundswell: behoben"
    assert alarm_message([alarm, alarm], [], config, NOW)["title"] == "Groundswell: 2 Dinge brauchen Aufmerksamkeit"


def test_a_standing_alarm_follows_the_language_of_the_site(tmp_path: Path) -> None:
    with Store.open(tmp_path / "news.db") as store:
        store.alarms.begin("source:a", Alarm(AlarmKind.SOURCE_GONE, {"source": "Herald"}), NOW)
        (standing,) = store.alarms.standing()
    texts = {}
    for language in ("en", "de"):
        with speaking(language):
            texts[language] = alarm_text(standing)
            stored = StandingAlarm("disk", None, "a sentence of before", NOW)
            assert alarm_text(stored) == "a sentence of before"
    assert texts["en"] == "Herald: gone (410), no longer polled"
    assert texts["de"] == "Herald: eingestellt (410), wird nicht mehr abgerufen"


def test_every_alarm_has_a_text_in_every_language() -> None:
    for language in ("en", *LANGUAGES.values()):
        with speaking(language):
            texts = [alarm_text(StandingAlarm("", Alarm(kind), "", NOW)) for kind in AlarmKind]
        assert len(set(texts)) == len(AlarmKind)


def test_what_a_reader_prefers_changes_nothing(site_in: Callable[[str], FlaskClient]) -> None:
    client = site_in("de")
    pages = [client.get("/", headers={"Accept-Language": language}) for language in ("ja", "de", "en;q=0.5")]
    assert len({page.text for page in pages}) == 1
    assert all("Accept-Language" not in page.headers.get("Vary", "") for page in pages)


def test_a_language_without_a_catalog_has_english_pages_and_marks_them(
    site_in: Callable[[str], FlaskClient],
) -> None:
    assert '<html lang="en">' in site_in("it").get("/").text
    assert (locale_of("zh-Hant"), page_language("zh-TW")) == ("en", "en")
    assert (locale_of("pt-BR"), page_language("pt-BR")) == ("pt", "pt-BR")
    assert (locale_of("en-GB"), page_language("en-GB")) == ("en", "en-GB")


@pytest.mark.parametrize(
    ("language", "count", "date"),
    [
        ("en", "1,204 sources", "3 Nov 2026"),
        ("de", "1.204 Quellen", "03.11.2026"),
        ("fr", "1\u202f204 sources", "3 nov. 2026"),
        ("ja", "情報源1,204件", "2026/11/03"),
    ],
)
def test_numbers_and_dates_follow_the_locale(
    site_in: Callable[[str], FlaskClient], language: str, count: str, date: str
) -> None:
    client = site_in(language)
    with client.application.test_request_context("/"):
        assert wording.plural(1204, "source") == count
        assert wording.day(datetime(2026, 11, 3, 9, 30, tzinfo=UTC)) == date
        assert wording.ago(NOW, NOW) != ""


def test_french_counts_nothing_in_the_singular(site_in: Callable[[str], FlaskClient]) -> None:
    client = site_in("fr")
    with client.application.test_request_context("/"):
        assert [wording.plural(count, "source") for count in (0, 1, 2)] == ["0 source", "1 source", "2 sources"]


def test_outside_of_a_request_the_language_is_english() -> None:
    assert wording.plural(2, "entry", "entries") == "2 entries"
    assert wording.listing(["a", "b", "c"]) == "a, b and c"


def test_the_wheel_carries_the_catalogs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "*.po" in project["tool"]["setuptools"]["package-data"]["*"]


@pytest.mark.parametrize(
    ("language", "sizes"),
    [
        ("de", ["812 Byte", "1,5 kB", "1 MB", "41 MB", "9,5 GB", "20 GB"]),
        ("fr", ["812 octets", "1,5 ko", "1 Mo", "41 Mo", "9,5 Go", "20 Go"]),
        ("en", ["812 bytes", "1.5 kB", "1 MB", "41 MB", "9.5 GB", "20 GB"]),
    ],
)
def test_a_size_has_the_largest_unit_and_three_digits_at_most(language: str, sizes: list[str]) -> None:
    counts = (812, 1_500, 999_999, 41_200_000, 9_500_000_000, 19_863_100_000)
    with speaking(language):
        # Languages differ in the width of the space.
        assert [re.sub(r"\s", " ", wording.size(count)) for count in counts] == sizes
