"""The saved stories: a page that a script fills from the browser's storage. The site does not know them."""

from __future__ import annotations

from flask import Blueprint, render_template

from web.http.hints import WHOLE_EDITION
from web.request.context import keep

blueprint = Blueprint("saved", __name__)


@blueprint.get("/saved")
def saved() -> str:
    """The page; it is the same for every reader."""
    keep(WHOLE_EDITION)
    return render_template("saved.html")
