"""Stories under the operator's hand: votes in place, and a page with all that can be decided of one."""

from __future__ import annotations

from collections import Counter

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from aggregator.errors import DecisionError
from aggregator.model import DecisionKind, Listed, Story
from aggregator.store import Store
from aggregator.text.search_query import Query
from web import present
from web.admin import actions
from web.auth.access import back_to
from web.lists import stories
from web.request.context import config, now, presenter, reading

room = Blueprint("operator_stories", __name__)

_ID = "int(max=9223372036854775807)"
ALIKE = 6
LOOKED_FOR = 5
"""Words of a headline by which stories alike are looked for."""


@room.post("/admin/vote")
def vote() -> AnyResponse:
    """Vote a story up, down, or take the vote back."""
    story_id = _number(request.form.get("story", ""))
    said = request.form.get("vote", "")
    if story_id is None or said not in ("up", "down", "none"):
        abort(400, "A vote names a story, and says up, down or none.")
    with reading().store() as store:
        try:
            actions.vote(store, story_id, {"up": True, "down": False, "none": None}[said], now())
        except DecisionError as error:
            abort(404, str(error))
    return redirect(back_to(request.form.get("back", ""), f"/admin/story/{story_id}"), 303)


@room.get(f"/admin/story/<{_ID}:story_id>")
def story(story_id: int) -> str | AnyResponse:
    """All that can be decided of a story."""
    with reading().store() as store:
        listed = stories.following_merges(store, story_id)
        if listed is None:
            abort(404)
        if listed.story.story_id != story_id:
            return redirect(f"/admin/story/{listed.story.story_id}", 301)
        show = presenter(store)
        members = store.stories.members(story_id)
        return render_template(
            "admin/story.html",
            card=show.card(listed),
            story=listed.story,
            vote=store.feedback.vote_of(story_id),
            members=list(zip([entry.entry_id for entry, _ in members], present.coverage(show, members), strict=True)),
            alike=[show.card(one) for one in _alike(store, listed.story)],
            categories=config().categories,
            standing=store.decisions.of_story(story_id),
            actions=[actions.row(show, action) for action in store.actions.newest(20, story_id=story_id)],
        )


@room.post(f"/admin/story/<{_ID}:story_id>/<any(split,merge,move,category,hide,pin):what>")
def decide(story_id: int, what: str) -> AnyResponse:
    """Split, merge, move, hide or pin a story, or say its category."""
    kind = DecisionKind(what)
    category_id = request.form.get("category", "") if kind is DecisionKind.CATEGORY else ""
    if category_id and config().category(category_id) is None:
        abort(400, "There is no such category in feeds.yaml.")
    into = None
    if kind in (DecisionKind.MERGE, DecisionKind.MOVE):
        into = _story_number(request.form.get("into", "") or request.form.get("into_other", ""))
        if into is None:
            abort(400, "The other story has to be named, by its number or its address.")
    entries = [_number(one) for one in request.form.getlist("entry")]
    with reading().store() as store:
        try:
            made = actions.decide(
                store,
                kind,
                story_id,
                now(),
                entry_ids=tuple(one for one in entries if one is not None),
                into_id=into,
                category_id=category_id,
            )
        except DecisionError as error:
            abort(409, f"{actions.sentence(str(error))}.")
    goes_on = made.into_id if kind is DecisionKind.MERGE and made.into_id is not None else made.story_id
    return redirect(back_to(request.form.get("back", ""), f"/admin/story/{goes_on}"), 303)


@room.post("/admin/undo-decision")
def undo_decision() -> AnyResponse:
    """Take a decision back that stands, whoever wrote it down."""
    number = _number(request.form.get("decision", ""))
    if number is None:
        abort(400, "Nothing was named that could be taken back.")
    with reading().store() as store:
        try:
            story_id = actions.take_decision_back(store, number, now())
        except DecisionError as error:
            abort(409, f"{actions.sentence(str(error))}.")
    return redirect(back_to(request.form.get("back", ""), f"/admin/story/{story_id}"), 303)


def _alike(store: Store, story: Story) -> list[Listed]:
    """Return stories that may tell of the same: those that hold most of the longest words of the headline."""
    words = sorted(set(story.headline.split()), key=lambda word: (-len(word), word))[:LOOKED_FOR]
    shared: Counter[int] = Counter()
    found: dict[int, Listed] = {}
    for word in words:
        for one in store.search.stories(Query(terms=(word,)), limit=20).stories:
            shared[one.story.story_id] += 1
            found[one.story.story_id] = one
    del shared[story.story_id]
    return [found[story_id] for story_id, _ in shared.most_common(ALIKE)]


def _number(text: str) -> int | None:
    """Return the number in *text*, None where there is none that could be an id."""
    text = text.strip().removeprefix("#")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _story_number(text: str) -> int | None:
    """Return which story an address or a number names."""
    parts = text.strip().split("/story/", 1)
    return _number(parts[-1].split("/")[0])
