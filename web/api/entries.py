"""`POST /api/v1/entries`: newsletters, scripts and pages without a feed can send entries of a source."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import abort, request

from aggregator.store import Store
from aggregator.text.markup import visible
from aggregator.text.urls import safe_link
from web.api import schemas
from web.api.routes import blueprint, problems
from web.auth.credentials import TooManyTries
from web.auth.reader_tokens import TooManyRequests
from web.request.access import authenticator, open_to_others
from web.request.context import config, now, reading
from web.request.services import services

Posting = TypeVar("Posting", bound=Callable[..., Any])


def _with_token(view: Posting) -> Posting:
    """Check the token before reading the body, so that clients without one learn nothing about the format."""

    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Any:
        with reading().store() as store:
            _check_token(store)
        _check_body(request.get_data())
        return view(*args, **kwargs)

    return cast(Posting, checked)


def _check_body(body: bytes) -> None:
    """Refuse JSON that Python's parser cannot read, or whose text is not Unicode; other errors are the schema's."""
    try:
        json.dumps(json.loads(body), ensure_ascii=False).encode()
    except RecursionError:
        abort(400, "The body is nested too deeply.")
    except UnicodeEncodeError:
        abort(400, "The body has half of a surrogate pair, such as \\ud800, which is no character.")
    except (json.JSONDecodeError, UnicodeDecodeError):
        return
    except ValueError:
        # Python reads no integer of more than 4,300 digits.
        abort(400, "A number in the body is too long.")


@blueprint.post("/entries")
@_with_token
@blueprint.arguments(schemas.PostedEntryShape, error_status_code=400)
@blueprint.response(202, schemas.AcceptedShape)
@problems(400, 401, 413, 415, 429, 503)
@open_to_others
def post_entry(entry: dict[str, Any]) -> dict[str, Any]:
    """Send an entry of a source. Needs a token (`groundswell token create NAME --post`).

    The worker stores it within seconds. An `id` that was sent before for the same source changes that entry.
    """
    with reading().store() as store:
        if config().source(entry["source"]) is None:
            source_ids = ", ".join(source.id for source in config().sources[:20])
            abort(400, f"feeds.yaml has no source {entry['source'][:64]!r}; there are: {source_ids or 'none'}.")
        if entry["url"] and not safe_link(entry["url"]):
            abort(400, "url must be an http or https address.")
        if not visible(entry["title"]):
            abort(400, "title has no visible character.")
        if not store.posted_entries.add(entry["source"], _document(entry), now()):
            abort(503, "Too many entries are waiting for the worker. Try again later.")
    return {"id": entry["id"], "source": entry["source"], "status": "accepted"}


def _check_token(store: Store) -> None:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    address = request.environ.get("REMOTE_ADDR", "")
    try:
        if scheme.lower() == "bearer":
            record = services().reader_authenticator.token(store, secret.strip(), address, now(), may_post=True)
            if record is not None or authenticator().is_bearer(store, request.environ):
                return
    except TooManyTries:
        abort(429, "Too many wrong tokens came from your address; wait a minute.")
    except TooManyRequests:
        abort(429, "This token is used too often; wait a minute.")
    abort(401, "Send a token that may post: Authorization: Bearer ... (`groundswell token create NAME --post`).")


def _document(entry: dict[str, Any]) -> bytes:
    """Return an entry as a JSON Feed document, which the worker parses like any other."""
    item = {
        "id": entry["id"],
        "url": entry["url"],
        "title": entry["title"],
        "summary": entry["summary"],
        "content_html": entry["content"],
        "tags": entry["tags"],
        "language": entry["language"],
        "authors": [{"name": entry["author"]}] if entry["author"] else [],
        "date_published": entry["published"].isoformat() if entry["published"] else "",
    }
    filled = {name: value for name, value in item.items() if value}
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": entry["source"], "items": [filled]}
    return json.dumps(feed, ensure_ascii=False).encode()
