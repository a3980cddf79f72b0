"""The saved stories: a page that a script fills from the reader's browser. The site itself knows nothing of them."""

from __future__ import annotations

from flask import Blueprint, render_template

from web.http.hints import WHOLE_EDITION
from web.request.context import keep

blueprint = Blueprint("saved", __name__)


@blueprint.get("/saved")
def saved() -> str:
    """The page, the same for everybody."""
    keep(WHOLE_EDITION)
    return render_template("saved.html")
