"""The commands of this layer, for the front door to assemble."""

from __future__ import annotations

import click

from aggregator.cli.database import backup, check, export, prune, restore
from aggregator.cli.init import init
from aggregator.cli.languages import detect_languages
from aggregator.cli.migrate_to import migrate_to
from aggregator.cli.move import move
from aggregator.cli.opml import opml
from aggregator.cli.polling import poll
from aggregator.cli.sources import sources

COMMANDS: tuple[click.Command, ...] = (
    init,
    poll,
    sources,
    opml,
    check,
    export,
    backup,
    restore,
    move,
    migrate_to,
    prune,
    detect_languages,
)
