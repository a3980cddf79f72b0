"""Endpoints for monitoring: health and readiness; and the icon at the address where browsers look for it."""

from __future__ import annotations

import json

from flask import Blueprint, Response, redirect
from werkzeug.wrappers import Response as AnyResponse

from web.http.database import Unreadable
from web.http.headers import CSP_DATA
from web.pages.service.static_files import asset
from web.request.context import now, reading
from web.request.worker_status import stuck_by, worker_state

blueprint = Blueprint("operation", __name__)


@blueprint.get("/healthz")
def healthz() -> AnyResponse:
    """Whether the database is readable and the worker alive: 200 or 503."""
    try:
        with reading().store() as store:
            edition = store.state.edition()
            heartbeat = store.state.last_heartbeat(now())
    except Unreadable:
        answer: dict[str, object] = {"ok": False, "why": "the database cannot be read"}
    else:
        age = None if heartbeat is None else max(0, round((now() - heartbeat).total_seconds()))
        state = worker_state(heartbeat)
        alive = state == "running"
        answer = {"ok": alive, "edition": edition, "worker_age_s": age}
        if not alive:
            answer["why"] = (
                f"the worker cannot write: {stuck_by()}" if state == "stuck" else "the worker is not running"
            )
    return _answer(answer)


@blueprint.get("/readyz")
def readyz() -> AnyResponse:
    """Whether this process can serve readers: 200 or 503, regardless of the worker.

    For load balancers: they keep a site with outdated pages in rotation, and remove one without a database.
    """
    try:
        with reading().store() as store:
            answer: dict[str, object] = {"ok": True, "edition": store.state.edition()}
    except Unreadable:
        answer = {"ok": False, "why": "the database cannot be read"}
    return _answer(answer)


def _answer(content: dict[str, object]) -> Response:
    response = Response(json.dumps(content) + "\n")
    response.status_code = 200 if content["ok"] else 503
    response.headers["Content-Type"] = "application/json; charset=utf-8"
    response.headers["Content-Security-Policy"] = CSP_DATA
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/favicon.ico")
def favicon() -> AnyResponse:
    """The icon, for browsers that do not read the link to it."""
    return redirect(asset("icon.svg"), 301)
