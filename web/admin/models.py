"""The admin page of models: trained models and their quality, train now, use an earlier model.

The worker trains in a separate process; this page only requests it, one training at a time and at most every ten
minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, abort, redirect, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from aggregator.errors import GroundswellError
from aggregator.model.actions import ActionKind
from aggregator.store import Store
from aggregator.translatable import Translatable, message_of, read_back
from scoring.learning.model_store import KeptModel, history
from scoring.relevance.model import load_prior
from web.admin import actions as audit
from web.i18n.messages import notice
from web.i18n.wording import decimal, number
from web.request.context import now, presenter, reading
from web.request.worker_status import status_of

blueprint = Blueprint("operator_models", __name__)

TRAIN_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model as a row of the page."""

    name: str
    """The name that the form sends."""
    title: str
    window: str
    measures: tuple[tuple[str, str, str], ...]
    """Name, value of this model, and of the previous one on the same days."""
    in_use: bool
    fault: str


_MEASURES = (("AUC", "auc"), ("nDCG@10", "ndcg_at_10"), ("Brier", "brier"), ("ECE", "ece"), ("", "cases"))


def _row(record: KeptModel) -> ModelRow:
    if record.file is None:
        return ModelRow(record.file_name, record.file_name, "", (), record.in_use, record.message)
    measured = [record.file.measures.get(name) or {} for name in ("candidate", "running")]
    rows = tuple(
        (title or gettext("Stories"), *(_figure(model.get(key)) for model in measured)) for title, key in _MEASURES
    )
    first, last = (moment[:10] for moment in record.file.window)
    window = gettext("%(first)s to %(last)s", first=first, last=last)
    return ModelRow(record.file_name, record.file.name, window, rows, record.in_use, "")  # type: ignore[arg-type]


def _figure(value: object) -> str:
    if not isinstance(value, int | float):
        return ""
    return number(value) if isinstance(value, int) else decimal(value)


@blueprint.get("/admin/models")
def models() -> str:
    """The models that have been active here, newest first."""
    with reading().store() as store:
        show = presenter(store)
        trained = store.state.moment("trained_at")
        params = store.state.moment("train_wanted")
        rows = [_row(record) for record in history(store.models)]
        shipped = gettext("%(model)s, ships with the program", model=load_prior().version)
        rows.append(ModelRow("prior", shipped, "", (), not any(row.in_use for row in rows), ""))
        return render_template(
            "admin/models.html",
            rows=rows,
            trained=show.moment(trained) if trained else None,
            said=notice(read_back(outcome)) if (outcome := store.state.get("train_said")) else None,
            params=show.moment(params) if params else None,
            refused=notice(why) if (why := _why_not_now(store)) else None,
            status=status_of(store),
            actions=[audit.row(show, action) for action in store.actions.newest(100) if action.kind == "models"][:10],
        )


def _why_not_now(store: Store) -> Translatable | None:
    """Return why no training can be requested now, None when it can."""
    if store.state.moment("train_wanted") is not None:
        return Translatable("A training has been requested. The worker starts it within half a minute.")
    last = store.state.moment("train_began")
    if last is not None and timedelta() <= now() - last < TRAIN_EVERY:
        return Translatable("The last training started less than ten minutes ago. Try again later.")
    return None


@blueprint.post("/admin/models/train")
def train() -> AnyResponse:
    """Ask the worker to train now."""
    with reading().store() as store, store.transaction():
        if why := _why_not_now(store):
            abort(429, why)
        store.state.set_moment("train_wanted", now())
        store.actions.note("models", ActionKind.TRAINING_REQUESTED, now())
    return redirect("/admin/models", 303)


@blueprint.post("/admin/models/use")
def use() -> AnyResponse:
    """Switch to another stored model."""
    name = request.form.get("model", "")
    with reading().store() as store:
        try:
            audit.use_model(store, name, now())
        except GroundswellError as error:
            abort(409, message_of(error))
    return redirect("/admin/models", 303)
