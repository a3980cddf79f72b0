"""Sign in, sign out, the audit log, and undo."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from aggregator.errors import GroundswellError
from aggregator.site.disk_use import disk_use
from aggregator.site.last_backup import last_backup
from aggregator.store.alerts import StandingAlarm
from aggregator.translatable import Translatable, message_of
from web.admin import actions as audit
from web.admin.wording import backup_summary, disk_summary
from web.alerts.wording import alarm_text
from web.auth.credentials import TooManyTries, named_by_proxy, token_file
from web.present.alerts import alert_rows
from web.request.access import (
    SIGN_IN,
    authenticator,
    back_to,
    clear_cookie,
    open_to_others,
    operator,
    set_session_cookie,
)
from web.request.context import config, now, presenter, reading
from web.request.worker_status import status_of

blueprint = Blueprint("dashboard", __name__)

SHOWN = 50
LATEST_MESSAGES = 200
"""How many messages are looked through for the last one of each alert rule."""


@blueprint.get(SIGN_IN)
def sign_in() -> str | AnyResponse:
    """Ask for the operator's token, unless a trusted proxy has authenticated the operator."""
    if operator() is not None:
        return redirect("/admin", 303)
    if named_by_proxy(config().sign_in, request.environ):
        with reading().store() as store, store.transaction():
            cookie = authenticator().begin_session(store, now())
            audit.note_sign_in(store, now())
        return set_session_cookie(redirect(back_to(request.args.get("back", "")), 303), cookie)
    return _sign_in_page()


@blueprint.post(SIGN_IN)
@open_to_others
def signed_in() -> AnyResponse | tuple[str, int] | tuple[str, int, dict[str, str]]:
    """Start a session if the token is right, and end an earlier session of this browser."""
    with reading().store() as store:
        try:
            cookie = authenticator().sign_in(
                store, request.form.get("token", "").strip(), request.environ.get("REMOTE_ADDR", ""), now()
            )
        except TooManyTries:
            message = gettext("Too many wrong tokens. Wait a minute and try again.")
            return _sign_in_page(message), 429, {"Retry-After": "60"}
        if not cookie:
            return _sign_in_page(gettext("This is not the operator's token.")), 403
        if (before := operator()) is not None:
            store.sessions.end(before.digest)
        with store.transaction():
            audit.note_sign_in(store, now())
    return set_session_cookie(redirect(back_to(request.form.get("back", "")), 303), cookie)


def _sign_in_page(message: str = "") -> str:
    with reading().store() as store:
        has_token = authenticator().has_token(store)
    back = back_to(request.values.get("back", ""))
    return render_template(
        "admin/sign_in.html",
        message=message,
        has_token=has_token,
        token_file=token_file(reading().db).name,
        back=back,
    )


@blueprint.post("/admin/sign-out")
def sign_out() -> AnyResponse:
    """End this session."""
    session = operator()
    if session is not None:
        with reading().store() as store:
            store.sessions.end(session.digest)
    return clear_cookie(redirect("/", 303))


@blueprint.get("/admin")
def dashboard() -> str:
    """Recent actions, and whether the worker runs."""
    before = request.args.get("before", "")
    with reading().store() as store:
        show = presenter(store)
        actions = store.actions.newest(SHOWN + 1, before=int(before[:15]) if before.isdecimal() else None)
        status = status_of(store)
        counts, newest = store.alert_messages.counts(), store.alert_messages.newest(LATEST_MESSAGES)
        messages = alert_rows(show, config(), counts, newest)
        alarms = [(_sentence(alarm), show.moment(alarm.began_at)) for alarm in store.alarms.standing()]
        backup = backup_summary(latest) if (latest := last_backup(store)) else ""
        meaning = store.state.get("meaning_message") or ""
        disk = disk_use(store, reading().db, config().retention.entries, now())
    return render_template(
        "admin/dashboard.html",
        alert_rules=messages,
        alarms=alarms,
        actions=[audit.row(show, action) for action in actions[:SHOWN]],
        older=actions[SHOWN - 1].action_id if len(actions) > SHOWN else None,
        status=status,
        disk=disk_summary(disk),
        backup=backup,
        meaning=meaning,
    )


def _sentence(standing: StandingAlarm) -> str:
    text = alarm_text(standing)
    # The name of a source stays as it is.
    named = standing.alarm is not None and "source" in standing.alarm.values
    return text if named else text[:1].upper() + text[1:]


@blueprint.post("/admin/undo")
def undo() -> AnyResponse:
    """Undo an action."""
    number = request.form.get("action", "")
    if not number.isdecimal():
        abort(400, Translatable("The form does not name an action."))
    with reading().store() as store:
        try:
            audit.undo_action(store, int(number[:15]), now(), audit.feeds_file())
        except GroundswellError as error:
            abort(409, message_of(error))
    return redirect(back_to(request.form.get("back", "")), 303)
