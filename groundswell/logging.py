"""The log: one line per record on stderr, as text or JSON."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any


class LineFormatter(logging.Formatter):
    """One line per record: text from a feed cannot start another line or color the terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the message on one line."""
        return _printable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:
        """Return the traceback, each of its lines indented."""
        return "\n".join(f"    {_printable(line)}" for line in super().formatException(ei).splitlines())


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


class JsonFormatter(logging.Formatter):
    """One JSON object per line: `time` (RFC 3339), `level`, `logger`, `message`, and `exception` if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON; every character outside ASCII is escaped."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields)


def configure_logging(verbose: bool = False, *, as_json: bool = False) -> None:
    """Log to stderr."""
    handler = logging.StreamHandler()
    lines = LineFormatter("%(asctime)s %(levelname).1s %(message)s", "%H:%M:%S")
    handler.setFormatter(JsonFormatter() if as_json else lines)
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore", "asyncio", "granian"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
