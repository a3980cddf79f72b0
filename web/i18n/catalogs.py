"""The languages of the pages, and the catalog of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from io import BytesIO

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask
from flask_babel import Babel, Domain, get_locale

LOCALES = {"en": "en", "de": "de", "fr": "fr", "es": "es", "pt": "pt", "zh": "zh_Hans", "ja": "ja"}
"""The locale of each language of the pages, by its primary tag. The English texts are in the templates."""
_OTHER_SCRIPT = {"hant", "tw", "hk", "mo"}
"""Subtags of Chinese in traditional characters, which the catalog is not in."""


def locale_of(language: str) -> str:
    """Return the locale of the pages where site.language is *language*: English where there is no catalog for it."""
    primary, *rest = language.lower().replace("_", "-").split("-")
    if primary == "zh" and _OTHER_SCRIPT.intersection(rest):
        return "en"
    return LOCALES.get(primary, "en")


def page_language(language: str) -> str:
    """Return the `lang` of the pages: *language* itself if there is a catalog for it, else English."""
    primary = language.lower().replace("_", "-").partition("-")[0]
    return language if locale_of(language) == LOCALES.get(primary) else "en"


class Catalogs(Domain):  # type: ignore[misc]
    """Translations from the `.po` files of this package, each read once."""

    def __init__(self) -> None:
        super().__init__(translation_directories=[])
        self._by_locale: dict[str, NullTranslations] = {"en": NullTranslations()}

    def get_translations(self) -> NullTranslations:
        """Return the translations of the request's locale; outside of a request English."""
        locale = str(get_locale() or "en")
        if locale not in self._by_locale:
            self._by_locale[locale] = read_catalog(locale)
        return self._by_locale[locale]

    def translations(self, language: str) -> NullTranslations:
        """Return the translations into a language if a page has needed them, else English: reads no file."""
        return self._by_locale.get(locale_of(language), self._by_locale["en"])


def read_catalog(locale: str) -> Translations:
    """Return the translations of a locale."""
    source = files("web.i18n").joinpath(f"{locale}.po").read_bytes()
    compiled = BytesIO()
    write_mo(compiled, read_po(BytesIO(source), locale=locale))
    compiled.seek(0)
    return Translations(compiled)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Translate texts in the block into *language* outside of a request, for messages that the worker sends."""
    app = Flask("web.i18n")
    install(app, lambda: language)
    with app.app_context():
        yield


def install(app: Flask, language: Callable[[], str]) -> Catalogs:
    """Show the pages of *app* in the language that *language* returns; return its catalogs."""
    babel = Babel(app, locale_selector=lambda: locale_of(language()))
    babel.domain_instance = catalogs = Catalogs()
    return catalogs
