"""The commands for sources, entries and the database, one module per subject.

    init       init; what `run` does without a feeds.yaml
    options    --feeds, --db, --json; the Front with clock and environment
    polling    poll
    sources    sources list, check, add, remove
    opml       opml import, export
    database   check, export, backup, restore, prune

Commands call the other packages for their work; this one reads options and prints.
"""

from __future__ import annotations

from aggregator.cli.commands import COMMANDS

__all__ = ["COMMANDS"]
