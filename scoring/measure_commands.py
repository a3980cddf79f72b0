"""`groundswell evaluate terms`, `trend` and `categories`: how the command line reads and prints.

What is measured is in the modules of the same names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from aggregator.commands import json_option, progress_bar
from scoring.streams import Stream

stream_argument = click.argument("stream", type=click.Path(path_type=Path, dir_okay=False))
seed_option = click.option("--seed", default=0, show_default=True, help="Of the intervals.")


@click.command("terms")
@stream_argument
@click.option("--time", "time_column", default="", metavar="COLUMN", help="Where the time of arrival stands.")
@seed_option
@json_option
def evaluate_terms(stream: Path, time_column: str, seed: int, as_json: bool) -> None:
    """Name ten rising terms every six hours of a recorded stream, and count how many rose in the day after.

    A term rose when its next 24 hours have at least 10 entries of at least 8 sources, and at least 3 times its usual
    share of all entries.

    \b
    Example:
      groundswell evaluate terms entries.jsonl.gz
    """
    from scoring import evaluate_terms as evaluating

    with progress_bar("Evaluating") as bar:
        task = bar.add_task("moments", total=None)
        report = evaluating.evaluate(
            Stream(stream, time_column), seed, progress=lambda moments: bar.update(task, advance=moments)
        )
    told(report, evaluating.lines, as_json)


def told(report: Any, lines: Callable[[Any], Sequence[str]], as_json: bool) -> None:
    """Print a report, as JSON or as its lines."""
    click.echo(json.dumps(asdict(report), indent=1) if as_json else "\n".join(lines(report)))


EVALUATIONS: tuple[click.Command, ...] = (evaluate_terms,)
