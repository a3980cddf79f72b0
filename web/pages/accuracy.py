"""The scorecard: how accurate score, order and categories are, measured every night."""

from __future__ import annotations

from flask import Blueprint, render_template

from scoring.relevance.model import prior_measures
from web.http.hints import WHOLE_EDITION
from web.i18n import wording
from web.present import accuracy as present
from web.request.context import config, keep, reading

blueprint = Blueprint("accuracy", __name__)

WINDOW = 30
"""Days of the window that is drawn over time."""


@blueprint.get("/accuracy")
def accuracy() -> str:
    """The results of the nightly measurement, or a note that there are none yet."""
    keep(WHOLE_EDITION)
    names = {category.id: category.name for category in config().categories}
    with reading().store() as store:
        day = store.scorecards.latest()
        windows, calibration = [], None
        if day is not None:
            measures = present.distinct(store.scorecards.of(day))
            windows = present.windows(measures, store.scorecards.tables(day), lambda id_: names.get(id_, id_) or "–")
            calibration = present.calibration(measures)
        questions = present.questions()
        courses = [
            (questions[name].text, drawn)
            for name in ("auc", "brier", "precision_at_10")
            if (drawn := present.course(store.scorecards.history(name, WINDOW), name)) is not None
        ]
    return render_template(
        "accuracy.html",
        day=day,
        windows=windows,
        calibration=calibration,
        courses=courses,
        prior=prior_measures(),
        day_text=wording.day,
        decimal=wording.decimal,
        percent=wording.percent,
    )
