"""The addresses of the site: what each shows, and how long it may be kept.

A view asks the store, makes view models, and renders. Knows addresses, titles and empty states.
Leaves wording and drawing to `present`, choosing stories to `lists`, feeds to `syndicate`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

from flask import Blueprint, Response, abort, current_app, g, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from aggregator.health import ledgers
from aggregator.model import Config, FeedState, Listed, Source, SourceHealth
from aggregator.store import ListQuery, Store
from aggregator.text import storable
from web import asked as asking
from web import lists, present, syndicate
from web.asked import Asked
from web.cache import KEEP, NOW, STORY, WHOLE_EDITION
from web.guard import CSP_DATA
from web.present import Presenter
from web.reading import Reading, Unreadable

pages = Blueprint("pages", __name__)

MINUTE = timedelta(seconds=60)
"""How long a page with relative times may be kept."""
BRIEF = timedelta(seconds=2)
"""For pages about the running program."""

PAGE_SIZE = 30
FEED_SIZE = 50
FRONT_SIZE = 10
NEWEST_SIZE = 16
SECTION_SIZE = 4

_STATIC = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
STATIC = {path.name: path.read_bytes() for path in sorted(_STATIC.iterdir()) if path.suffix in _TYPES}


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed that a page offers."""

    title: str
    kind: str
    content_type: str
    url: str


def feeds_of(title: str, path: str, query: str = "") -> list[Feed]:
    """Return the three spellings of the list at *path*."""
    return [
        Feed(title, form.name, form.content_type.partition(";")[0], f"{path}.{ending}{query}")
        for ending, form in syndicate.FORMATS.items()
    ]


def reading() -> Reading:
    """Return the database of this application."""
    found: Reading = current_app.extensions["groundswell"]
    return found


def worker_silent() -> timedelta:
    """Return after which time without a heartbeat the worker counts as not running."""
    found: timedelta = current_app.extensions["groundswell.silent"]
    return found


def now() -> datetime:
    """Return the moment of this request."""
    moment: datetime = request.environ[NOW]
    return moment


def config() -> Config:
    """Return the configuration of this request."""
    if "config" not in g:
        g.config = reading().config()
    found: Config = g.config
    return found


def keep(for_: timedelta) -> None:
    """Let the page cache keep this answer."""
    request.environ[KEEP] = for_


def presenter(store: Store) -> Presenter:
    """Return what makes view models of this request."""
    return Presenter(config(), store.feeds.names(), now())


def base_url() -> str:
    """Return where the site is, without a slash at its end.

    The configured address; where that is loopback, the address that was asked, because the port may be another.
    """
    url = config().site.url.rstrip("/")
    if (urlsplit(url).hostname or "") in ("127.0.0.1", "localhost", "::1"):
        return request.host_url.rstrip("/")
    return url


# The front page


@pages.get("/")
def front() -> str:
    """Trending now across categories, a section per category, newest."""
    with reading().store() as store:
        show = presenter(store)
        top = store.stories.ranked("", FRONT_SIZE)
        ranked = bool(top)
        if not top:
            top = store.stories.select(ListQuery(limit=FRONT_SIZE))
        others = store.stories.other_headlines(top[:1], each=4) | store.stories.other_headlines(top[1:], each=3)
        cards = [show.card(one, others.get(one.story.story_id, ())) for one in top]
        seen = {card.story_id for card in cards}
        sections = []
        for category in config().categories:
            listed = store.stories.ranked(category.id, SECTION_SIZE + FRONT_SIZE)
            fresh = [one for one in listed if one.story.story_id not in seen][:SECTION_SIZE]
            if listed:
                sections.append((show.section(category.id), [show.card(one) for one in fresh or listed[:SECTION_SIZE]]))
        newest = [show.card(one) for one in store.stories.select(ListQuery(limit=NEWEST_SIZE))] if top else []
        swell = show.coverage_chart(store.stories.members(top[0].story.story_id)) if top else None
        status = _status(store)
    keep(MINUTE if top else BRIEF)
    return render_template(
        "front.html",
        lead=cards[0] if cards else None,
        river=cards[1:],
        swell=swell,
        ranked=ranked,
        sections=sections,
        newest=newest,
        status=status,
        feeds=feeds_of("Trending", "/trending"),
    )


