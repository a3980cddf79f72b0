"""Hints from a view to the layers in front of it: one typed object in the request's environment."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_KEY = "groundswell.hints"

WHOLE_EDITION = timedelta.max
"""Cache a page until anything visible changes."""


@dataclass(slots=True)
class CacheHints:
    """Created for each request, filled in by its view.

    now:      the time of the request: the clock is read once
    is_async: the layer in front awaits `waits_for`; otherwise the view must wait itself
    """

    now: datetime
    is_async: bool = False
    keep_for: timedelta | None = None
    """How long the response may be cached within its edition; None: not at all."""
    story_id: int | None = None
    """The story shown, for counting views."""
    shown: tuple[int, ...] = ()
    """The stories of a list, in order, for counting impressions."""
    material: str | None = None
    """Digests of the content that counts as a change of a feed; None if it is not a feed."""
    waits_for: Future[Any] | None = None
    """When this is done, the request should be handled again."""


def hints_of(environ: WSGIEnvironment) -> CacheHints:
    """Return the hints of a request; KeyError without any."""
    hints: CacheHints = environ[_KEY]
    return hints


def put_hints(environ: WSGIEnvironment, hints: CacheHints) -> CacheHints:
    """Put fresh hints into a request's environment, and return them."""
    environ[_KEY] = hints
    return hints
