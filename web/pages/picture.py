"""The picture of an entry, through us: readers' browsers ask nobody else, and get nothing but pictures."""

from __future__ import annotations

import hashlib

from flask import Blueprint, Response, abort, current_app, request

from web.http.headers import CSP_DATA
from web.media.picture_proxy import Pictures
from web.request.context import config, now, reading

room = Blueprint("picture", __name__)


@room.get("/picture/<int(max=9223372036854775807):entry_id>")
def picture(entry_id: int) -> Response:
    """The picture that a stored entry names; 404 for every other, for sources without, and where none can be had."""
    with reading().store() as store:
        entry = store.entries.get(entry_id)
    source = config().source(entry.source_id) if entry else None
    if entry is None or entry.picture is None or source is None or not source.images:
        abort(404)
    pictures: Pictures = current_app.extensions["groundswell.pictures"]
    found = pictures.get(entry.picture.url, config(), now())
    if found is None:
        abort(404)
    data, kind = found
    response = Response(data, content_type=kind.mime)
    response.set_etag(hashlib.sha256(data).hexdigest()[:32])
    response.headers["Content-Security-Policy"] = CSP_DATA
    response.headers["Cache-Control"] = "public, max-age=86400"
    response.make_conditional(request)
    return response
