"""The command line: the commands of all layers, and those that start the site.

Heavy libraries are imported when they are needed: polling waits neither for scikit-learn nor for Flask.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import click

import aggregator.cli
import web.cli
from aggregator.cli.init import require_config
from aggregator.cli.options import Front, db_option, feeds_option
from aggregator.demo import edition as sample
from aggregator.errors import ConfigError, GroundswellError
from aggregator.process import end_with_named_parent, raise_file_limit
from aggregator.site.database import is_file, open_store, require_server
from aggregator.store import StoreFault
from groundswell import demo as playing
from groundswell.clock import process_clock
from groundswell.logging import configure_logging
from groundswell.manual import docs
from groundswell.processes import Part, part_command, supervise, until_signal
from web.cli.site import host_option, port_option, proxies_option


class _Commands(click.Group):
    """The commands of all layers. Those that need scoring or pages are imported only when used, or for the help."""

    LATER: Mapping[str, str] = {
        **dict.fromkeys(
            ("update", "train", "replay", "preview", "vote", "stories", "models", "evaluate"), "scoring.cli.commands"
        ),
        "explain": "web.cli.explain",
        "mcp": "web.agents.cli",
        "alerts": "web.alerts.commands",
        "digest": "web.digest.commands",
    }

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted({*super().list_commands(context), *self.LATER})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name in self.LATER and name not in self.commands:
            self.add_command(getattr(import_module(self.LATER[name]), name))
        return super().get_command(context, name)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="groundswell", prog_name="groundswell")
@click.option("--verbose", is_flag=True, help="Log debug messages, too.")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    envvar="GROUNDSWELL_LOG_FORMAT",
    show_envvar=True,
    help="How log lines are written to stderr.",
)
@click.pass_context
def cli(context: click.Context, verbose: bool, log_format: str) -> None:
    """Run a self-hosted news site.

    Groundswell polls feeds, groups what many sources publish into stories,
    scores each story, shows what is trending, and republishes it as RSS.
    """
    end_with_named_parent()
    raise_file_limit()
    configure_logging(verbose, as_json=log_format == "json")
    if log_format != "text":
        os.environ["GROUNDSWELL_LOG_FORMAT"] = log_format  # for the parts of a site, which are separate processes
    context.obj = Front(process_clock())


@cli.command()
@feeds_option
@db_option
@host_option
@port_option
@proxies_option
@click.option("--init", "write", is_flag=True, help="Write the shipped feeds.yaml if there is none.")
@click.option(
    "--role",
    "roles",
    type=click.Choice(["poll", "score", "site"]),
    multiple=True,
    help="Run only this part; others can run on any machine. Needs PostgreSQL. May be repeated.",
)
@click.pass_obj
def run(
    front: Front, feeds: Path, db: Path, host: str, port: int, proxies: int, write: bool, roles: tuple[str, ...]
) -> None:
    """Run worker and site together.

    \b
    Example:
      groundswell run
      groundswell run --init
      groundswell run --port 8080 --db /var/lib/groundswell/news.db
      DATABASE_URL=postgresql://... groundswell run --role poll
    """
    from web.server import Address, check_port

    if roles:
        require_server("--role")
    chosen = frozenset(roles) or frozenset(("poll", "score", "site"))
    if "score" in chosen:
        with _errors_without_values():
            require_config(feeds, db, front.env, write=write)
    if not is_file():
        open_store(db).close()  # so that its errors are reported once and at once
    if "site" in chosen:
        address = Address(host, port)
        check_port(address, db=db)
        click.echo(f"Groundswell: {address.url} (Ctrl-C stops it)", err=True)
    parts = _parts(feeds, db, host, port, proxies=proxies, roles=chosen)
    raise SystemExit(until_signal(lambda stop: supervise(parts, stop)))


def _parts(
    feeds: Path,
    db: Path,
    host: str,
    port: int,
    *,
    proxies: int = 0,
    refresh_s: int = 0,
    roles: frozenset[str] = frozenset(("poll", "score", "site")),
) -> list[Part]:
    site = ("--host", host, "--port", str(port), "--refresh", str(refresh_s), "--proxies", str(proxies))
    parts = [Part("worker", part_command("worker", feeds, db))] if is_file() else _workers(feeds, db, roles)
    return [*parts, Part("web", part_command("web", feeds, db, *site))] if "site" in roles else parts


def _workers(feeds: Path, db: Path, roles: frozenset[str]) -> list[Part]:
    """Return the parts of a worker over PostgreSQL, of which several of a kind can run."""
    names = {"score": "scorer", "poll": "poller"}
    return [
        Part(name, part_command("worker", feeds, db, "--role", role)) for role, name in names.items() if role in roles
    ]


@cli.command()
@feeds_option
@db_option
@click.option(
    "--role",
    type=click.Choice(["poll", "score"]),
    help="Only poll, or do everything but poll; other workers can run on any machine. Needs PostgreSQL.",
)
@click.pass_obj
def worker(front: Front, feeds: Path, db: Path, role: str | None) -> None:
    """Run the worker alone: polls, stories, scores.

    With PostgreSQL, several workers can share the polls, each with `--role poll`. One with `--role score` works; a
    second one stands by and takes over within a minute.

    \b
    Example:
      groundswell worker
      groundswell worker --role poll
    """
    if role is not None:
        require_server("--role")
    elif not is_file():
        with _errors_without_values():
            require_config(feeds, db, front.env)
        parts = _workers(feeds, db, frozenset(("poll", "score")))
        raise SystemExit(until_signal(lambda stop: supervise(parts, stop)))
    with _errors_without_values():
        raise SystemExit(until_signal(_work(role, feeds, db, front)))


@contextmanager
def _errors_without_values() -> Iterator[None]:
    """Shorten errors of feeds.yaml to key and line, because logs keep the output of a service."""
    try:
        yield
    except ConfigError as error:
        if error.public == str(error):
            raise
        raise ConfigError(f"{error.public}\n`groundswell check` shows the values") from None


def _work(role: str | None, feeds: Path, db: Path, front: Front) -> Callable[[asyncio.Event], Awaitable[int]]:
    """Return the function that a worker of this role runs; None: everything."""
    if role == "poll":
        from groundswell.poller import poll_shards

        return lambda stop: poll_shards(db, front.clock, stop)
    from groundswell.worker import stand_by, work

    require_config(feeds, db, front.env)
    start = stand_by if role == "score" else work
    return lambda stop: start(feeds, db, front.clock, stop)


@cli.command()
@host_option
@port_option
@click.option(
    "--speed",
    type=click.FloatRange(1, 3600),
    default=300,
    show_default=True,
    help="How many times as fast as real time the sample edition runs.",
)
@click.option(
    "--start",
    "start_hours",
    type=click.FloatRange(0, 71),
    default=54,
    show_default=True,
    help="How many hours of the three days have passed at the start.",
)
def demo(host: str, port: int, speed: float, start_hours: float) -> None:
    """Play the sample edition, without any network.

    A feed server on this machine publishes three days of our own sample news;
    the real poller, scorer and site run on it, and time runs faster.

    \b
    Example:
      groundswell demo
      groundswell demo --speed 60
    """
    from web.server import Address, check_port

    address = Address(host, port)
    check_port(address)
    start = timedelta(hours=start_hours)
    with playing.sample_site(address.url, start, speed) as (feeds, db):
        click.echo(
            f"Groundswell's sample edition: {address.url} (Ctrl-C stops it)\n"
            f"It is {sample.STARTS_AT + start:%A, %H:%M} in the edition; "
            f"one of its hours passes in {3600 / speed:.0f} seconds, until it ends after three days.",
            err=True,
        )
        parts = _parts(feeds, db, host, port, refresh_s=playing.REFRESH_S)
        raise SystemExit(until_signal(lambda stop: supervise(parts, stop)))


for command in (*aggregator.cli.COMMANDS, *web.cli.COMMANDS, docs):
    cli.add_command(command)


def main() -> None:
    """Run the command line; an error that the user has to fix is one message on stderr."""
    # The models are small: threads of the linear algebra library would wait for each other, and on a busy machine a fit
    # of categories took 0.38 s instead of 0.005. One thread also sums in the same order everywhere.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        cli(prog_name="groundswell")
    except GroundswellError as error:
        click.echo(str(error), err=True)
        raise SystemExit(1) from None
    except StoreFault as error:
        click.echo(f"the database cannot be used now: {error}; `groundswell check` says more", err=True)
        raise SystemExit(1) from None
