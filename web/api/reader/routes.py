"""The endpoints of the Google Reader API, below `/api/greader.php`: the path that apps expect."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, abort, g, request

from aggregator.store import Store
from aggregator.store.readers.marks import READ, STARRED, Selection
from aggregator.store.readers.tokens import ReaderToken
from web.api.reader import atom, streams
from web.api.reader.items import items, references
from web.auth.credentials import TooManyTries
from web.auth.reader_tokens import READER_API, TooManyRequests
from web.http.headers import CSP_DATA, NO_STORE
from web.request.access import open_to_others
from web.request.context import base_url, config, id_base, now, presenter, reading
from web.request.services import services

blueprint = Blueprint("reader_api", __name__, url_prefix=READER_API)
API = "/reader/api/0"
_STATES = {f"{streams.STATE}{kind}": kind for kind in (READ, STARRED)}


@blueprint.before_request
def authenticate() -> None:
    """Check the token of a request: in the Authorization header, or as the password of a sign-in."""
    if request.endpoint == "reader_api.client_login" or request.method == "OPTIONS":
        return
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    secret = credentials.strip()
    if scheme.lower() == "googlelogin":
        secret = re.sub(r"^auth\s*=\s*", "", secret, flags=re.IGNORECASE).rpartition("/")[2]
    elif scheme.lower() != "bearer":
        secret = ""
    token = _token(secret)
    if token is None:
        abort(401, "This needs the token of a reader app: make one with `groundswell token create`.")
    g.reader_token = token


@blueprint.after_request
def private(response: Response) -> Response:
    """Forbid caching, because responses are for one reader."""
    response.headers["Cache-Control"] = NO_STORE
    response.headers["Content-Security-Policy"] = CSP_DATA
    return response


def _token(secret: str) -> ReaderToken | None:
    authenticator = services().reader_authenticator
    with reading().store() as store:
        try:
            return authenticator.token(store, secret, request.environ.get("REMOTE_ADDR", ""), now())
        except TooManyTries:
            abort(429, "Too many wrong tokens came from your address; wait a minute.")
        except TooManyRequests:
            abort(429, "This token is used too often; wait a minute.")


def _reader() -> ReaderToken:
    token: ReaderToken = g.reader_token
    return token


@blueprint.route("/accounts/ClientLogin", methods=["GET", "POST"])
@open_to_others
def client_login() -> Response:
    """Sign in with any name, and the token as password."""
    secret = request.form.get("Passwd", "") if request.method == "POST" else ""
    if _token(secret) is None:
        return _text("Error=BadAuthentication\n", 401)
    if request.values.get("output") == "json":
        return _json({"SID": secret, "LSID": "null", "Auth": secret})
    return _text(f"SID={secret}\nLSID=null\nAuth={secret}\n")


@blueprint.get(f"{API}/token")
def edit_token() -> Response:
    """Return the token that forms are to include. Only the header authenticates, so it need not be secret."""
    return _text("groundswell")


@blueprint.get(f"{API}/user-info")
def user_info() -> Response:
    """The reader."""
    name = _reader().reader
    return _json({"userId": "1", "userName": name, "userProfileId": "1", "userEmail": ""})


@blueprint.get(f"{API}/subscription/list")
def subscription_list() -> Response:
    """Categories and named lists, as feeds."""
    base = base_url()
    listed = [
        {
            "id": subscription.id,
            "title": subscription.title,
            "categories": [{"id": subscription.label, "label": subscription.title}],
            "url": f"{base}{subscription.page}.atom",
            "htmlUrl": base + subscription.page,
            "iconUrl": f"{base}/icon-180.png",
        }
        for subscription in streams.subscriptions(config())
    ]
    return _json({"subscriptions": listed})


@blueprint.get(f"{API}/tag/list")
def tag_list() -> Response:
    """Starred, and a folder for each feed."""
    folders = dict.fromkeys(subscription.label for subscription in streams.subscriptions(config()))
    return _json(
        {"tags": [{"id": f"{streams.STATE}{STARRED}"}, *({"id": label, "type": "folder"} for label in folders)]}
    )


@blueprint.get(f"{API}/preference/list")
def preference_list() -> Response:
    """There are none."""
    return _json({"prefs": []})


@blueprint.get(f"{API}/preference/stream/list")
def stream_preference_list() -> Response:
    """There are none."""
    return _json({"streamprefs": {}})


@blueprint.get(f"{API}/unread-count")
def unread_count() -> Response:
    """The number of unread stories of each feed and folder, and in total."""
    token, counts = _reader(), []
    with reading().store() as store:
        wanted = streams.selection(store, config(), token, streams.READING_LIST, now())
        by_category = store.reader_marks.unread(wanted)
        for subscription in streams.subscriptions(config()):
            if subscription.named is not None:
                among = streams.ids_of_list(store, config(), subscription.named, now())
                of_list = store.reader_marks.unread(replace(wanted, among=among)).values()
                unread = sum(count for count, _ in of_list)
                newest = max((at for _, at in of_list), default=None)
            else:
                unread, newest = by_category.get(subscription.category_id or "", (0, None))
            counts += [(id_, unread, newest) for id_ in (subscription.id, subscription.label)]
    everything = sum(count for count, _ in by_category.values())
    counts.append((streams.READING_LIST, everything, max((at for _, at in by_category.values()), default=None)))
    listed = [
        {"id": id_, "count": count, "newestItemTimestampUsec": str(int(at.timestamp() * 1_000_000) if at else 0)}
        for id_, count, at in counts
    ]
    return _json({"max": streams.MAX_IDS, "unreadcounts": listed})


@blueprint.route(f"{API}/stream/contents", defaults={"stream": ""}, methods=["GET", "POST"])
@blueprint.route(f"{API}/stream/contents/<path:stream>", methods=["GET", "POST"])
@open_to_others
def stream_contents(stream: str) -> Response:
    """The stories of a stream, in pages."""
    token, values = _reader(), request.values.to_dict()
    stream = stream or values.get("s", streams.READING_LIST)
    page = streams.paging(values, most=streams.MAX_ITEMS)
    with reading().store() as store:
        wanted = page.narrow(_selection(store, token, stream))
        listed = store.reader_marks.select(replace(wanted, limit=page.limit + 1))
        shown = listed[: page.limit]
        document: dict[str, Any] = {
            "id": streams.normalized(stream),
            "updated": int(now().timestamp()),
            "items": items(store, presenter(store), config(), token, shown, base=base_url(), tags=id_base()),
        }
    if len(listed) > page.limit:
        document["continuation"] = str(shown[-1].story.story_id)
    return _json(document)


@blueprint.route(f"{API}/stream/items/ids", methods=["GET", "POST"])
@open_to_others
def item_ids() -> Response:
    """The IDs of a stream's stories, in pages."""
    token, values = _reader(), request.values.to_dict()
    page = streams.paging(values, most=streams.MAX_IDS)
    with reading().store() as store:
        wanted = page.narrow(_selection(store, token, values.get("s", streams.READING_LIST)))
        ids = store.reader_marks.ids(replace(wanted, limit=page.limit + 1))
    document: dict[str, Any] = {"itemRefs": references(ids[: page.limit])}
    if len(ids) > page.limit:
        document["continuation"] = str(ids[page.limit - 1][0])
    return _json(document)


