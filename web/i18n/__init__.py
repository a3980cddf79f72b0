"""The languages of the pages: which there are, their catalogs (`*.po`), dates, numbers and plurals by locale.

    site.language -> locale -> catalog -> `_()` in templates, `wording` in web/present

The language is the site's and not the reader's: a page is the same for everyone, so that it can be cached. Catalogs
are read as they are, at the first page in their language; nothing is compiled. `tests/web/i18n` holds them complete.
"""
