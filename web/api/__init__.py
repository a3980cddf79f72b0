"""The JSON API below `/api/v1`, with an OpenAPI description generated from the code.

Knows the version of the API, its errors (RFC 9457) and which other sites may read it. The endpoints are in `routes`,
their parameters and responses in `schemas`. Selecting stories is left to `web.lists`, as for pages and feeds.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, request
from flask_smorest import Api
from werkzeug.exceptions import HTTPException

from web.api import entries  # noqa: F401 - its view belongs to the blueprint
from web.api.routes import blueprint
from web.http.headers import CSP_DATA
from web.request.context import shared

PREFIX = "/api/"
VERSION = "/api/v1"
PROBLEM = "application/problem+json"

DESCRIPTION = """\
Stories, sources, topics and search of this site. Reading is public. Only `POST /entries` changes
something; it needs a token.

Times are UTC (RFC 3339). Lists are paginated: pass `next_cursor` as `cursor` to get the next page; it is null on the
last one. If a list changes between two requests, a story may be repeated or missed. Every response has an `ETag`; send
it as `If-None-Match` to get a 304 while nothing changed. Errors are problem details (RFC 9457)."""


class _Described(Api):  # type: ignore[misc]
    """flask-smorest without its error handlers, which would apply to the pages as well."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        pass


def install(app: Flask) -> Api:
    """Add the API to *app*; return its description."""
    app.config.update(
        API_TITLE="Groundswell",
        API_VERSION="1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=None,  # served by a view of our own, which the page cache stores
        API_SPEC_OPTIONS={
            "info": {"description": DESCRIPTION, "license": {"name": "MIT", "identifier": "MIT"}},
            "servers": [{"url": "/"}],
        },
    )
    described = _Described(app)
    described.register_blueprint(blueprint)

    @app.after_request
    def share(response: Response) -> Response:
        # Not the reader API, which is below /api/ too: its responses are for one reader.
        return shared(response) if request.path.startswith(VERSION) else response

    return described


def answers_for(path: str) -> bool:
    """Return whether errors at *path* are problem details."""
    return path.startswith(PREFIX)


def problem(error: HTTPException | None, code: int, message: str = "", request_id: str = "") -> Response:
    """Return an error as problem details (RFC 9457) of type about:blank, because the status says everything."""
    detail: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(code).phrase, "status": code}
    if message:
        detail["detail"] = message
    if request_id:
        detail["instance"] = f"urn:request:{request_id}"
    messages = (getattr(error, "data", None) or {}).get("messages")
    if messages:
        # webargs: {location: {parameter: [messages, ...]}}; for a body that is not JSON, {location: [messages, ...]}.
        detail["detail"] = "A parameter is invalid."
        detail["errors"] = [
            {"parameter": name, "detail": str(text)}
            for location, by_name in messages.items()
            for name, value in (by_name.items() if isinstance(by_name, dict) else [(location, by_name)])
            for text in (value if isinstance(value, list) else [value])
        ]
    response = Response(json.dumps(detail, ensure_ascii=False) + "\n", status=code, content_type=PROBLEM)
    response.headers["Content-Security-Policy"] = CSP_DATA
    response.headers["Cache-Control"] = "no-store"
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        response.headers["Allow"] = ", ".join(sorted(allowed))
    if code == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "10"
    return response