@dataclass(frozen=True, slots=True)
class Status:
    """How the program is doing, for empty states and the sources page."""

    worker: str
    """running, silent (it ran once), or missing."""
    heard: present.Moment | None
    tick: present.Moment | None
    entries: int
    rows: list[present.SourceRow]
    hosts: list[present.HostRow]

    def count(self, *statuses: str) -> int:
        return sum(row.status in statuses for row in self.rows)

    @property
    def asked(self) -> int:
        """How many sources are to be asked at all."""
        return self.count("ok", "failing", "waiting", "gone")

    @property
    def all_failing(self) -> str:
        """Why no source at all answers, "" while one does or none was asked."""
        if self.count("failing") and not self.count("ok"):
            return present.why_failing(self.rows)
        return ""


def _status(store: Store) -> Status:
    show = presenter(store)
    health = store.feeds.health(now(), config().sources)
    known = {row.source.id for row in health}
    # The worker writes the sources it knows; one that was just added, or all before its first start, were never asked.
    health += [_never_asked(source) for source in config().sources if source.id not in known]
    heard = store.state.moment("heartbeat")
    tick = store.state.moment("last_tick")
    worker = "missing" if heard is None else "silent" if now() - heard > worker_silent() else "running"
    return Status(
        worker=worker,
        heard=show.moment(heard) if heard else None,
        tick=show.moment(tick) if tick else None,
        entries=store.entries.count(),
        rows=[show.source_row(row) for row in health],
        hosts=[present.host_row(ledger) for ledger in ledgers(health)],
    )


def _never_asked(source: Source) -> SourceHealth:
    return SourceHealth(source, FeedState(source.id, source.url), entries=0, recent_entries=0, firsts=0)


# Lists


@pages.get("/trending")
def trending() -> str:
    """Every story that is ranked, across categories."""
    return _list_page("Trending", None, "/trending", asking.read(_args()))


@pages.get("/newest")
def newest() -> str:
    """Every story, the newest first."""
    return _list_page("Newest", None, "/newest", asking.read(_args(), default="newest"))


@pages.get("/category/<category_id>")
def category(category_id: str) -> str:
    """A category: trending, newest or by score."""
    name = _category_name(category_id)
    return _list_page(name, category_id, f"/category/{quote(category_id)}", asking.read(_args()))


def _list_page(title: str, category_id: str | None, path: str, asked: Asked) -> str:
    if asked.page > asking.MAX_PAGE:
        abort(400, f"A list has {asking.MAX_PAGE:,} pages at most.")
    with reading().store() as store:
        show = presenter(store)
        found = lists.of_category(store, category_id, asked, now(), PAGE_SIZE)
        others = store.stories.other_headlines(found.stories, each=3)
        cards = [show.card(one, others.get(one.story.story_id, ())) for one in found.stories]
        status = None if cards else _status(store)
    keep(MINUTE)
    return render_template(
        "list.html",
        title=title,
        category_id=category_id,
        path=path,
        asked=asked,
        cards=cards,
        more=found.more,
        status=status,
        feeds=feeds_of(title, path, asked.query_string()),
    )


def _category_name(category_id: str) -> str:
    """Return a category's name; 404 unless it is configured, or stories of it are left."""
    known = config().category(category_id)
    if known is not None:
        return known.name
    with reading().store() as store:
        if not store.stories.select(ListQuery(category_id=category_id, limit=1)):
            abort(404)
        section = presenter(store).section(category_id)
    return section.name if section else category_id


