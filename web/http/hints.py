"""What a view tells the layers in front of it about its response: one typed object in the request's environment."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_KEY = "groundswell.hints"

WHOLE_EDITION = timedelta.max
"""Keep a page until anything visible changes."""


@dataclass(slots=True)
class CacheHints:
    """Made where a request enters, filled in by its view.

    now:      the moment of the request: the clock is read once
    is_async: the layer in front awaits `waits_for`; where nothing is in front, a view has to wait itself
    """

    now: datetime
    is_async: bool = False
    keep_for: timedelta | None = None
    """How long the answer may be kept within its edition; None: not at all."""
    story_id: int | None = None
    """The story that is shown, for counting who looked at it."""
    shown: tuple[int, ...] = ()
    """The stories that a list shows, in its order, for counting how many people saw them where."""
    material: str | None = None
    """What of a feed counts as a change of it, as digests; None for what is no feed."""
    waits_for: Future[Any] | None = None
    """Once this is done, the same request can be answered better."""


def hints_of(environ: WSGIEnvironment) -> CacheHints:
    """Return the hints of a request; KeyError where none were put there."""
    hints: CacheHints = environ[_KEY]
    return hints


def put_hints(environ: WSGIEnvironment, hints: CacheHints) -> CacheHints:
    """Put fresh hints into a request's environment, and return them."""
    environ[_KEY] = hints
    return hints
