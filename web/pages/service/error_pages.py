"""Pages for requests that fail: refused, not found, database unreadable, or an error in the program.

Addresses of the API get problem details (RFC 9457) from `web.api` instead. Failures outside the application are
handled by `web.http.gateway`.
"""

from __future__ import annotations

import logging

from flask import Flask, Response, render_template, request
from flask_babel import gettext
from werkzeug.exceptions import HTTPException, InternalServerError

from aggregator.translatable import Translatable
from web import api
from web.http.database import ReadOnly, Unreadable
from web.http.headers import MAX_BODY, new_request_id
from web.i18n.messages import notice
from web.i18n.wording import size

log = logging.getLogger(__name__)


def install(app: Flask) -> None:
    """Register the error handlers on *app*."""

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[str, int, dict[str, str]] | HTTPException | Response:
        if error.code is None or error.code < 400:
            return error
        if api.answers_for(request.path):
            return api.problem(error, error.code, error.description or "")
        allow = getattr(error, "valid_methods", None)
        headers = {"Allow": ", ".join(sorted(allow))} if allow else {}
        return _message(error.code, error.description or ""), error.code, headers

    @app.errorhandler(Unreadable)
    def unreadable(error: Unreadable) -> tuple[str, int, dict[str, str]] | Response:
        log.warning("the database cannot be read: %s", str(error).splitlines()[:1])
        if api.answers_for(request.path):
            return api.problem(None, 503, "The database cannot be read right now.")
        return _message(503, ""), 503, {"Retry-After": "10"}

    @app.errorhandler(ReadOnly)
    def read_only(_error: ReadOnly) -> tuple[str, int] | Response:
        if api.answers_for(request.path):
            return api.problem(None, 403, "This site uses a replica of the database, which can only be read.")
        return _message(403, "", is_replica=True), 403

    @app.errorhandler(Exception)
    def broken(error: Exception) -> tuple[str, int] | Response:
        request_id = new_request_id()
        log.error("request %s failed: %s %r", request_id, request.method, request.path, exc_info=error)
        if api.answers_for(request.path):
            return api.problem(None, 500, "", request_id)
        return _message(InternalServerError.code, "", request_id), InternalServerError.code


def _titles() -> dict[int, str]:
    return {
        400: gettext("Bad request"),
        401: gettext("Sign in first"),
        403: gettext("Not allowed"),
        404: gettext("Page not found"),
        405: gettext("Method not allowed"),
        409: gettext("This cannot be done"),
        413: gettext("Request too large"),
        414: gettext("Address too long"),
        429: gettext("Too many requests"),
        500: gettext("Something went wrong"),
        503: gettext("Temporarily unavailable"),
    }


def _detail(code: int, description: str) -> str:
    """Return why, in the language of the page; "" if the title says all that there is to say."""
    if isinstance(description, Translatable):
        return notice(description).text
    # A description of Werkzeug, in English. Its reasons for 400 are about forms that no page of ours sends.
    return gettext("Requests may have at most %(size)s.", size=size(MAX_BODY)) if code == 413 else ""


def _message(code: int, description: str, request_id: str = "", *, is_replica: bool = False) -> str:
    return render_template(
        "message.html",
        code=code,
        title=_titles().get(code, gettext("Something went wrong")),
        detail=_detail(code, description),
        request_id=request_id,
        is_replica=is_replica,
    )