@pages.get("/search")
def search() -> str:
    """Full text search over all entries, shown as stories."""
    asked = asking.read(_args(), asking.SEARCH_SORTS)
    if asked.page > asking.MAX_PAGE:
        abort(400, f"A search has {asking.MAX_PAGE:,} pages at most.")
    with reading().store() as store:
        show = presenter(store)
        found, total = lists.of_search(store, asked, now(), PAGE_SIZE) if asked.query else ([], 0)
        suggestions = []
        if asked.query and not total:
            words = list(dict.fromkeys(word for word in asked.query.split() if any(map(str.isalnum, word))))[:8]
            counts = [(word, store.search.stories(word, limit=1).total) for word in words if len(words) > 1]
            suggestions = [(word, count) for word, count in counts if count]
            if asked.filtered:
                unfiltered = store.search.stories(asked.query, limit=1).total
                suggestions = [(asked.query, unfiltered)] if unfiltered else suggestions
    keep(MINUTE)
    return render_template(
        "search.html",
        asked=asked,
        cards=[show.card(one) for one in found],
        total=total,
        more=total > asked.page * PAGE_SIZE,
        suggestions=suggestions,
        feeds=feeds_of(f"Search: {asked.query}", "/search", asked.query_string()) if asked.query else [],
    )


# A story


@pages.get("/story/<int(max=9223372036854775807):story_id>/", defaults={"name": ""})
@pages.get("/story/<int(max=9223372036854775807):story_id>/<name>")
def story(story_id: int, name: str) -> str | AnyResponse:
    """A story with its score explained and everyone who told it."""
    with reading().store() as store:
        listed = lists.following_merges(store, story_id)
        if listed is None:
            abort(404)
        if listed.story.story_id != story_id or name != present.slug(listed.story.headline):
            return redirect(present.story_path(listed.story), 301)
        show = presenter(store)
        members = store.stories.members(story_id)
        ledger = store.stories.ledger(story_id)
        trending = [show.card(one) for one in store.stories.ranked("", 7) if one.story.story_id != story_id]
        related = [
            show.card(one)
            for one in store.stories.ranked(listed.story.category_id, 13)
            if one.story.story_id != story_id
        ]
    request.environ[STORY] = story_id
    keep(MINUTE)
    card = show.card(listed)
    shown = {one.story_id for one in trending[:6]}
    return render_template(
        "story.html",
        card=card,
        views=present.counted(listed.views, "view") if listed.views else "no views yet",
        lead=listed.lead,
        author=listed.lead.author,
        original=show.link(listed.lead),
        body=present.body_html(listed.lead, card.standfirst),
        bars=present.bars(listed.story.contributions, listed.story.score),
        coverage=show.coverage(members),
        coverage_chart=show.coverage_chart(members),
        score_chart=show.score_chart(ledger),
        ledger=show.ledger(ledger),
        ledger_total=len(ledger),
        trending=trending[:6],
        related=[one for one in related if one.story_id not in shown][:6] or related[:6],
        top_share=config().scoring.top_share,
        feeds=feeds_of(card.section.name, card.section.url) if card.section else feeds_of("Trending", "/trending"),
    )


# Sources and words about the program


@pages.get("/sources")
def sources() -> str:
    """Health of every source, and whether the worker runs."""
    with reading().store() as store:
        status = _status(store)
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


@pages.get("/source/<source_id>")
def source(source_id: str) -> str:
    """What a source published, and how polling it goes."""
    with reading().store() as store:
        row = _source_row(store, source_id)
        show = presenter(store)
        published = [
            (show.link(entry), show.moment(entry.at), show.card(one) if one else None)
            for entry, one in lists.of_source(store, source_id, 60)
        ]
    keep(BRIEF)
    return render_template(
        "source.html", row=row, published=published, feeds=feeds_of(row.name, f"/source/{quote(source_id)}")
    )


