"""`groundswell evaluate`: its group, `terms`, `trend`, `front-page`, `categories` and `--live`.

What is measured is in the modules of the same names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from aggregator.cli.options import Front, db_option, existing, feeds_option, json_option, progress_bar
from aggregator.config import load_config
from aggregator.errors import GroundswellError
from aggregator.site.database import open_for_job
from scoring.cli.evaluate_labels import LABEL_EVALUATIONS
from scoring.cli.recordings import settings_of, stream_reader
from scoring.relevance.model import load_prior, read_prior
from scoring.replay.streams import Stream

stream_argument = click.argument("stream", type=click.Path(path_type=Path, dir_okay=False))
seed_option = click.option("--seed", default=0, show_default=True, help="Random seed of the confidence intervals.")


@click.command("terms")
@stream_argument
@click.option("--time", "time_column", default="", metavar="COLUMN", help="Column with the time of arrival.")
@seed_option
@json_option
def evaluate_terms(stream: Path, time_column: str, seed: int, as_json: bool) -> None:
    """Name ten rising terms every six hours of a recorded stream, and count how many rose in the day after.

    A term has risen if it is in at least 10 entries of at least 8 sources in the next 24 hours, and in at least 3 times
    its usual share of all entries.

    \b
    Example:
      groundswell evaluate terms entries.jsonl.gz
    """
    from scoring.evaluation import topics as evaluating

    with progress_bar("Evaluating") as bar:
        task = bar.add_task("moments", total=None)
        report = evaluating.evaluate(
            Stream(stream, time_column), seed, progress=lambda moments: bar.update(task, advance=moments)
        )
    print_report(report, evaluating.lines, as_json)


@click.command("trend")
@stream_argument
@click.option("--time", "time_column", default="", metavar="COLUMN", help="Column with the time of arrival.")
@click.option(
    "--feeds",
    type=click.Path(path_type=Path),
    help="A feeds.yaml with categories, owners and settings.  [default: none]",
)
@seed_option
@json_option
@click.pass_obj
def evaluate_trend(front: Front, stream: Path, time_column: str, feeds: Path | None, seed: int, as_json: bool) -> None:
    """Rank the live stories of a recorded stream every two hours, and count which ones other sources then report.

    A story counts if at least three further independent sources report it in the next 6 or 24 hours. The order of the
    page is compared with simple rules.

    \b
    Example:
      groundswell evaluate trend entries.jsonl.gz
    """
    from scoring.evaluation import trending

    config = settings_of(front, feeds)
    with stream_reader(config) as read, progress_bar("Replaying") as bar:
        task = bar.add_task("lines", total=None)
        report = trending.evaluate(
            read(stream, time_column),
            config,
            load_prior(),
            seed,
            progress=lambda lines: bar.update(task, advance=lines),
        )
    print_report(report, trending.lines, as_json)


@click.command("front-page")
@stream_argument
@click.argument("labels", type=click.Path(path_type=Path, dir_okay=False), nargs=-1, required=True)
@click.option("--label", default="", metavar="COLUMN", help="With JSON Lines: the column with an editor's yes or no.")
@click.option("--time", "time_column", default="", metavar="COLUMN", help="Column with the time of arrival.")
@click.option(
    "--feeds",
    type=click.Path(path_type=Path),
    help="A feeds.yaml with categories, owners and settings.  [default: none]",
)
@click.option(
    "--recording",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Read the recorded hours from this file, or create it; a second run then takes seconds.",
)
@click.option(
    "--prior",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Start from this prior, made by `scoring.evaluation.priors.relevance`; default: the shipped one.",
)
@click.option("--learn/--no-learn", default=True, show_default=True, help="Retrain each day from the stream's past.")
@seed_option
@json_option
@click.pass_obj
def evaluate_front_page(
    front: Front,
    stream: Path,
    labels: tuple[Path, ...],
    label: str,
    time_column: str,
    feeds: Path | None,
    recording: Path | None,
    prior: Path | None,
    learn: bool,
    seed: int,
    as_json: bool,
) -> None:
    """Replay a stream with daily learning and compare its front page, hour by hour, with an editor's judgement.

    LABELS are tables `NAME.labels.tsv` (columns id and grade, 0 to 3) with their items in NAME.jsonl beside them, or
    JSON Lines with the column `grade` or the one that --label names. Items are found in the stream by link, title
    and time.

    \b
    Example:
      groundswell evaluate front-page entries.jsonl.gz week.labels.tsv
      groundswell evaluate front-page entries.jsonl.gz entries.jsonl.gz --label picked
    """
    from scoring.evaluation import front_page, labelled_files
    from scoring.evaluation import recording as recordings

    items = [labelled_files.read(path, label, time_column=time_column) for path in labels]
    orders = dict(front_page.ORDERS)
    if recording is not None and recording.exists():
        hours = recordings.load(recording)
        orders = {"as ordered now": front_page.by_place, **orders}
    else:
        config = settings_of(front, feeds)
        with stream_reader(config) as read, progress_bar("Replaying") as bar:
            task = bar.add_task("lines", total=None)
            hours = recordings.record(
                read(stream, time_column),
                config,
                load_prior() if prior is None else read_prior(prior),
                learn=learn,
                progress=lambda lines: bar.update(task, advance=lines),
            )
        if recording is not None:
            recordings.save(hours, recording)
    reports = [
        front_page.evaluate(hours, labelled, path.name, orders, seed)
        for path, labelled in zip(labels, items, strict=True)
    ]
    if as_json:
        click.echo(json.dumps([asdict(report) for report in reports], indent=1))
    else:
        click.echo("\n\n".join("\n".join(front_page.lines(report)) for report in reports))


@click.command("categories")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--train",
    "train_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Earlier labelled entries to learn from; default: only the seeds.",
)
@click.option(
    "--stream",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Replay this stream, and measure the categories that FILE's items had at their arrival.",
)
@click.option("--feeds", type=click.Path(path_type=Path), help="With --stream: categories and settings.")
@seed_option
@json_option
@click.pass_obj
def evaluate_categories(
    front: Front,
    file: Path,
    train_file: Path | None,
    stream: Path | None,
    feeds: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Predict the categories of labelled entries, and measure how many are right.

    With --stream, FILE is a table `NAME.labels.tsv` (id, category, alt, grade) with its items in NAME.jsonl beside it,
    or JSON Lines with these columns. The category or one of alt counts as right. The AUC of the score for grade 2 is
    printed, too.

    Both files are JSON Lines, plain or .gz: category, and title, summary or text; optional source and lang. Each
    language is learned separately.

    \b
    Example:
      groundswell evaluate categories june.jsonl.gz --train may.jsonl.gz
    """
    from scoring.evaluation import at_arrival, labelled_files
    from scoring.evaluation import categories as evaluating

    if stream is not None:
        config = settings_of(front, feeds)
        with stream_reader(config) as read, progress_bar("Replaying") as bar:
            task = bar.add_task("lines", total=None)
            arrivals = at_arrival.arrivals(
                read(stream, ""),
                labelled_files.read(file),
                config,
                load_prior(),
                progress=lambda lines: bar.update(task, advance=lines),
            )
        print_report(at_arrival.report(arrivals, seed), at_arrival.lines, as_json)
        return
    train = evaluating.read_rows(train_file) if train_file is not None else []
    print_report(evaluating.evaluate(evaluating.read_rows(file), train, seed), evaluating.lines, as_json)


