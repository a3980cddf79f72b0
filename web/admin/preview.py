"""The admin page that tries a configuration on the site's past, without changing the site.

A preview takes a minute or two, so a separate process makes it, one at a time and at low priority. It writes its
progress and result to a file next to the database, which this page shows.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Blueprint, redirect, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from aggregator.config import parse_config, read_config
from aggregator.config.file import write_file
from aggregator.config.values.basic import AnyVariables
from aggregator.config.yaml_edit import with_items
from aggregator.errors import ConfigError
from aggregator.translatable import Translatable, read_back
from scoring.cli.preview import stop_file
from scoring.evaluation.site.preview import MAX_DAYS
from web.admin import actions as audit
from web.admin.rules import rule_of_form
from web.i18n.messages import Notice, notice
from web.i18n.wording import percent, plural
from web.present.accuracy import Question, questions
from web.request.context import now, presenter, reading

blueprint = Blueprint("operator_preview", __name__)

SILENT_FOR = timedelta(minutes=5)
"""A preview that wrote nothing for so long has been killed."""
SHOWN_STORIES = 30
SHOWN_HOURS = 200

_starting = threading.Lock()


@dataclass(frozen=True, slots=True)
class Status:
    """The status of the last preview."""

    state: str
    """none, running, done, failed or stopped."""
    percent: int = 0
    message: Notice | None = None
    """Why it failed."""
    at: datetime | None = None
    what: str = ""
    result: dict[str, Any] | None = None


def _file(ending: str) -> Path:
    db = Path(reading().db)
    return db.with_name(f"{db.name}.preview.{ending}")


def status() -> Status:
    """Return the state of the last preview."""
    try:
        stored = json.loads(_file("json").read_bytes())
        at = datetime.fromisoformat(stored["at"])
    except (OSError, ValueError, KeyError, TypeError):
        return Status("none")
    what = ""
    with suppress(OSError):
        what = _file("txt").read_text("utf-8")
    state, message = stored["state"], notice(read_back(stored.get("message", "")))
    if state == "running" and now() - at > SILENT_FOR:
        state, message = "failed", notice(Translatable("it ended unexpectedly"))
    total = stored.get("total") or 1
    return Status(state, 100 * stored.get("done", 0) // total, message, at, what, stored.get("result"))


@blueprint.get("/admin/preview")
def preview() -> str:
    """The form, and the progress or the result of the last preview."""
    return _page()


def _page(message: Notice | None = None) -> str:
    current = status()
    result = current.result
    with reading().store() as store:
        show = presenter(store)
        stories = result["stories"][:SHOWN_STORIES] if result else []
        hours = [hour for hour in result["hours"] if hour["came"] or hour["gone"] or hour["moved"]] if result else []
        return render_template(
            "admin/preview.html",
            status=current,
            at=show.moment(current.at) if current.at else None,
            message=message,
            result=result,
            notes=[notice(read_back(note)) for note in result["notes"]] if result else [],
            span=[show.moment(datetime.fromisoformat(result[name])) for name in ("since", "until")] if result else [],
            stories=[(story, story["key"] if store.stories.get(story["key"]) else None) for story in stories],
            hours=[(show.moment(datetime.fromisoformat(hour["at"])), hour) for hour in hours[-SHOWN_HOURS:]],
            measures=_measures(result["measures"]) if result else [],
            percent=percent(current.percent / 100),
            max_days=MAX_DAYS,
        )


def _measures(changes: list[dict[str, Any]]) -> list[tuple[Question, str, str]]:
    """Return each measure with a value as the question it answers, with the value before and after; "" without one."""
    question_of = questions()

    def written(question: Question, value: float | None) -> str:
        return "" if value is None else question.write(value)

    return [
        (question, written(question, change["before"]), written(question, change["after"]))
        for change in changes
        if (question := question_of.get(change["name"])) and (change["before"], change["after"]) != (None, None)
    ]


@blueprint.post("/admin/preview/start")
def start() -> AnyResponse | tuple[str, int]:
    """Start a preview of an uploaded feeds.yaml, or of the file in use with one more rule."""
    days = request.form.get("days", "7")
    if not (days.isascii() and days.isdigit() and 1 <= int(days[:4]) <= MAX_DAYS):
        return _page(notice(Translatable("Choose 1 to %(n)s days.", n=MAX_DAYS))), 422
    try:
        text, what = _edited()
        parse_config(text, env=AnyVariables())
    except (ConfigError, ValueError) as error:
        return _page(notice(error)), 422
    with _starting:
        if status().state == "running":
            return _page(notice(Translatable("A preview is running. Wait for it, or stop it."))), 409
        stop_file(_file("json")).unlink(missing_ok=True)
        write_file(_file("yaml"), text.encode(), 0o600)
        write_file(_file("txt"), f"{what}, {plural(int(days), 'day')}".encode(), 0o600)
        started = {"state": "running", "done": 0, "total": 1, "at": now().isoformat()}
        write_file(_file("json"), json.dumps(started).encode(), 0o600)
        command = ["preview", "--feeds", str(_file("yaml")), "--days", days, "--status", str(_file("json"))]
        child = subprocess.Popen(
            [sys.executable, "-m", "groundswell", *command, "--db", str(reading().db)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # Serving pages has priority. The process may have ended already.
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, child.pid, 10)
        # Wait for the process, or it stays in the process table after its end.
        threading.Thread(target=child.wait, daemon=True, name="preview").start()
    return redirect("/admin/preview", 303)


@blueprint.post("/admin/preview/stop")
def stop() -> AnyResponse:
    """Stop the running preview."""
    if status().state == "running":
        write_file(stop_file(_file("json")), b"", 0o600)
    return redirect("/admin/preview", 303)


def _edited() -> tuple[str, str]:
    """Return the text of the edited configuration, and a description; ConfigError, ValueError with a message."""
    if request.form.get("rule"):
        rule = rule_of_form()
        path = audit.feeds_file()
        with reading().store() as store:
            text = read_config(path) if path is not None else store.config_edits.valid_text() or ""
        item = {rule.effect.value: rule.text}
        return with_items(text, "rules", [item]), gettext(
            "the rule “%(rule)s”", rule=f"{rule.effect.value}: {rule.text}"
        )
    file = request.files.get("file")
    if file is None or not file.filename:
        raise ValueError(Translatable("Choose an edited feeds.yaml."))
    try:
        return file.read().decode("utf-8"), gettext("the uploaded feeds.yaml")
    except UnicodeDecodeError:
        raise ValueError(Translatable("This file is not UTF-8.")) from None
