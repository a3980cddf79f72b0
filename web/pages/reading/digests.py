"""/digest: the days and weeks with a digest, a page for each, and a feed of all."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Response, abort, render_template
from flask_babel import gettext

from aggregator.model import Config
from aggregator.store import Store
from web import syndication
from web.digest import editions, mail
from web.digest.contents import Digest, DigestStory, digest
from web.digest.editions import Edition
from web.http.addresses import query_parameters
from web.http.headers import CSP_FEED
from web.http.hints import WHOLE_EDITION
from web.i18n.wording import plural
from web.pages.service.static_files import asset
from web.present import Presenter
from web.request.context import (
    MINUTE,
    base_url,
    config,
    feeds_of,
    hints,
    hub_url,
    id_base,
    keep,
    now,
    presenter,
    reading,
    shared,
)
from web.request.services import services

blueprint = Blueprint("digest", __name__)

DAYS_LISTED, WEEKS_LISTED = 31, 26
DAYS_IN_FEED, WEEKS_IN_FEED = 7, 2


@blueprint.get("/digest")
@query_parameters()
def index() -> str:
    """The days and weeks that have a digest."""
    keep(MINUTE)
    with reading().store() as store:
        first = store.growth.first_day()
    days, weeks = _listed(first, DAYS_LISTED, WEEKS_LISTED)
    return render_template(
        "digest/index.html",
        days=days,
        weeks=weeks,
        title_of=mail.span_of,
        feeds=feeds_of(gettext("Digests"), "/digest"),
    )


def _listed(first: datetime | None, days: int, weeks: int) -> tuple[list[Edition], list[Edition]]:
    """Return the newest days and weeks that have begun, newest first, back to the first entry."""
    if first is None:
        return [], []
    zone = config().site.timezone
    today, this_week = editions.of_moment(now(), zone)
    return (
        [edition_ for steps in range(days) if (edition_ := editions.neighbor(today, -steps, zone)).end > first],
        [edition_ for steps in range(weeks) if (edition_ := editions.neighbor(this_week, -steps, zone)).end > first],
    )


@blueprint.get("/digest/<name>")
@query_parameters(costly=True)
def page(name: str) -> str:
    """The digest of a day or a week."""
    zone = config().site.timezone
    edition = editions.named(name, zone)
    if edition is None or edition.begin > now():
        abort(404)
    with reading().store() as store:
        first = store.growth.first_day()
        if first is None or edition.end <= first:
            abort(404)
        show = presenter(store)
        contents = digest(store, config(), edition)
    # The digest of a finished period changes only with its stories.
    keep(WHOLE_EDITION if edition.end <= now() else MINUTE)
    previous, following = editions.neighbor(edition, -1, zone), editions.neighbor(edition, 1, zone)
    return render_template(
        "digest/page.html",
        heading=mail.heading_of(edition),
        title_of=mail.span_of,
        edition=edition,
        week=editions.week(edition.first, zone),
        previous=previous if previous.end > first else None,
        following=following if following.begin <= now() else None,
        running=edition.end > now(),
        total=contents.total,
        top=_shown(show, contents.top),
        grew=_shown(show, contents.grew),
        sections=[(show.section(category_id), _shown(show, stories)) for category_id, stories in contents.categories],
        feeds=feeds_of(gettext("Digests"), "/digest"),
    )


def _shown(show: Presenter, stories: tuple[DigestStory, ...]) -> list[dict[str, object]]:
    return [{"card": show.card(story.listed), "growth": story.growth_message} for story in stories]


@blueprint.get("/digest.<any(rss,atom,json):form>")
@query_parameters(costly=True)
def feed(form: str) -> Response:
    """The digests of the last finished days and weeks, one item each."""
    site = config().site
    base, prefix = base_url(), services().database.prefix()
    chosen = syndication.FORMATS[form]
    with reading().store() as store:
        days, weeks = _listed(store.growth.first_day(), DAYS_IN_FEED + 1, WEEKS_IN_FEED + 1)
        over = sorted(
            (edition_ for edition_ in (*days, *weeks) if edition_.end <= now()),
            key=lambda candidate: candidate.end,
            reverse=True,
        )
        items = [_item(store, config(), edition, base) for edition in over]
    channel = syndication.Channel(
        title=f"{site.title}: {gettext('Digests')}",
        description=gettext("The stories of each day and each week."),
        page_url=f"{base}/digest",
        self_url=f"{base}/digest.{form}",
        language=site.language,
        items=tuple(items),
        hub_url=hub_url(),
        style_urls=(("text/xsl", prefix + asset("feed.xsl")), ("text/css", prefix + asset("feed.css"))),
    )
    hints().material = syndication.material(channel)
    keep(WHOLE_EDITION)
    response = Response(chosen.write(channel), content_type=chosen.content_type)
    response.headers["Content-Security-Policy"] = CSP_FEED
    response.vary.add("Accept")
    links = {"hub": channel.hub_url, "self": channel.self_url}
    response.headers["Link"] = ", ".join(f'<{url}>; rel="{rel}"' for rel, url in links.items() if url)
    return shared(response)


def _item(store: Store, config: Config, edition: Edition, base: str) -> syndication.Item:
    contents: Digest = digest(store, config, edition)
    first = contents.top[0].listed.story.headline if contents.top else ""
    return syndication.article(
        syndication.tag_uri(id_base(), f"digest/{edition.name}"),
        url=f"{base}/digest/{edition.name}",
        title=mail.title_of(edition),
        text=f"{plural(contents.total, 'story with news', 'stories with news')}. {first}".strip(),
        html=mail.body_html(contents, config) or f"<p>{gettext('No stories')}</p>",
        author=config.site.title,
        at=edition.end,
    )
