"""The admin page of tokens for reader apps and scripts: create one, see when each was used, revoke it."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from aggregator.errors import GroundswellError
from aggregator.translatable import Translatable, message_of
from web.auth.reader_tokens import READER_API, make_reader_token, revoke_reader_token
from web.i18n.messages import Notice, notice
from web.request.context import base_url, now, presenter, reading

blueprint = Blueprint("operator_tokens", __name__)


@blueprint.get("/admin/tokens")
def tokens() -> str:
    """Every token, valid ones first."""
    return _page()


def _page(message: Notice | None = None, secret: str = "") -> str:
    with reading().store() as store:
        show = presenter(store)
        rows = [
            (
                record,
                show.moment(record.made_at),
                *(show.moment(at) if at else None for at in (record.used_at, record.revoked_at)),
            )
            for record in sorted(store.reader_tokens.all(), key=lambda record: record.revoked_at is not None)
        ]
    server = base_url() + READER_API
    return render_template("admin/tokens.html", rows=rows, message=message, secret=secret, server=server)


@blueprint.post("/admin/tokens/make")
def make() -> str | tuple[str, int]:
    """Create a token and show it, once."""
    form = request.form
    least = form.get("min_score", "").strip() or "0"
    if not (least.isascii() and least.isdigit() and int(least[:4]) <= 100):
        return _page(notice(Translatable("the minimum score is a number from 0 to 100"))), 422
    with reading().store() as store:
        try:
            secret, _ = make_reader_token(
                store,
                form.get("name", ""),
                now(),
                reader=form.get("reader", ""),
                score_in_title=bool(form.get("score_in_title")),
                min_score=int(least),
                may_post=form.get("use") == "post",
            )
        except GroundswellError as error:
            return _page(notice(error)), 422
    return _page(secret=secret)


@blueprint.post("/admin/tokens/<int(max=9223372036854775807):token_id>/revoke")
def revoke(token_id: int) -> AnyResponse:
    """Revoke a token."""
    with reading().store() as store:
        try:
            revoke_reader_token(store, token_id, now())
        except GroundswellError as error:
            abort(409, message_of(error))
    return redirect("/admin/tokens", 303)
