"""The log: one line a record, on stderr."""

from __future__ import annotations

import logging
from typing import Any


class LineFormatter(logging.Formatter):
    """One line a record: nothing that a feed wrote can start another or color the terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the message on one line."""
        return _printable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:
        """Return the traceback, each of its lines indented."""
        return "\n".join(f"    {_printable(line)}" for line in super().formatException(ei).splitlines())


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def configure_logging(verbose: bool = False) -> None:
    """Log to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter("%(asctime)s %(levelname).1s %(message)s", "%H:%M:%S"))
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore", "asyncio", "granian"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
