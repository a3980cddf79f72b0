"""The admin page of sources: find and add, pause, poll now, remove.

Each change is an edit of feeds.yaml that keeps every other byte and is validated before it is saved; the worker applies
it within seconds. `groundswell sources add --dry-run` finds feeds in a separate process, to keep the network and
untrusted documents out of the process that serves readers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from aggregator.config.yaml_edit import with_enabled, without_source
from aggregator.discovery import feed_lists, opml
from aggregator.discovery.add_sources import added
from aggregator.discovery.feed_address import feed_address
from aggregator.discovery.opml import Subscription
from aggregator.errors import ConfigError, GroundswellError
from aggregator.model import Config
from aggregator.model.actions import ActionKind
from aggregator.text.urls import safe_link
from aggregator.translatable import Translatable
from web import present
from web.admin import actions as audit
from web.i18n.messages import Notice, notice
from web.lists import query
from web.lists import sources as source_list
from web.request.context import args, base_url, config, now, presenter, reading
from web.request.services import services

blueprint = Blueprint("operator_sources", __name__)

MAX_ADDRESS_CHARS = 2_000
PAGE_SIZE = 100
FIND_WITHIN_S = 60
BOOKMARKLET = "javascript:location.href=%s+encodeURIComponent(location.href)"
"""For the reader's bookmarks: opens this page with the address of the page that is being read."""
_SWITCHED = {
    "pause": ActionKind.SOURCE_PAUSED,
    "resume": ActionKind.SOURCE_RESUMED,
    "remove": ActionKind.SOURCE_REMOVED,
}
_finding = threading.Lock()


@blueprint.get("/admin/sources")
def sources() -> str:
    """Every source, with buttons to change it."""
    if source_list.read(args()).page > query.MAX_PAGE:
        abort(400, query.TOO_MANY_PAGES)
    # From the bookmarklet; nothing is fetched until the button is pressed.
    return _page(address=request.args.get("address", "").strip()[:MAX_ADDRESS_CHARS])


def _page(message: Notice | None = None, address: str = "", discovered: list[dict[str, Any]] | None = None) -> str:
    params = source_list.read(args())
    with reading().store() as store:
        summaries = source_list.summaries(store, config(), services().alarm, now())
        configured = [summary for summary in summaries if summary.state != "removed"]
        page = source_list.select(configured, params, PAGE_SIZE)
        fault = store.config_edits.problem()
        show = presenter(store)
        health = source_list.health(store, [summary.source for summary in page.shown], now())
        rows = [present.source_row(show, row) for row in health]
        actions = [audit.row(show, action) for action in store.actions.newest(100) if action.kind == "sources"][:10]
    return render_template(
        "admin/sources.html",
        rows=rows,
        source_page=page,
        source_params=params,
        fault=fault,
        actions=actions,
        writable=audit.feeds_file() is not None,
        categories=config().categories,
        message=message,
        address=address,
        discovered=discovered,
        bookmarklet=BOOKMARKLET % json.dumps(f"{base_url()}/admin/sources?address="),
    )


@blueprint.post("/admin/sources/find")
def find() -> str | tuple[str, int]:
    """Find the feeds of a page and show them, without changing anything."""
    address = request.form.get("address", "").strip()
    url = feed_address(address)
    if not url or len(address) > MAX_ADDRESS_CHARS:
        wrong = Translatable("This is not a web address. Enter one such as https://example.com/blog.")
        return _page(notice(wrong), address), 422
    if not _finding.acquire(blocking=False):
        return _page(notice(Translatable("Another search is running. Try again in a moment.")), address), 429
    try:
        feeds, message = _feeds_at(address)
    finally:
        _finding.release()
    return _page(message, address, feeds) if feeds else (_page(message, address), 422)