def _source_row(store: Store, source_id: str) -> present.SourceRow:
    row = next((row for row in _status(store).rows if row.id == source_id), None)
    if row is None:
        abort(404)
    return row


@pages.get("/about")
def about() -> str:
    """How every number is computed, from the running configuration."""
    keep(WHOLE_EDITION)
    return render_template(
        "about.html",
        span=present.span_words,
        words_per_minute=present.WORDS_PER_MINUTE,
        namespace=syndicate.NAMESPACE,
    )


@pages.get("/feeds")
def feeds_page() -> str:
    """Everything that can be subscribed to."""
    keep(WHOLE_EDITION)
    rows = [feeds_of("Trending", "/trending"), feeds_of("Newest", "/newest")]
    by_category = [feeds_of(one.name, f"/category/{quote(one.id)}") for one in config().categories]
    by_source = [feeds_of(one.name, f"/source/{quote(one.id)}") for one in config().sources if one.enabled]
    return render_template(
        "feeds.html",
        general=rows,
        by_category=by_category,
        by_source=by_source,
        namespace=syndicate.NAMESPACE,
        base=base_url(),
        feeds=[*rows[0], *rows[1]],
    )


# Feeds


@pages.get("/trending.<any(rss,atom,json):form>")
def trending_feed(form: str) -> Response:
    """Trending across categories."""
    return _list_feed("Trending", None, "/trending", form, asking.read(_args()))


@pages.get("/newest.<any(rss,atom,json):form>")
def newest_feed(form: str) -> Response:
    """All stories, the newest first."""
    return _list_feed("Newest", None, "/newest", form, asking.read(_args(), default="newest"))


@pages.get("/category/<category_id>.<any(rss,atom,json):form>")
def category_feed(category_id: str, form: str) -> Response:
    """A category, with the filters of its page."""
    name = _category_name(category_id)
    return _list_feed(name, category_id, f"/category/{quote(category_id)}", form, asking.read(_args()))


@pages.get("/search.<any(rss,atom,json):form>")
def search_feed(form: str) -> Response:
    """What a search finds, the newest first unless asked otherwise."""
    asked = asking.read(_args(), asking.SEARCH_SORTS, default="newest")
    with reading().store() as store:
        found, _ = lists.of_search(store, asked, now(), FEED_SIZE)
        words = f"Stories with {asked.query!r}" if asked.query else "A search for nothing"
        return _feed(store, f"Search: {asked.query}", words, "/search", form, asked, found)


@pages.get("/source/<source_id>.<any(rss,atom,json):form>")
def source_feed(source_id: str, form: str) -> Response:
    """The stories that a source had a part in."""
    with reading().store() as store:
        row = _source_row(store, source_id)
        found: dict[int, Listed] = {}
        for _, listed in lists.of_source(store, source_id, FEED_SIZE * 2):
            if listed is not None:
                found.setdefault(listed.story.story_id, listed)
        words = f"Stories that {row.name} had a part in"
        path = f"/source/{quote(source_id)}"
        return _feed(store, row.name, words, path, form, asking.read({}), list(found.values())[:FEED_SIZE])


def _list_feed(title: str, category_id: str | None, path: str, form: str, asked: Asked) -> Response:
    with reading().store() as store:
        found = lists.of_category(store, category_id, asked, now(), FEED_SIZE).stories
        words = {"trending": "ranked by trend", "newest": "the newest first", "score": "the highest score first"}
        filters = [f"score from {asked.min_score}"] if asked.min_score else []
        filters += [f"{asked.min_sources} independent sources or more"] if asked.min_sources else []
        filters += [f"of the last {asked.window}"] if asked.window else []
        return _feed(store, title, f"Stories {', '.join([words[asked.sort], *filters])}", path, form, asked, found)


