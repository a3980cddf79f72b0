"""Shared by the commands that edit feeds.yaml: read it, check the result, keep a copy of the previous file."""

from __future__ import annotations

from pathlib import Path

from aggregator.cli.options import Front
from aggregator.config import parse_config, read_config
from aggregator.config.file import save_config
from aggregator.model import Config


def editable_feeds(front: Front, feeds: Path) -> tuple[str, Config | None]:
    """Return the text of feeds.yaml and what it says; "" and None if it is not there yet."""
    if not feeds.exists():
        return "", None
    text = read_config(feeds)
    return text, parse_config(text, name=str(feeds), env=front.env)


def copy_note(copy: Path | None) -> str:
    return f" {copy} is the file as it was" if copy else " No copy of the previous file could be saved next to it"


def save_feeds(front: Front, feeds: Path, text: str) -> None:
    """Save *text* as feeds.yaml after checking that it is valid."""
    parse_config(text, name=str(feeds), env=front.env)
    save_config(feeds, text)
