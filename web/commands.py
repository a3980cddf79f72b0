"""The command that serves the site alone.

Knows how it reads its options. What it serves is `web.server`.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from aggregator.commands import Front, db_option, feeds_option
from aggregator.config import read_config
from aggregator.errors import ConfigError
from web.server import serve


@click.command()
@feeds_option
@db_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the site listens.")
@click.option("--port", default=8000, show_default=True, help="Where the site listens.")
@click.option("--refresh", default=0, help="Seconds after which a page loads itself again; 0: never.")
@click.pass_obj
def web(front: Front, feeds: Path, db: Path, host: str, port: int, refresh: int) -> None:
    """Serve the site alone; it reads the database, also while no worker runs.

    \b
    Example:
      groundswell web --port 8080
    """
    try:
        text = read_config(feeds)
    except ConfigError:
        # What the worker last applied stands in the database; without either the site says what to do.
        text = ""
    serve(db, front.clock, host, port, config_text=text, refresh=timedelta(seconds=refresh) if refresh else None)


COMMANDS: tuple[click.Command, ...] = (web,)
