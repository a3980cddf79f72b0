"""The address of the site's PostgreSQL database: `DATABASE_URL` of the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from aggregator.errors import StoreError

VARIABLE = "DATABASE_URL"
EXAMPLE = "postgresql://USER:PASSWORD@HOST:5432/DATABASE"
_SCHEMES = ("postgresql://", "postgres://")


def database_url(env: Mapping[str, str] | None = None) -> str:
    """Return the address of the PostgreSQL database that the environment names, "" for SQLite.

    StoreError if it is the address of something else.
    """
    url = (os.environ if env is None else env).get(VARIABLE, "").strip()
    if url and not is_url(url):
        # Not quoted: it may contain a password.
        raise StoreError(f"{VARIABLE} must look like {EXAMPLE}; unset it to use the SQLite file that --db names")
    return url


def is_url(text: str) -> bool:
    """Return whether *text* is the address of a PostgreSQL database."""
    return text.startswith(_SCHEMES)


def shown(url: str) -> str:
    """Return where a PostgreSQL database is, without user and password."""
    try:
        parts = urlsplit(url)
        folder = parse_qs(parts.query).get("host", [""])[0]
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.netloc.rpartition('@')[2] or folder or 'the local server'}{parts.path}"
