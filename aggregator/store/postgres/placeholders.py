"""Parameters as psycopg takes them: `:name` becomes `%(name)s`, `?` becomes `%s`."""

from __future__ import annotations

import re
from functools import lru_cache

_PIECE = re.compile(r"'(?:[^']|'')*'|::|:([a-zA-Z_]\w*)|\?|%")


@lru_cache(maxsize=4096)
def adapted(sql: str) -> str:
    """Return *sql* with psycopg's placeholders; quoted text stays."""

    def replaced(piece: re.Match[str]) -> str:
        text = piece.group()
        if piece.group(1):
            return f"%({piece.group(1)})s"
        return "%s" if text == "?" else text.replace("%", "%%")

    return _PIECE.sub(replaced, sql)
