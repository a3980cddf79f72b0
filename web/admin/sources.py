"""Sources under the operator's hand: find and add, pause, poll now, remove.

Each is an edit of feeds.yaml that keeps every other byte, checked before it is saved; the worker applies it within
seconds. Looking for feeds is done by `groundswell sources add --dry-run` in a process of its own: the network and
what it brings stay out of the process that answers readers.
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
from aggregator.discovery.add_sources import added
from aggregator.discovery.feed_address import feed_address
from aggregator.discovery.opml import Subscription
from aggregator.errors import ConfigError
from aggregator.model import Config
from aggregator.text.urls import safe_link
from web import present
from web.admin import actions as acts
from web.lists import query as asking
from web.lists import sources as roster
from web.request.context import args, config, now, presenter, reading

room = Blueprint("operator_sources", __name__)

MOST_ADDRESS = 2_000
PAGE_SIZE = 100
FIND_WITHIN_S = 60
_finding = threading.Lock()


@room.get("/admin/sources")
def sources() -> str:
    """Every source, and what can be done with it."""
    if roster.read(args()).page > asking.MAX_PAGE:
        abort(400, f"A list has {asking.MAX_PAGE:,} pages at most.")
    return _page()


def _page(words: str = "", address: str = "", found: list[dict[str, Any]] | None = None) -> str:
    asked = roster.read(args())
    with reading().store() as store:
        here = [known for known in roster.known(store) if known.state != "removed"]
        chosen = roster.choose(here, asked, PAGE_SIZE)
        fault = store.state.config_fault()
        show = presenter(store)
        rows = [present.source_row(show, row) for row in roster.health(store, [known.source for known in chosen.shown])]
        actions = [acts.row(show, one) for one in store.actions.newest(100) if one.kind == "sources"][:10]
    return render_template(
        "admin/sources.html",
        rows=rows,
        chosen=chosen,
        roster=asked,
        state_words=present.STATE_WORDS,
        fault=fault,
        actions=actions,
        writable=acts.feeds_file() is not None,
        categories=config().categories,
        words=words,
        address=address,
        found=found,
    )


@room.post("/admin/sources/find")
def find() -> str | tuple[str, int]:
    """Look which feeds a page has, and show them; nothing is changed."""
    address = request.form.get("address", "").strip()
    url = feed_address(address)
    if not url or len(address) > MOST_ADDRESS:
        return _page("That is no web address. It looks like https://example.com/blog.", address), 422
    if not _finding.acquire(blocking=False):
        return _page("Another search is under way. Try again in a moment.", address), 429
    try:
        found, words = _feeds_at(address)
    finally:
        _finding.release()
    return _page(words, address, found) if found else (_page(words, address), 422)


def _feeds_at(address: str) -> tuple[list[dict[str, Any]], str]:
    """Return the feeds of a page, or why there is none."""
    path = acts.feeds_file()
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
        return [], f"Nothing was found within {FIND_WITHIN_S} seconds."
    if done.returncode:
        told = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return [], acts.sentence(told[-1]) if told else "The search failed."
    found: list[dict[str, Any]] = json.loads(done.stdout)["found"]
    return found, ""


@room.post("/admin/sources/add")
def add() -> AnyResponse | tuple[str, int]:
    """Put a feed that was found into feeds.yaml."""
    url = safe_link(request.form.get("url", ""))
    category = request.form.get("category", "")
    if not url or len(url) > MOST_ADDRESS:
        abort(400, "That is no web address.")
    if category and config().category(category) is None:
        abort(400, "There is no such category in feeds.yaml.")
    name = " ".join(request.form.get("name", "").split())

    def change(text: str, running: Config | None) -> tuple[str, str]:
        made = added(text, running, [Subscription(url, name, category)])
        if made.known:
            raise ConfigError("that feed is in feeds.yaml already")
        return made.text, f"added the source {made.ids[0]}"

    return _changed(change)


@room.post("/admin/sources/<source_id>/<any(pause,resume,remove):what>")
def switch(source_id: str, what: str) -> AnyResponse | tuple[str, int]:
    """Pause a source, resume it, or take it out; what it published stays."""

    def change(text: str, running: Config | None) -> tuple[str, str]:
        if what == "remove":
            return without_source(text, source_id), f"removed the source {source_id}"
        after = with_enabled(text, source_id, what == "resume")
        return after, f"{what}d the source {source_id}"

    return _changed(change)


@room.post("/admin/sources/<source_id>/poll")
def poll(source_id: str) -> AnyResponse:
    """Let the worker ask a source at once, also one that said it was gone."""
    source = config().source(source_id)
    if source is None:
        abort(404)
    if not source.enabled:
        abort(409, "This source is paused. Resume it first.")
    with reading().store() as store, store.transaction():
        store.feeds.ask_again([source_id])
        store.actions.note("sources", f"asked for a poll of {source_id} at once", now())
    return redirect("/admin/sources", 303)


def _changed(change: acts.Change) -> AnyResponse | tuple[str, int]:
    path = acts.feeds_file()
    if path is None:
        abort(409, "This site was not told where feeds.yaml is; start it with --feeds.")
    with reading().store() as store:
        try:
            acts.edit_feeds(store, path, change, now(), os.environ)
        except ConfigError as fault:
            return _page(acts.sentence(str(fault).replace(str(path), path.name))), 409
        except OSError as error:
            return _page(f"feeds.yaml cannot be written: {error.strerror}."), 409
    return redirect("/admin/sources", 303)