def _feeds_at(address: str) -> tuple[list[dict[str, Any]], Notice | None]:
    """Return the feeds of a page, or the reason why there are none."""
    path = audit.feeds_file()
    command = [sys.executable, "-m", "groundswell", "sources", "add", "--dry-run", "--json"]
    try:
        done = subprocess.run(
            [*command, *(["--feeds", str(path)] if path else []), "--", address],
            capture_output=True,
            timeout=FIND_WITHIN_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return [], notice(Translatable("No feed was found within %(n)s seconds.", n=FIND_WITHIN_S))
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return [], notice(lines[-1] if lines else Translatable("The search failed."))
    feeds: list[dict[str, Any]] = json.loads(done.stdout)["found"]
    return feeds, None


@blueprint.post("/admin/sources/import")
def import_opml() -> AnyResponse | tuple[str, int]:
    """Add the feeds of an OPML file, or of another program's configuration, to feeds.yaml."""
    file = request.files.get("file")
    if file is None or not file.filename:
        return _page(notice(Translatable("Choose an OPML file."))), 422
    try:
        listed = feed_lists.read(file.read(opml.MAX_BYTES + 1))
    except GroundswellError as error:
        return _page(notice(error)), 422
    if not listed.feeds:
        return _page(notice(Translatable("This file lists no feeds."))), 422

    def change(text: str, running: Config | None) -> audit.Edit:
        addition = added(text, running, listed.feeds)
        if not addition.ids:
            raise ConfigError(Translatable("all feeds of this file are already in feeds.yaml"))
        return audit.Edit(addition.text, ActionKind.SOURCES_IMPORTED, {"sources": len(addition.ids)})

    return _changed(change)


@blueprint.post("/admin/sources/add")
def add() -> AnyResponse | tuple[str, int]:
    """Add a feed to feeds.yaml."""
    url = safe_link(request.form.get("url", ""))
    category = request.form.get("category", "")
    if not url or len(url) > MAX_ADDRESS_CHARS:
        abort(400, Translatable("This is not a web address."))
    if category and config().category(category) is None:
        abort(400, Translatable("feeds.yaml has no such category."))
    name = " ".join(request.form.get("name", "").split())

    def change(text: str, running: Config | None) -> audit.Edit:
        addition = added(text, running, [Subscription(url, name, category)])
        if addition.existing:
            raise ConfigError(Translatable("this feed is already in feeds.yaml"))
        return audit.Edit(addition.text, ActionKind.SOURCE_ADDED, {"source": addition.ids[0]})

    return _changed(change)


@blueprint.post("/admin/sources/<source_id>/<any(pause,resume,remove):what>")
def switch(source_id: str, what: str) -> AnyResponse | tuple[str, int]:
    """Pause, resume or remove a source; its entries stay."""

    def change(text: str, running: Config | None) -> audit.Edit:
        if what == "remove":
            after = without_source(text, source_id)
        else:
            after = with_enabled(text, source_id, what == "resume")
        return audit.Edit(after, _SWITCHED[what], {"source": source_id})

    return _changed(change)


@blueprint.post("/admin/sources/<source_id>/poll")
def poll(source_id: str) -> AnyResponse:
    """Have the worker poll a source now, even if it is gone."""
    source = config().source(source_id)
    if source is None:
        abort(404)
    if not source.enabled:
        abort(409, Translatable("This source is paused. Resume it first."))
    with reading().store() as store, store.transaction():
        store.feeds.make_due([source_id])
        store.actions.note("sources", ActionKind.POLL_REQUESTED, now(), {"source": source_id})
    return redirect("/admin/sources", 303)


def _changed(change: audit.Change) -> AnyResponse | tuple[str, int]:
    path = audit.feeds_file()
    if path is None:
        abort(409, audit.PATH_UNKNOWN)
    with reading().store() as store:
        try:
            audit.edit_feeds(store, path, change, now(), os.environ)
        except ConfigError as fault:
            return _page(audit.fault_notice(fault, path)), 409
        except OSError as error:
            return _page(notice(audit.unwritable(error))), 409
    return redirect("/admin/sources", 303)
