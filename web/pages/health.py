"""Sources: the health of each, and what one published."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, abort, render_template

from aggregator.store import Store
from web import lists, present
from web.context import BRIEF, feeds_of, keep, presenter, reading
from web.status import status_of

room = Blueprint("health", __name__)


@room.get("/sources")
def sources() -> str:
    """Health of every source, and whether the worker runs."""
    with reading().store() as store:
        status = status_of(store)
        fault = store.state.config_fault()
        show = presenter(store)
    keep(BRIEF)
    order = {"failing": 0, "gone": 1, "ok": 2, "waiting": 2, "paused": 3, "removed": 4}
    return render_template(
        "sources.html",
        status=status,
        rows=sorted(status.rows, key=lambda row: order[row.status]),
        fault=fault,
        fault_at=show.moment(fault.at) if fault else None,
    )


@room.get("/source/<source_id>")
def source(source_id: str) -> str:
    """What a source published, and how polling it goes."""
    with reading().store() as store:
        row = source_row(store, source_id)
        show = presenter(store)
        published = [
            (show.link(entry), show.moment(entry.at), show.card(one) if one else None)
            for entry, one in lists.of_source(store, source_id, 60)
        ]
    keep(BRIEF)
    return render_template(
        "source.html", row=row, published=published, feeds=feeds_of(row.name, f"/source/{quote(source_id)}")
    )


def source_row(store: Store, source_id: str) -> present.SourceRow:
    row = next((row for row in status_of(store).rows if row.id == source_id), None)
    if row is None:
        abort(404)
    return row
