"""Sources: the state of each source, and what one has published."""

from __future__ import annotations

from collections import Counter
from urllib.parse import quote

from flask import Blueprint, abort, render_template

from aggregator.model import Source, SourceHealth
from aggregator.store import Store
from web import present
from web.http.addresses import query_parameters
from web.lists import query, stories
from web.lists import sources as source_list
from web.present.sources import feed_address
from web.request.context import BRIEF, args, config, feeds_of, keep, now, presenter, reading
from web.request.services import services
from web.request.worker_status import status_of

blueprint = Blueprint("health", __name__)

MAX_HOSTS = 50
POLLS = 12


@blueprint.get("/sources")
@query_parameters("state", "category", "q", "page")
def sources() -> str:
    """The state of every source, and whether the worker runs."""
    params = source_list.read(args())
    if params.page > query.MAX_PAGE:
        abort(400, query.TOO_MANY_PAGES)
    with reading().store() as store:
        status = status_of(store)
        fault = store.config_edits.problem()
        show = presenter(store)
        summaries = source_list.summaries(store, config(), services().alarm, now())
        page = source_list.select(summaries, params)
        health = source_list.health(store, [summary.source for summary in page.shown], now())
        rows = [present.source_row(show, row) for row in health]
        ledgers = store.source_status.hosts()
    hosts = {summary.host for summary in page.shown}
    keep(BRIEF)
    return render_template(
        "sources.html",
        status=status,
        states=Counter(summary.state for summary in summaries),
        source_page=page,
        source_params=params,
        rows=rows,
        hosts=[present.host_row(ledger) for ledger in ledgers if ledger.host in hosts][:MAX_HOSTS],
        hosts_summary=present.hosts_summary(ledgers),
        more_hosts=max(0, len(hosts) - MAX_HOSTS),
        fault=fault,
        fault_at=show.moment(fault.at) if fault else None,
    )


@blueprint.get("/source/<source_id>")
def source(source_id: str) -> str:
    """What a source has published, and how polling it goes."""
    with reading().store() as store:
        health = source_health(store, source_id)
        show = presenter(store)
        row = present.source_row(show, health)
        published = [
            (show.link(entry), show.published(entry), show.card(listed) if listed else None)
            for entry, listed in stories.of_source(store, source_id, 60)
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
    """Return all that is known about a source; 404 if it was never configured."""
    wanted: Source | None = config().source(source_id)
    if wanted is None:
        wanted = next((source for source in source_list.removed(store, config()) if source.id == source_id), None)
    if wanted is None:
        abort(404)
    return source_list.health(store, [wanted], now())[0]
