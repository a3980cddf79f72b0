"""`groundswell detect-languages`: the language of headlines whose feed does not say it."""

from __future__ import annotations

from pathlib import Path

import click

from aggregator.cli.options import db_option, existing, feeds_option
from aggregator.site.database import open_for_job

BATCH = 2_000
MAX_ENTRIES = 50_000
"""Of one run; the next one goes on."""


@click.command("detect-languages")
@feeds_option
@db_option
def detect_languages(feeds: Path, db: Path) -> None:
    """Detect the language of entries whose feed does not state one; the worker does this in the background.

    \b
    Example:
      groundswell detect-languages
    """
    from aggregator.text.language_detection import detector  # a second and 100 MB

    looked_at = detected = 0
    with open_for_job(existing(db), "languages") as store:
        detect = detector() if store.entry_languages.pending(1) else None
        while detect and looked_at < MAX_ENTRIES and (entries := store.entry_languages.pending(BATCH)):
            languages = [(entry.entry_id, detect(f"{entry.title} {entry.summary}")) for entry in entries]
            store.entry_languages.record(languages)
            looked_at += len(languages)
            detected += sum(bool(language) for _, language in languages)
    click.echo(f"{looked_at:,} entries without a language, {detected:,} detected")
