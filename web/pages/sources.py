"""Sources: the health of each, and what one published."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, abort, render_template

from aggregator.model import Source, SourceHealth
from aggregator.store import Store
from web import present
from web.http.addresses import query_parameters
from web.lists import query as asking
from web.lists import sources as roster
from web.lists import stories
from web.request.context import BRIEF, args, config, feeds_of, keep, presenter, reading
from web.request.worker_status import status_of
from web.visibility import feed_address

room = Blueprint("health", __name__)

MOST_HOSTS = 50
POLLS = 12


@room.get("/sources")
@query_parameters("state", "category", "q", "page")
def sources() -> str:
    """Health of every source, and whether the worker runs."""
    asked = roster.read(args())
    if asked.page > asking.MAX_PAGE:
        abort(400, f"A list has {asking.MAX_PAGE:,} pages at most.")
    with reading().store() as store:
        status = status_of(store)
        fault = store.state.config_fault()
        show = presenter(store)
        chosen = roster.choose(roster.known(store), asked)
        rows = [present.source_row(show, row) for row in roster.health(store, [known.source for known in chosen.shown])]
        ledgers = store.source_status.hosts()
    here = {known.host for known in chosen.shown}
    keep(BRIEF)
    return render_template(
        "sources.html",
        status=status,
        chosen=chosen,
        roster=asked,
        rows=rows,
        state_words=present.STATE_WORDS,
        hosts=[present.host_row(ledger) for ledger in ledgers if ledger.host in here][:MOST_HOSTS],
        hosts_words=present.hosts_words(ledgers),
        more_hosts=max(0, len(here) - MOST_HOSTS),
        fault=fault,
        fault_at=show.moment(fault.at) if fault else None,
    )


@room.get("/source/<source_id>")
def source(source_id: str) -> str:
    """What a source published, and how polling it goes."""
    with reading().store() as store:
        health = source_health(store, source_id)
        show = presenter(store)
        row = present.source_row(show, health)
        published = [
            (show.link(entry), show.moment(entry.at), show.card(one) if one else None)
            for entry, one in stories.of_source(store, source_id, 60)
        ]
        polls = [present.poll_row(show, poll) for poll in store.feeds.polls(source_id, POLLS)]
    keep(BRIEF)
    return render_template(
        "source.html",
        row=row,
        address="" if health.removed else feed_address(health.source, config().limits),
        polls=polls,
        published=published,
        feeds=feeds_of(row.name, f"/source/{quote(source_id)}"),
    )


def source_health(store: Store, source_id: str) -> SourceHealth:
    """Return all that is known of a source; 404 when it was never configured."""
    sought: Source | None = config().source(source_id)
    if sought is None:
        sought = next((one for one in roster.removed(store) if one.id == source_id), None)
    if sought is None:
        abort(404)
    return roster.health(store, [sought])[0]
