"""`groundswell web` and `groundswell rotate-token`: serve the site, replace the operator's token."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from aggregator.cli.options import Front, db_option, feeds_option
from aggregator.config import read_config
from aggregator.errors import ConfigError
from aggregator.site.database import open_store
from web.auth.credentials import TOKEN_VARIABLE, make_token, token_file

host_option = click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
port_option = click.option(
    "--port", type=click.IntRange(1, 65_535), default=8000, show_default=True, help="Port to listen on."
)
proxies_option = click.option(
    "--proxies",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Number of your reverse proxies in front of the site, whose X-Forwarded-For and -Proto headers are trusted.",
)


@click.command()
@feeds_option
@db_option
@host_option
@port_option
@proxies_option
@click.option(
    "--refresh",
    type=click.IntRange(min=0),
    default=0,
    help="Seconds after which pages reload themselves; 0 turns this off.",
)
@click.pass_obj
def web(front: Front, feeds: Path, db: Path, host: str, port: int, proxies: int, refresh: int) -> None:
    """Serve the site without a worker.

    \b
    Example:
      groundswell web --port 8080
    """
    from web.server import serve  # Flask and the server: no other command waits for them

    try:
        text = read_config(feeds)
    except ConfigError:
        # The configuration last applied is in the database; without either, the site says what to do.
        text = ""
    serve(
        db,
        front.clock,
        host,
        port,
        config_text=text,
        refresh=timedelta(seconds=refresh) if refresh else None,
        feeds=feeds,
        proxies=proxies,
    )


@click.command("rotate-token")
@db_option
@click.pass_obj
def rotate_token(front: Front, db: Path) -> None:
    """Replace the operator's token and print the new one; all sessions end.

    \b
    Example:
      groundswell rotate-token
    """
    with open_store(db) as store:
        token = make_token(store, db, front.clock())
    click.echo(token)
    click.echo(f"It is also in {token_file(db)}, which only you can read. All sessions have ended.", err=True)
    if front.env.get(TOKEN_VARIABLE):
        click.echo(f"{TOKEN_VARIABLE} is set and takes precedence over this token; change it there.", err=True)
