"""`groundswell preview`: try an edited feeds.yaml on the site's own past."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from aggregator.cli.options import Front, db_option, existing, json_option, progress_bar
from aggregator.config import load_config, parse_config
from aggregator.config.file import write_file
from aggregator.config.values.basic import AnyVariables
from aggregator.errors import ConfigError, GroundswellError
from aggregator.site.database import open_store
from aggregator.text.wording import plural
from aggregator.translatable import Translatable, message_of, stored
from scoring.evaluation.site import preview as previewing
from scoring.evaluation.site.preview import MAX_DAYS, HourChange, Preview, StoryChange
from scoring.learning.model_store import current

SHOWN_STORIES = 15
SHOWN_HOURS = 24


class Stopped(GroundswellError):
    """The operator stopped a preview."""


@click.command()
@click.option(
    "--feeds", type=click.Path(path_type=Path), required=True, metavar="EDITED", help="The edited configuration."
)
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, MAX_DAYS), help="How many days to replay.")
@click.option("--hours", is_flag=True, help="Print every hour whose front page changes.")
@click.option("--status", type=click.Path(path_type=Path), help="Write progress and result to this file, as JSON.")
@db_option
@json_option
@click.pass_obj
def preview(front: Front, feeds: Path, days: int, hours: bool, status: Path | None, db: Path, as_json: bool) -> None:
    """Show what an edited feeds.yaml would have changed on the front page of the last days.

    Replays the site's own past twice, with the configuration in use and with EDITED. Nothing is changed.

    \b
    Example:
      groundswell preview --feeds edited.yaml --days 7
    """
    report = StatusFile(status, front)
    try:
        with open_store(existing(db)) as store, progress_bar("Replaying") as bar:
            task = bar.add_task("hours", total=None)

            def progress(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)
                report.progress(done, total)

            # Nothing is polled, so no variable of the environment is needed.
            after = load_config(feeds, env=AnyVariables())
            text = store.config_edits.valid_text()
            if text is None:
                raise ConfigError(Translatable("this site has no configuration yet; `groundswell run` applies one"))
            before = parse_config(text, env=AnyVariables())
            result = previewing.preview(
                store, before, after, current(store.models), front.clock(), days, progress=progress
            )
    except GroundswellError as error:
        report.finished("stopped" if isinstance(error, Stopped) else "failed", message=message_of(error))
        raise
    except BaseException as error:
        report.finished("failed", message=Translatable("it ended unexpectedly (%(error)s)", error=type(error).__name__))
        raise
    report.finished("done", result={**as_plain(result), "notes": [stored(note) for note in result.notes]})
    if as_json:
        click.echo(json.dumps(as_plain(result), ensure_ascii=False, indent=1))
        return
    for line in lines(result, hours):
        click.echo(line)


class StatusFile:
    """Read by the operator's page; replaced atomically at each step. A file next to it, `.stop`, ends the preview."""

    def __init__(self, path: Path | None, front: Front) -> None:
        self._path = path
        self._front = front

    def progress(self, done: int, total: int) -> None:
        """Note the progress; Stopped where the operator stopped the preview."""
        if self._path is None:
            return
        if stop_file(self._path).exists():
            raise Stopped("stopped")
        self._write({"state": "running", "done": done, "total": total})

    def finished(self, state: str, *, message: str = "", result: dict[str, Any] | None = None) -> None:
        """Note the end: done, failed or stopped."""
        if self._path is not None:
            self._write({"state": state, "message": stored(message), "result": result})

    def _write(self, content: dict[str, Any]) -> None:
        assert self._path is not None
        content["at"] = self._front.clock().isoformat()
        write_file(self._path, json.dumps(content).encode(), 0o600)


def stop_file(status: Path) -> Path:
    """Return the file that ends the preview which writes *status*."""
    return status.with_suffix(".stop")


def as_plain(result: Preview) -> dict[str, Any]:
    """Return a preview as plain data, moments in ISO 8601."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(result), default=datetime.isoformat))
    plain["hours_changed"] = result.hours_changed
    return plain


def lines(result: Preview, with_hours: bool = False) -> list[str]:
    """Return a preview in words."""
    span = f"{result.since:%d %b %H:%M} to {result.until:%d %b %H:%M} UTC"
    entries = f"{result.entries_before:,} entries" + (
        f", {result.entries_after:,} with the edited file" if result.entries_after != result.entries_before else ""
    )
    text = [f"{span}: {entries}"]
    text += [f"Note: {note}" for note in result.notes]
    text.append(f"The front page changes in {result.hours_changed} of {plural(len(result.hours), 'hour')}")
    groups = (
        ("Come", [story for story in result.stories if not story.hours_before]),
        ("Gone", [story for story in result.stories if not story.hours_after]),
        ("Moved", [story for story in result.stories if story.hours_before and story.hours_after]),
    )
    for title, stories in groups:
        if stories:
            text += ["", f"{title}: {plural(len(stories), 'story', 'stories')}"]
            text += [f"  {_story(story)}" for story in stories[:SHOWN_STORIES]]
            if len(stories) > SHOWN_STORIES:
                text.append(f"  and {len(stories) - SHOWN_STORIES} more")
    if with_hours:
        for hour in result.hours:
            text += _hour(hour)
    text += ["", "Scorecard           before    after"]
    text += [f"  {m.name:<16} {_figure(m.before):>8} {_figure(m.after):>8}" for m in result.measures]
    return text


def _story(story: StoryChange) -> str:
    hours = f"{story.hours_before} h -> {story.hours_after} h"
    best = f"best place {story.best_before or '-'} -> {story.best_after or '-'}"
    return f"[{story.key}] {story.headline} (score {story.score}; {hours}; {best})"


def _hour(hour: HourChange) -> list[str]:
    changes = [f"  + {story.place:2d} {story.headline}" for story in hour.came]
    changes += [f"  - {story.place:2d} {story.headline}" for story in hour.gone]
    changes += [f"    {before:2d} -> {story.place} {story.headline}" for story, before in hour.moved]
    return ["", f"{hour.at:%d %b %H:%M}", *changes] if changes else []


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
