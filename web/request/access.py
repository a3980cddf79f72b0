"""Authorize changing requests: by session, origin and form token.

Every request but GET, HEAD and OPTIONS needs the operator, unless its view is marked as public. So a new route is
closed by default. `auth.credentials` has the tokens, `http.headers` the origins.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import quote, urlsplit

from flask import Flask, Response, abort, g, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from aggregator.store.editorial.sessions import Session
from aggregator.translatable import Translatable
from web.auth.credentials import Authenticator, TooManyTries
from web.http.headers import NO_STORE, SAFE, cookie_name, cookie_of, forged, is_https
from web.request.context import config, now, reading
from web.request.services import services

View = TypeVar("View", bound=Callable[..., object])

SIGN_IN = "/admin/sign-in"
_OPEN = "_groundswell_open"


def open_to_others(view: View) -> View:
    """Mark a view that anyone may POST to; it must protect what it changes by itself."""
    setattr(view, _OPEN, True)
    return view


def is_open(app: Flask, endpoint: str) -> bool:
    """Return whether anyone may POST to a route."""
    return hasattr(app.view_functions[endpoint], _OPEN)


def authenticator() -> Authenticator:
    """Return the authenticator of this application."""
    return services().credentials


def https() -> bool:
    """Return whether the browser uses HTTPS for this request."""
    return is_https(request.scheme, request.host, config().site.url)


def operator() -> Session | None:
    """Return the session of this request, None for everyone else."""
    if "operator" not in g:
        g.operator = None
        # Readers have no cookie, so they cause no query.
        prefix = services().database.prefix()
        if cookie_of(request.environ, https=https(), prefix=prefix):
            with reading().store() as store:
                g.operator = authenticator().session(store, request.environ, now(), https=https(), prefix=prefix)
    session: Session | None = g.operator
    return session


def guard(app: Flask) -> None:
    """Check every request to *app*, and keep responses for the operator out of caches."""

    @app.before_request
    def let_in() -> AnyResponse | None:
        if request.endpoint is None:
            return None
        private = request.path == "/admin" or request.path.startswith("/admin/")
        if request.method in SAFE:
            if private and request.path != SIGN_IN and operator() is None:
                return redirect(f"{SIGN_IN}?back={quote(request.full_path.rstrip('?'))}", 303)
            return None
        if not is_open(app, request.endpoint):
            _check_operator()
        elif request.path == SIGN_IN:
            _check_origin(bearer=False)
        return None

    @app.after_request
    def keep_private(response: Response) -> Response:
        if request.path.startswith("/admin") or g.get("operator") is not None:
            response.headers["Cache-Control"] = NO_STORE
            # Under no-referrer browsers send the Origin of a form as "null", and where they send no
            # Sec-Fetch-Site (plain HTTP in a local network) nothing would distinguish our forms from others.
            response.headers["Referrer-Policy"] = "same-origin"
        return response


def _check_operator() -> None:
    with reading().store() as store:
        try:
            bearer = authenticator().is_bearer(store, request.environ)
        except TooManyTries:
            abort(429, Translatable("Too many wrong tokens came from your address; wait a minute."))
    _check_origin(bearer=bearer)
    if bearer:
        return
    session = operator()
    if session is None:
        abort(401, Translatable("You are not signed in, or your session has ended. Sign in, then try again."))
    if not hmac.compare_digest(request.form.get("form_token", "").encode(), session.form_token.encode()):
        abort(403, Translatable("This form does not belong to your session. Reload the page, then send it again."))


def _check_origin(*, bearer: bool) -> None:
    own = [f"{request.scheme}://{request.host}"]
    public = urlsplit(config().site.url)
    own.append(f"{public.scheme}://{public.netloc}")
    if why := forged(dict(request.headers), own, bearer=bearer):
        abort(403, why)


def clear_cookie(response: AnyResponse) -> AnyResponse:
    """Delete the session cookie."""
    secure, path = https(), services().database.prefix()
    name = cookie_name(https=secure, prefix=path)
    response.delete_cookie(name, path=path or "/", secure=secure, httponly=True, samesite="Strict")
    return response


def set_session_cookie(response: AnyResponse, value: str) -> AnyResponse:
    """Set the cookie of a new session, which ends with the browser, or on the server."""
    secure, path = https(), services().database.prefix()
    name = cookie_name(https=secure, prefix=path)
    response.set_cookie(name, value, path=path or "/", secure=secure, httponly=True, samesite="Strict")
    return response


def back_to(path: str, otherwise: str = "/admin") -> str:
    """Return *path* if it is an address of this site, else *otherwise*."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if plain and "\\" not in path and len(path) <= 2_000 else otherwise
