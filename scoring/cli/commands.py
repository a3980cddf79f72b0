"""The commands for stories, scores and learning.

Knows how a command reads and prints. What it does is a call into the modules
beside it; the clock comes in with the `Front`.
"""

from __future__ import annotations

import gc
import json
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import click

from aggregator.cli.options import Front, db_option, existing, feeds_option, json_option, progress_bar, story_named
from aggregator.config import load_config
from aggregator.errors import GroundswellError
from aggregator.site.config_watcher import ConfigWatch
from aggregator.site.database import open_as_only_writer, open_for_job, open_store
from aggregator.store import Store
from aggregator.translatable import stored
from scoring.cli.editorial import stories
from scoring.cli.evaluate import evaluate
from scoring.cli.models import models
from scoring.cli.preview import preview
from scoring.cli.recordings import settings_of, site_encoder, stream_reader
from scoring.learning.model_store import current
from scoring.learning.train import Learner
from scoring.learning.train import train as train_model
from scoring.relevance.model import load_prior
from scoring.replay.runner import replay as replay_stream
from scoring.updater import Updater


@click.command()
@click.option("--rebuild", is_flag=True, help="Delete all stories and scores and compute them again from the entries.")
@click.option(
    "--date-back",
    is_flag=True,
    help="Rebuild, and move times in the future, which a wrong clock assigned, to just before now.",
)
@feeds_option
@db_option
@click.pass_obj
def update(front: Front, rebuild: bool, date_back: bool, feeds: Path, db: Path) -> None:
    """Group new entries into stories, then score and rank the stories.

    \b
    Example:
      groundswell update
      groundswell update --rebuild
    """
    rebuild = rebuild or date_back
    _collect_seldom()
    with open_as_only_writer(existing(db)) as store:
        config = ConfigWatch(feeds, store, front.env).start(front.clock())
        with site_encoder(config) as encoder, progress_bar("Scoring") as bar:
            updater = Updater(store, config, current(store.models), encoder=encoder)
            task = bar.add_task("entries", total=None if not rebuild else store.entries.count())

            def took(entries: int) -> None:
                bar.update(task, advance=entries)

            if rebuild:
                store.rebuild_search()
                entries = updater.rebuild(front.clock(), took, date_back=date_back)
            else:
                entries = updater.run(front.clock(), took)
        click.echo(f"{entries} entries processed; {store.stories.count()} stories")


@click.command()
@feeds_option
@db_option
@json_option
@click.pass_obj
def train(front: Front, feeds: Path, db: Path, as_json: bool) -> None:
    """Train on the site's own past; the new model is used if it is not worse.

    \b
    Example:
      groundswell train
    """
    with open_for_job(existing(db), "train") as store:
        config = load_config(feeds, env=front.env)
        report = train_model(store, config, front.clock())
        store.state.set("train_said", stored(report.message))
    click.echo(json.dumps(asdict(report), indent=1, default=str) if as_json else report.message)


@click.command()
@click.argument("stream", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option("--db", type=click.Path(path_type=Path), help="Store entries and stories in this new database.")
@click.option(
    "--feeds",
    type=click.Path(path_type=Path),
    help="A feeds.yaml with categories, owners and settings.  [default: none]",
)
@click.option("--time", "time_column", default="", metavar="COLUMN", help="Column with the time of arrival.")
@click.option("--assignments", type=click.Path(path_type=Path), help="Write `id<TAB>story` for each line.")
@click.option("--scores", type=click.Path(path_type=Path), help="Write the score of each entry at its arrival.")
@click.option("--learn", is_flag=True, help="Train daily on the stream's own past, as a site does.")
@json_option
@click.pass_obj
def replay(
    front: Front,
    stream: Path,
    db: Path | None,
    feeds: Path | None,
    time_column: str,
    assignments: Path | None,
    scores: Path | None,
    learn: bool,
    as_json: bool,
) -> None:
    """Replay a recorded stream through the production code with a simulated clock.

    STREAM is JSON Lines, plain or .gz, one entry a line in order of arrival.

    \b
    Example:
      groundswell replay entries.jsonl.gz --scores scores.jsonl
    """
    config = settings_of(front, feeds)
    if db is not None and db.exists():
        raise GroundswellError(f"{db} exists; a replay needs a new database: name another --db, or remove this one")
    learner = Learner(config) if learn else None
    _collect_seldom()
    with ExitStack() as opened:
        read = opened.enter_context(stream_reader(config))
        bar = opened.enter_context(progress_bar("Replaying"))
        task = bar.add_task("lines", total=None)
        summary = replay_stream(
            read(stream, time_column),
            config,
            load_prior(),
            assignments=_written(opened, assignments),
            scores=_written(opened, scores),
            # Never the site's own database, which `DATABASE_URL` may name.
            db=opened.enter_context(Store.open(db)) if db is not None else None,
            retrain=learner,
            observer=learner.past if learner is not None else None,
            progress=lambda lines: bar.update(task, advance=lines),
        )
    for fault in summary.skipped:
        click.echo(f"{stream}:{fault.line}: {fault.message}; skipped", err=True)
    if as_json:
        click.echo(json.dumps(asdict(summary), default=str, indent=1))
    else:
        click.echo(
            f"{summary.entries} entries, {summary.stories} stories; "
            f"{summary.repeats} lines repeated a known entry, {summary.broken} were invalid and skipped"
        )


@click.command()
@click.argument("story", metavar="STORY")
@click.argument("verdict", type=click.Choice(("up", "down", "undo")))
@db_option
@click.pass_obj
def vote(front: Front, story: str, verdict: str, db: Path) -> None:
    """Vote a story relevant (up) or not relevant (down), or undo the vote.

    STORY is the number in its address. A running worker changes the scores within a second; training learns from
    the vote.

    \b
    Example:
      groundswell vote 217 up
    """
    with open_store(existing(db)) as store:
        target = story_named(store, story)
        up = {"up": True, "down": False, "undo": None}[verdict]
        store.feedback.vote(target.story_id, up, front.clock())
    verdict_text = {"up": "relevant", "down": "not relevant", "undo": "not voted on"}[verdict]
    click.echo(f"story {target.story_id} is {verdict_text}: {target.headline}")


def _collect_seldom() -> None:
    """Let a command that scores many entries collect garbage seldom, as the worker does (`Poller`).

    Entries and stories hold no cycles. On 3,400 entries of general news, collecting took 0.9 of 12 CPU seconds.
    """
    gc.set_threshold(max(gc.get_threshold()[0], 20_000), 20, 20)


def _written(opened: ExitStack, path: Path | None) -> TextIO | None:
    """Open *path* for writing, and only let it appear under its name once it is whole."""
    if path is None:
        return None
    part = path.with_name(f"{path.name}.part")
    try:
        file = part.open("w", encoding="utf-8")
    except OSError as error:
        raise GroundswellError(f"cannot write {path}: {error.strerror}") from error

    def finish(kind: type[BaseException] | None, *_: object) -> None:
        file.close()
        if kind is None:
            part.replace(path)
        else:
            part.unlink(missing_ok=True)

    opened.push(finish)
    return file


COMMANDS: tuple[click.Command, ...] = (update, train, replay, preview, vote, stories, models, evaluate)
