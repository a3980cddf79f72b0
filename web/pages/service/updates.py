"""How many stories appeared since a page was rendered, for the notice on open pages."""

from __future__ import annotations

import json

from flask import Blueprint, Response

from web.http.addresses import query_parameters
from web.http.headers import CSP_DATA
from web.request.context import BRIEF, args, keep, reading

blueprint = Blueprint("fresh", __name__)


@blueprint.get("/fresh")
@query_parameters("since")
def fresh() -> Response:
    """The number of stories that began after the story `since`; 0 if that is not a number."""
    since = args().get("since", "")
    count = 0
    if since.isascii() and since.isdigit() and len(since) < 19:
        with reading().store() as store:
            count = store.story_lists.newer_than(int(since))
    keep(BRIEF)
    response = Response(json.dumps({"new": count}) + "\n", content_type="application/json; charset=utf-8")
    response.headers["Content-Security-Policy"] = CSP_DATA
    return response
