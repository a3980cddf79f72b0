"""The picture of an entry, through a proxy, so that readers' browsers contact no other site."""

from __future__ import annotations

import hashlib

from flask import Blueprint, Response, abort, request
from flask_babel import gettext

from aggregator.fetch import access
from web.http.headers import CSP_DATA
from web.media.picture_proxy import TIMEOUT, NoTurn
from web.request.context import config, hints, now, reading
from web.request.services import services

blueprint = Blueprint("picture", __name__)


@blueprint.get("/picture/<int(max=9223372036854775807):entry_id>")
def picture(entry_id: int) -> Response:
    """The picture of a stored entry; 404 for any other, for sources without pictures, and if it cannot be fetched."""
    with reading().store() as store:
        entry = store.entries.get(entry_id)
    source = config().source(entry.source_id) if entry else None
    if entry is None or entry.picture is None or source is None or not source.images:
        abort(404)
    pictures = services().pictures
    url = entry.picture.url
    match = pictures.get(url)
    if match is None and not pictures.is_missed(url, now()):
        try:
            private_hosts = access.of_picture(url, source, config().limits)
            fetched = pictures.fetch(url, config(), now(), private_hosts)
        except NoTurn:
            return _later()
        if hints().is_async:
            # The gateway calls again when the picture has arrived, so the thread is free meanwhile.
            hints().waits_for = fetched
            return _later()
        fetched.result(TIMEOUT.total_seconds() + 5)
        match = pictures.get(url)
    if match is None:
        abort(404)
    data, kind = match
    response = Response(data, content_type=kind.mime)
    response.set_etag(hashlib.sha256(data).hexdigest()[:32])
    response.headers["Content-Security-Policy"] = CSP_DATA
    response.headers["Cache-Control"] = "public, max-age=86400"
    response.make_conditional(request)
    return response


def _later() -> Response:
    text = gettext("This picture will be available in a few seconds.")
    response = Response(f"{text}\n", 503, content_type="text/plain; charset=utf-8")
    response.headers["Content-Security-Policy"] = CSP_DATA
    response.headers["Cache-Control"] = "no-store"
    response.headers["Retry-After"] = "5"
    return response
