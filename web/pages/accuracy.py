"""The scorecard: how right the score, the trend and the categories were, measured every night."""

from __future__ import annotations

from flask import Blueprint, render_template

from web.http.hints import WHOLE_EDITION
from web.present import accuracy as present
from web.request.context import config, keep, reading

room = Blueprint("accuracy", __name__)

WINDOW = 30
"""Days of the window whose course is drawn."""


@room.get("/accuracy")
def accuracy() -> str:
    """What the nightly measuring found, or that there is none yet."""
    keep(WHOLE_EDITION)
    names = {category.id: category.name for category in config().categories}
    with reading().store() as store:
        day = store.scorecards.latest()
        windows = []
        if day is not None:
            told = store.scorecards.of(day), store.scorecards.tables(day)
            windows = present.windows(*told, lambda one: names.get(one, one))
        courses = [
            (present.QUESTIONS[name][0], drawn)
            for name in ("auc", "brier", "precision_at_10")
            if (drawn := present.course(store.scorecards.history(name, WINDOW), name)) is not None
        ]
    return render_template("accuracy.html", day=day, windows=windows, courses=courses, methods=present.METHODS)