def measure_live(front: Front, feeds: Path, db: Path, as_json: bool) -> None:
    """Measure the site on its own past, keep that for /accuracy, and print it."""
    from scoring.evaluation.site import scorecard

    with open_for_job(existing(db), "measure") as store:
        config = load_config(feeds, env=front.env)
        card = scorecard.measure(store, config, front.clock())
        # The worker runs this every night in a process of its own, so seconds of work delay nothing.
        store.count_words()
    if as_json:
        rows = [asdict(measure) for measure in card.measures]
        tables = {f"{name}, {window} days": content for (window, name), content in card.tables.items()}
        click.echo(json.dumps({"day": card.day.isoformat(), "measures": rows, "tables": tables}, indent=1))
    else:
        click.echo("\n".join(scorecard.lines(card)))


def print_report(report: Any, lines: Callable[[Any], Sequence[str]], as_json: bool) -> None:
    """Print a report, as JSON or as its lines."""
    click.echo(json.dumps(asdict(report), indent=1) if as_json else "\n".join(lines(report)))


EVALUATIONS: tuple[click.Command, ...] = (evaluate_terms, evaluate_trend, evaluate_front_page, evaluate_categories)


@click.group(invoke_without_command=True)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("../shared/data"),
    show_default=True,
    help="Folder of the recorded data.",
)
@click.option("--only", multiple=True, metavar="TASK", help="Run only this task; can be repeated.")
@click.option("--live", is_flag=True, help="Measure the site on its own past, for /accuracy.")
@feeds_option
@db_option
@json_option
@click.pass_context
def evaluate(
    context: click.Context, data: Path, only: tuple[str, ...], live: bool, feeds: Path, db: Path, as_json: bool
) -> None:
    """Measure what the program decides against labels.

    Without a command, run every task whose data is available: learn from the first 70 % of a file, in whole days,
    and measure on the rest.

    \b
    Example:
      groundswell evaluate
      groundswell evaluate --only techmeme --json
      groundswell evaluate --live
    """
    if context.invoked_subcommand is not None:
        return
    if live:
        measure_live(context.obj, feeds, db, as_json)
        return
    from scoring.evaluation import benchmarks

    names = [task.name for task in benchmarks.TASKS]
    if unknown := [name for name in only if name not in names]:
        raise GroundswellError(f"there is no task {unknown[0]!r}; there are {', '.join(names)}")
    results: dict[str, object] = {}
    for task, missing in benchmarks.present(data, only):
        if missing:
            results[task.name] = {"missing": missing}
            if not as_json:
                click.echo(f"\n{task.name}: skipped; there is no {data / missing[0]}")
            continue
        outcome = task.run(data)
        results[task.name] = outcome.data
        if not as_json:
            click.echo(f"\n{task.name} (goal: {task.goal})")
            for line in outcome.lines:
                click.echo(line)
    if as_json:
        click.echo(json.dumps(results, indent=1))


for evaluation in (*LABEL_EVALUATIONS, *EVALUATIONS):
    evaluate.add_command(evaluation)