def _feed(
    store: Store, title: str, words: str, path: str, form: str, asked: Asked, found: Sequence[Listed]
) -> Response:
    """Return a list as a feed; it depends on the edition only, unless a window moves with the clock."""
    base, site = base_url(), config().site
    show = presenter(store)
    others = store.stories.other_headlines(found)
    items = []
    for one in found:
        section = show.section(one.story.category_id)
        items.append(
            syndicate.item(
                one,
                base_url=base,
                id_base=site.url,
                source=show.source_name(one.lead.source_id),
                category=section.name if section else "",
                related=[(entry, show.source_name(entry.source_id)) for entry in others.get(one.story.story_id, ())],
            )
        )
    chosen = syndicate.FORMATS[form]
    channel = syndicate.Channel(
        title=f"{storable(site.title)}: {storable(title)}",
        description=storable(words),
        page_url=f"{base}{path}{asked.query_string()}",
        self_url=f"{base}{path}.{form}{asked.query_string()}",
        language=site.language,
        items=tuple(items),
    )
    keep(MINUTE if asked.window else WHOLE_EDITION)
    response = Response(chosen.write(channel), content_type=chosen.content_type)
    response.headers["Content-Security-Policy"] = CSP_DATA
    return response


@pages.get("/feed.xml")
@pages.get("/feed")
@pages.get("/rss")
@pages.get("/rss.xml")
@pages.get("/index.rss")
def feed_elsewhere() -> AnyResponse:
    """Where readers look for a feed without being told."""
    return redirect("/trending.rss", 301)


@pages.get("/atom.xml")
@pages.get("/index.atom")
def atom_elsewhere() -> AnyResponse:
    """The same for Atom."""
    return redirect("/trending.atom", 301)


@pages.get("/index.json")
@pages.get("/feed.json")
def json_elsewhere() -> AnyResponse:
    """The same for JSON Feed."""
    return redirect("/trending.json", 301)


# Operation


@pages.get("/healthz")
def healthz() -> AnyResponse:
    """Whether the database is readable and the worker alive: 200 or 503."""
    try:
        with reading().store() as store:
            edition = store.state.edition()
            heard = store.state.moment("heartbeat")
    except Unreadable:
        answer: dict[str, object] = {"ok": False, "why": "the database cannot be read"}
    else:
        age = None if heard is None else max(0, round((now() - heard).total_seconds()))
        alive = age is not None and age <= worker_silent().total_seconds()
        answer = {"ok": alive, "edition": edition, "worker_age_s": age}
        if not alive:
            answer["why"] = "the worker is not running"
    response = Response(json.dumps(answer) + "\n")
    response.status_code = 200 if answer["ok"] else 503
    response.headers["Content-Type"] = "application/json; charset=utf-8"
    response.headers["Content-Security-Policy"] = CSP_DATA
    response.headers["Cache-Control"] = "no-store"
    return response


@pages.get("/robots.txt")
def robots() -> Response:
    """Everything may be read but endless searches."""
    keep(WHOLE_EDITION)
    return Response("User-agent: *\nDisallow: /search\n", content_type="text/plain; charset=utf-8")


@pages.get("/favicon.ico")
def favicon() -> AnyResponse:
    """For browsers that do not read the link."""
    return redirect(asset("icon.svg"), 301)


@pages.get("/static/<name>")
def static(name: str) -> Response:
    """A file of ours; under its version it never changes."""
    if name not in STATIC:
        abort(404)
    keep(WHOLE_EDITION)
    response = Response(STATIC[name], content_type=_TYPES[Path(name).suffix])
    if request.args.get("v") == _version(name):
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def asset(name: str) -> str:
    """Return the address of a static file in its present version."""
    # Not by url_for: a page that refuses a malformed Host has no addresses to build.
    return f"/static/{name}?v={_version(name)}"


def _version(name: str) -> str:
    return hashlib.sha256(STATIC[name]).hexdigest()[:12]


def _args() -> dict[str, str]:
    return request.args.to_dict()
