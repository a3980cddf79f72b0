"""`groundswell models`: which model scores, and which others are kept."""

from __future__ import annotations

import json
from pathlib import Path

import click

from aggregator.cli.options import db_option, existing, json_option
from aggregator.errors import GroundswellError
from aggregator.site.database import open_store
from scoring.learning.model_store import history, load, use, use_prior
from scoring.relevance.model import load_prior


@click.group()
def models() -> None:
    """List the trained models and choose one."""


@models.command("list")
@db_option
@json_option
def models_list(db: Path, as_json: bool) -> None:
    """List the models, newest first: what they learned from, how well they did, which is in use.

    \b
    Example:
      groundswell models list
    """
    with open_store(existing(db)) as store:
        records = history(store.models)
    if as_json:
        rows = [
            {
                "file": model.file_name,
                "in_use": model.in_use,
                "name": model.file.name if model.file else None,
                "window": model.file.window if model.file else None,
                "measures": model.file.measures if model.file else None,
                "fault": model.message,
            }
            for model in records
        ]
        click.echo(json.dumps(rows, indent=1))
        return
    for record in records:
        mark = "*" if record.in_use else " "
        if record.file is None:
            click.echo(f"{mark} {record.file_name}  {record.message}")
            continue
        measures = record.file.measures.get("candidate", {})
        measures_text = ", ".join(
            f"{name} {measures[key]:.3f}"
            for name, key in (("AUC", "auc"), ("nDCG@10", "ndcg_at_10"), ("Brier", "brier"), ("ECE", "ece"))
            if measures.get(key) is not None
        )
        click.echo(
            f"{mark} {record.file_name}  {record.file.window[0][:10]} to {record.file.window[1][:10]}  {measures_text}"
        )
    prior = load_prior()
    click.echo(
        f"{' ' if any(record.in_use for record in records) else '*'} prior  {prior.version}, ships with the program"
    )


@models.command("use")
@click.argument("name", metavar="NAME")
@db_option
def models_use(name: str, db: Path) -> None:
    """Score with an earlier model again; a running worker switches to it within seconds.

    NAME is a file of `models list`, or prior.

    \b
    Example:
      groundswell models use relevance-20261117T080000Z.json
      groundswell models use prior
    """
    with open_store(existing(db)) as store:
        if name == "prior":
            use_prior(store.models)
        else:
            file_names = {model.file_name for model in history(store.models)}
            if name not in file_names:
                raise GroundswellError(f"there is no model {name}; `groundswell models list` shows the models")
            load(store.models, name)
            use(store.models, name)
    click.echo(f"{name} is in use")
