"""The callback of our WebSub subscriptions: hubs confirm them here and deliver new documents.

Deliveries are stored for the worker, bounded in size and number. The address contains a token that only the hub knows;
without it the answer is 404. Leaves parsing the documents to the worker.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, abort, request

from aggregator.store.websub.subscriptions import Subscription
from aggregator.text.markup import clip, storable
from aggregator.websub_protocol import MAX_LEASE, MIN_LEASE, is_signed
from web.http.headers import CSP_DATA
from web.request.access import open_to_others
from web.request.context import now, reading

blueprint = Blueprint("websub", __name__)

_MAX_CHALLENGE_CHARS = 1_000
_DENIED_FOR = timedelta(days=1)


@blueprint.get("/websub/<token>")
def confirm(token: str) -> Response:
    """Confirm a request of ours by returning the hub's challenge; 404 if we sent none."""
    with reading().store() as store:
        subscription = store.websub_subscriptions.of_token(token)
        if subscription is None or request.args.get("hub.topic", "") != subscription.topic:
            abort(404)
        mode = request.args.get("hub.mode", "")
        if mode == "denied":
            why = clip(storable(request.args.get("hub.reason", "")), 200)
            store.websub_subscriptions.refuse(
                subscription.source_id, f"the hub refuses: {why}".rstrip(": "), now() + _DENIED_FOR
            )
            return _plain("")
        challenge = request.args.get("hub.challenge", "")
        if not 0 < len(challenge) <= _MAX_CHALLENGE_CHARS or mode != (
            "subscribe" if subscription.wanted else "unsubscribe"
        ):
            abort(404)
        if subscription.wanted:
            lease = _lease(request.args.get("hub.lease_seconds", ""))
            store.websub_subscriptions.confirm(subscription.source_id, now() + lease, now() + lease * 0.8)
        else:
            store.websub_subscriptions.forget(subscription.source_id)
    return _plain(challenge)


@blueprint.post("/websub/<token>")
@open_to_others
def deliver(token: str) -> Response:
    """Store a delivery for the worker; accept and drop an unsigned one (WebSub, section 8)."""
    with reading().store() as store:
        subscription = store.websub_subscriptions.of_token(token)
        if subscription is None or not _is_active(subscription):
            abort(404)
        body = request.get_data(cache=False)
        if is_signed(request.headers.get("X-Hub-Signature", ""), subscription.secret, body) and body:
            accepted = store.websub_deliveries.add(
                subscription.source_id, clip(request.content_type or "", 200), body, now()
            )
            if not accepted:
                response = _plain("Too many deliveries are waiting. Try again later.\n", 503)
                response.headers["Retry-After"] = "60"
                return response
    return _plain("", 202)


def _is_active(subscription: Subscription) -> bool:
    return subscription.wanted and subscription.lease_until is not None and subscription.lease_until > now()


def _lease(stated: str) -> timedelta:
    if not (stated.isascii() and stated.isdigit()):
        return MIN_LEASE
    return min(max(timedelta(seconds=int(stated[:9])), MIN_LEASE), MAX_LEASE)


def _plain(text: str, code: int = 200) -> Response:
    response = Response(text, status=code, content_type="text/plain; charset=utf-8")
    response.headers["Content-Security-Policy"] = CSP_DATA
    response.headers["Cache-Control"] = "no-store"
    return response
