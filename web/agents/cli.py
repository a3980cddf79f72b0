"""`groundswell mcp`: the site as tools for agents."""

from __future__ import annotations

from pathlib import Path

import click

from aggregator.cli.options import Front, db_option, existing
from aggregator.errors import GroundswellError
from web.agents.tools import Tools
from web.http.database import Reading


@click.command()
@db_option
@click.pass_obj
def mcp(front: Front, db: Path) -> None:
    """Offer search, stories, explanations, topics and sources to agents (Model Context Protocol, on stdin and stdout).

    An agent starts this command by itself; the database is only read.

    \b
    Example:
      groundswell mcp --db /var/lib/groundswell/groundswell.db
    """
    try:
        from web.agents.server import serve
    except ModuleNotFoundError as error:
        raise GroundswellError(
            f"`groundswell mcp` needs the package mcp ({error}); `groundswell docs agents` shows how to install it"
        ) from error
    reading = Reading(existing(db))
    try:
        serve(Tools(reading, front.clock))
    finally:
        reading.close()
