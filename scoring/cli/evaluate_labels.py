"""`groundswell evaluate stories`, `pairs` and `relevance`: measure against labelled files."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

import click

from aggregator.cli.options import Front, json_option, progress_bar
from aggregator.errors import GroundswellError
from scoring.cli.recordings import cached_encoder, settings_of, stream_reader
from scoring.editorial import pairwise_constraints
from scoring.relevance import model_file
from scoring.relevance.model import PRIOR_FILE, RelevanceModel, load_prior, read_prior
from scoring.replay.streams import Stream

WARM_UP = timedelta(days=28)
"""Of a file that is learned from online: these days are not measured."""


@click.command("stories")
@click.argument("items", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("gold", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--time", "time_column", default="ts", show_default=True, metavar="COLUMN", help="Time of arrival.")
@click.option("--fields", default="title,summary", show_default=True, help="Which texts of an entry to use.")
@click.option("--background", type=click.Path(path_type=Path), help="Mix these unlabelled entries into the stream.")
@click.option("--feeds", type=click.Path(path_type=Path), help="Settings, owners, sentence encoder; default: none.")
@json_option
@click.pass_obj
def evaluate_stories(
    front: Front,
    items: Path,
    gold: Path,
    time_column: str,
    fields: str,
    background: Path | None,
    feeds: Path | None,
    as_json: bool,
) -> None:
    """Cluster labelled entries with the production code, and measure the stories.

    ITEMS is JSON Lines, plain or .gz; GOLD has a line `id<TAB>story` for each labelled entry. Where GOLD's first line
    names columns (id, story, unsure), its items are in NAME.jsonl beside NAME.labels.tsv and are found in ITEMS by
    link, title and time, so ITEMS can be the whole stream around them; items marked unsure are left out.

    \b
    Example:
      groundswell evaluate stories items.jsonl.gz gold.tsv --fields title
    """
    # scipy takes a second to import, which no other command should pay.
    from scoring.evaluation import labelled_files
    from scoring.evaluation import stories as evaluating_stories

    chosen = [field.strip() for field in fields.split(",")]
    unknown = [field for field in chosen if field not in ("title", "summary")]
    if unknown:
        raise GroundswellError(f"--fields {unknown[0]!r} is not one of title, summary")
    if labelled_files.has_header(gold):
        labels = labelled_files.stories_in(Stream(items, time_column), labelled_files.read(gold))
    else:
        labels = evaluating_stories.read_gold(gold)
    config = settings_of(front, feeds)
    with ExitStack() as opened:
        read = opened.enter_context(stream_reader(config))
        bar = opened.enter_context(progress_bar("Evaluating"))
        task = bar.add_task("entries", total=None)
        report = evaluating_stories.evaluate(
            read(items, time_column),
            labels,
            load_prior(),
            background=read(background, time_column) if background is not None else None,
            fields=chosen,
            config=config,
            progress=lambda entries: bar.update(task, advance=entries),
        )
    if as_json:
        click.echo(json.dumps(asdict(report), indent=1))
        return
    for line in evaluating_stories.lines(report):
        click.echo(line)


@click.command("pairs")
@click.argument("items", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("pairs", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--time", "time_column", default="", metavar="COLUMN", help="Time of arrival, where it is another column."
)
@click.option("--background", type=click.Path(path_type=Path), help="Mix these entries into the stream.")
@click.option("--feeds", type=click.Path(path_type=Path), help="Settings and owners; default: none.")
@json_option
@click.pass_obj
def evaluate_pairs(
    front: Front, items: Path, pairs: Path, time_column: str, background: Path | None, feeds: Path | None, as_json: bool
) -> None:
    """Cluster entries with the production code, and check which pairs are together or apart as they should be.

    ITEMS is JSON Lines, plain or .gz; PAIRS has a line `id<TAB>id<TAB>together` or `... apart` a pair.
    `groundswell stories export` writes both from what editors decided.

    \b
    Example:
      groundswell evaluate pairs cases/items.jsonl cases/pairs.tsv --background entries.jsonl
    """
    # scipy takes a second to import, which no other command should pay.
    from scoring.evaluation import stories as evaluating_stories

    wanted = pairwise_constraints.read(pairs)
    config = settings_of(front, feeds)
    with ExitStack() as opened:
        read = opened.enter_context(stream_reader(config))
        bar = opened.enter_context(progress_bar("Evaluating"))
        task = bar.add_task("entries", total=None)
        story_of = evaluating_stories.stories_at_end(
            read(items, time_column),
            load_prior(),
            background=read(background, time_column) if background is not None else None,
            config=config,
            progress=lambda entries: bar.update(task, advance=entries),
        )
    report = pairwise_constraints.check(wanted, story_of)
    if as_json:
        click.echo(json.dumps(asdict(report), indent=1))
        return
    for line in pairwise_constraints.lines(report):
        click.echo(line)


@click.command("relevance")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--train",
    "train_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Earlier labelled items to learn from; needed unless --online.",
)
@click.option(
    "--online",
    is_flag=True,
    help="Retrain each day on the labels known by then (48 h after arrival), and measure on what followed.",
)
@click.option(
    "--label",
    default="label",
    show_default=True,
    metavar="COLUMN",
    help="Column with the label: 1 relevant, 0 not, null unknown.",
)
@click.option("--at-least", type=float, metavar="N", help="Count N or more in the column as relevant.")
@click.option(
    "--top-share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="Q",
    help="Count the top share Q of the column as relevant, by the numbers of the training file.",
)
@click.option(
    "--stream",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Other entries; they count as coverage.",
)
@click.option(
    "--prior",
    "prior_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Start from this prior; default: the shipped one, unless it was fitted on the days that are measured.",
)
@click.option("--seed", default=0, show_default=True, help="Random seed of the confidence intervals.")
@json_option
@click.pass_obj
def evaluate_relevance(
    front: Front,
    file: Path,
    train_file: Path | None,
    online: bool,
    label: str,
    at_least: float | None,
    top_share: float | None,
    stream: Path | None,
    prior_file: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Learn from labelled items, score later ones as they arrived, and measure.

    With --online, a model is trained each day, as on a site; without --train, the first 28 days of FILE are only
    trained on. Without --online, it is trained once and recalibrated each day.

    Both files are JSON Lines, plain or .gz: title, the time of arrival (first_seen, created or published), the
    label; optional url, source, summary, tags. Items without a label count as coverage of the others. Titles tell one
    story by their words or, where the sentence encoder works, by their meaning.

    \b
    Example:
      groundswell evaluate relevance june.jsonl.gz --train may.jsonl.gz --label picked
      groundswell evaluate relevance year.jsonl.gz --online --label picked
      groundswell evaluate relevance june.jsonl.gz --train may.jsonl.gz --label points --at-least 150
    """
    from scoring.evaluation import relevance as evaluating

    if train_file is None and not online:
        raise GroundswellError("use --train with earlier labelled items, or --online")
    before = evaluating.read_rows(train_file, label) if train_file is not None else []
    after = evaluating.read_rows(file, label)
    if top_share is not None:
        at_least = evaluating.threshold(before or after, top_share)
    before, after = evaluating.labelled(before, at_least), evaluating.labelled(after, at_least)
    others = evaluating.read_rows(stream) if stream is not None else []
    with cached_encoder(settings_of(front, None)) as encoder:
        if encoder is not None:
            before, after, others = (evaluating.with_embeddings(rows, encoder) for rows in (before, after, others))
    begins = after[0].arrived_at if before else after[0].arrived_at + WARM_UP
    prior = _prior_before(begins) if prior_file is None else read_prior(prior_file)
    if online:
        with progress_bar("Learning") as bar:
            task = bar.add_task("days", total=None)
            report = evaluating.evaluate_online(
                [*(row for row in before if row.arrived_at < after[0].arrived_at), *after],
                others,
                begins=begins.replace(hour=0, minute=0, second=0, microsecond=0),
                prior=prior,
                seed=seed,
                progress=lambda days: bar.update(task, advance=days),
            )
    else:
        report = evaluating.evaluate(before, after, others, prior, seed)
    if as_json:
        click.echo(json.dumps(asdict(report), indent=1))
        return
    for line in evaluating.lines(report):
        click.echo(line)


def _prior_before(begins: datetime) -> RelevanceModel | None:
    """Return the shipped prior if everything that it was made from arrived before *begins*."""
    _, last = model_file.read(PRIOR_FILE, "prior").window
    return load_prior() if datetime.fromisoformat(last) < begins else None


LABEL_EVALUATIONS: tuple[click.Command, ...] = (evaluate_stories, evaluate_pairs, evaluate_relevance)
