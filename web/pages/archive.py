"""The front page as it was: /at/<time>, and a list of days to choose from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from web import present
from web.http.addresses import query_parameters
from web.http.hints import WHOLE_EDITION
from web.i18n.wording import duration
from web.request.context import MINUTE, config, keep, now, presenter, reading

blueprint = Blueprint("archive", __name__)

FORMAT = "%Y-%m-%dT%H:%MZ"
"""A time in an address: to the minute, so that each page has one address that can be shared."""
STEPS = (timedelta(days=1), timedelta(hours=6), timedelta(hours=1))
SECTION_SIZE = 4


@blueprint.get("/at")
@query_parameters("time")
def choose() -> AnyResponse:
    """Redirect to the time in the form, by default this time yesterday."""
    wanted = _read(request.args.get("time", "")) or now() - timedelta(days=1)
    return redirect(f"/at/{_spell(wanted)}", 302)


@blueprint.get("/at/<time>")
@query_parameters(costly=True)
def at(time: str) -> str | AnyResponse:
    """The front page at an earlier time, with the headlines and scores it had then."""
    moment = _read(time)
    if moment is None:
        abort(404)
    if time != _spell(moment):
        return redirect(f"/at/{_spell(moment)}", 301)
    with reading().store() as store:
        show = presenter(store)
        # Include the whole minute, so that a page stored within it is shown at the address that names it.
        end = moment + timedelta(seconds=59, microseconds=999_999)
        page = store.front_pages.at(end)
        before = store.front_pages.before(page.at) if page else None
        after = store.front_pages.after(page.at if page else end)
    lists = page.lists if page else {}
    front = [present.archived_card(show, shown) for shown in lists.get("", ())]
    sections = []
    for category in config().categories:
        if category.id in lists:
            cards = [present.archived_card(show, shown) for shown in lists[category.id][:SECTION_SIZE]]
            sections.append((show.section(category.id), cards))
    # Pages of past days no longer change; today's may still be followed by a later one.
    keep(WHOLE_EDITION if after else MINUTE)
    return render_template(
        "at.html",
        requested=show.moment(moment),
        kept=show.moment(page.at) if page else None,
        value=f"{moment:%Y-%m-%dT%H:%M}",
        earlier=_spell(before) if before else "",
        later=_spell(after) if after else "",
        back=[(duration(step), _spell(moment - step)) for step in STEPS] if page else [],
        forward=[(duration(step), _spell(moment + step)) for step in reversed(STEPS) if moment + step <= now()],
        lead=front[0] if front else None,
        river=front[1:],
        sections=sections,
        future=moment > now(),
    )


def _spell(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(FORMAT)


def _read(text: str) -> datetime | None:
    """Return the ISO 8601 time in *text*, to the minute, in UTC by default; None if it is not a time."""
    try:
        moment = datetime.fromisoformat(text.strip()[:40])
    except ValueError:
        return None
    try:
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        return None
    return moment.replace(second=0, microsecond=0) if 1970 < moment.year < 9000 else None