@blueprint.route(f"{API}/stream/items/contents", methods=["GET", "POST"])
@open_to_others
def item_contents() -> Response:
    """Stories by ID, in the order of the request."""
    token = _reader()
    wanted = streams.story_ids(request.values.getlist("i"))[: streams.MAX_ITEMS]
    with reading().store() as store:
        lists = store.story_lists
        listed = [story for story_id in dict.fromkeys(wanted) if (story := lists.listed(story_id)) is not None]
        contents = items(store, presenter(store), config(), token, listed, base=base_url(), tags=id_base())
    return _json({"id": streams.READING_LIST, "updated": int(now().timestamp()), "items": contents})


@blueprint.post(f"{API}/edit-tag")
@open_to_others
def edit_tag() -> Response:
    """Mark stories as read or starred, or remove the marks."""
    token, form = _reader(), request.values
    ids = streams.story_ids(form.getlist("i"))
    if len(ids) > streams.MAX_IDS:
        abort(400, f"At most {streams.MAX_IDS:,} items at a time.")
    add, remove = ([streams.normalized(tag) for tag in form.getlist(name)] for name in ("a", "r"))
    # Some apps have a separate state for "unread".
    if f"{streams.STATE}kept-unread" in add:
        remove.append(f"{streams.STATE}{READ}")
    with reading().store() as store, store.transaction():
        for state in add:
            if state in _STATES:
                store.reader_marks.mark(token.reader, _STATES[state], ids, now())
        for state in remove:
            if state in _STATES:
                store.reader_marks.unmark(token.reader, _STATES[state], ids)
    return _text("OK")


@blueprint.post(f"{API}/mark-all-as-read")
@open_to_others
def mark_all_as_read() -> Response:
    """Mark a stream as read, up to a given time if there is one."""
    token, form = _reader(), request.values
    before = streams.paging({"nt": form.get("ts", "")}, most=1).before
    with reading().store() as store:
        wanted = _selection(store, token, form.get("s", ""))
        store.reader_marks.mark_all_read(replace(wanted, before=before), now())
    return _text("OK")


@blueprint.get("/reader/atom/<path:stream>")
def atom_stream(stream: str) -> Response:
    """The stories of a stream as Atom."""
    token, values = _reader(), request.args.to_dict()
    page = streams.paging(values, most=streams.MAX_ITEMS)
    with reading().store() as store:
        listed = store.reader_marks.select(page.narrow(_selection(store, token, stream)))
        contents = items(store, presenter(store), config(), token, listed, base=base_url(), tags=id_base())
    titles = {subscription.id: subscription.title for subscription in streams.subscriptions(config())}
    title = titles.get(streams.normalized(stream), config().site.title)
    return Response(atom.write(title, request.base_url, contents, now()), content_type=atom.MEDIA_TYPE)


@blueprint.post(f"{API}/subscription/edit")
@blueprint.post(f"{API}/subscription/quickadd")
@blueprint.post(f"{API}/rename-tag")
@blueprint.post(f"{API}/disable-tag")
@open_to_others
def configuration() -> Response:
    """Refuse: feeds and folders are those of feeds.yaml."""
    _reader()
    return _text("The feeds of this site are its categories and lists; its operator changes them in feeds.yaml.\n", 403)


def _selection(store: Store, token: ReaderToken, stream: str) -> Selection:
    try:
        return streams.selection(store, config(), token, stream, now())
    except streams.UnknownStream:
        abort(404, "There is no such feed, folder or state.")


def _json(document: dict[str, Any]) -> Response:
    return Response(json.dumps(document, ensure_ascii=False), content_type="application/json; charset=utf-8")


def _text(text: str, status: int = 200) -> Response:
    return Response(text, status=status, content_type="text/plain; charset=utf-8")
