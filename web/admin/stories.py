"""The operator's actions on stories: votes, and a page with all overrides of a story."""

from __future__ import annotations

from collections import Counter

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from aggregator.errors import DecisionError
from aggregator.model import DecisionKind, Listed, Story
from aggregator.store import Store
from aggregator.text.search_query import Query
from aggregator.translatable import Translatable, message_of
from web import present
from web.admin import actions as audit
from web.lists import stories
from web.request.access import back_to
from web.request.context import config, now, presenter, reading

blueprint = Blueprint("operator_stories", __name__)

_ID = "int(max=9223372036854775807)"
MAX_SIMILAR = 6
SEARCHED_WORDS = 5
"""Words of a headline that similar stories are searched by."""


@blueprint.post("/admin/vote")
def vote() -> AnyResponse:
    """Vote a story up or down, or withdraw the vote."""
    story_id = _number(request.form.get("story", ""))
    vote = request.form.get("vote", "")
    if story_id is None or vote not in ("up", "down", "none"):
        abort(400, Translatable("A vote needs a story and one of up, down or none."))
    with reading().store() as store:
        try:
            audit.vote(store, story_id, {"up": True, "down": False, "none": None}[vote], now())
        except DecisionError as error:
            abort(404, message_of(error))
    return redirect(back_to(request.form.get("back", ""), f"/admin/story/{story_id}"), 303)


@blueprint.get(f"/admin/story/<{_ID}:story_id>")
def story(story_id: int) -> str | AnyResponse:
    """All overrides available for a story."""
    with reading().store() as store:
        listed = stories.following_merges(store, story_id)
        if listed is None:
            abort(404)
        if listed.story.story_id != story_id:
            return redirect(f"/admin/story/{listed.story.story_id}", 301)
        show = presenter(store)
        members = store.memberships.of_story(story_id)
        return render_template(
            "admin/story.html",
            card=show.card(listed),
            story=listed.story,
            vote=store.feedback.vote_of(story_id),
            members=list(zip([entry.entry_id for entry, _ in members], present.coverage(show, members), strict=True)),
            similar=[show.card(listed) for listed in _similar(store, listed.story)],
            categories=config().categories,
            overrides=[(decision, show.moment(decision.at)) for decision in store.decisions.of_story(story_id)],
            actions=[audit.row(show, action) for action in store.actions.newest(20, story_id=story_id)],
        )


@blueprint.post(f"/admin/story/<{_ID}:story_id>/<any(split,merge,move,category,hide,pin):what>")
def decide(story_id: int, what: str) -> AnyResponse:
    """Split, merge, move, hide or pin a story, or set its category."""
    kind = DecisionKind(what)
    category_id = request.form.get("category", "") if kind is DecisionKind.CATEGORY else ""
    if category_id and config().category(category_id) is None:
        abort(400, Translatable("feeds.yaml has no such category."))
    into = None
    if kind in (DecisionKind.MERGE, DecisionKind.MOVE):
        into = _story_number(request.form.get("into", "") or request.form.get("into_other", ""))
        if into is None:
            abort(400, Translatable("Enter the number or address of the other story."))
    entries = [_number(value) for value in request.form.getlist("entry")]
    with reading().store() as store:
        try:
            decision = audit.decide(
                store,
                kind,
                story_id,
                now(),
                entry_ids=tuple(value for value in entries if value is not None),
                into_id=into,
                category_id=category_id,
            )
        except DecisionError as error:
            abort(409, message_of(error))
    goes_on = decision.into_id if kind is DecisionKind.MERGE and decision.into_id is not None else decision.story_id
    return redirect(back_to(request.form.get("back", ""), f"/admin/story/{goes_on}"), 303)


@blueprint.post("/admin/undo-decision")
def undo_decision() -> AnyResponse:
    """Undo an active override of any author."""
    number = _number(request.form.get("decision", ""))
    if number is None:
        abort(400, Translatable("The form does not name an override."))
    with reading().store() as store:
        try:
            story_id = audit.undo_override(store, number, now())
        except DecisionError as error:
            abort(409, message_of(error))
    return redirect(back_to(request.form.get("back", ""), f"/admin/story/{story_id}"), 303)


def _similar(store: Store, story: Story) -> list[Listed]:
    """Return stories that may report the same event: those that share most of the longest words of the headline."""
    longest = sorted(set(story.headline.split()), key=lambda word: (-len(word), word))[:SEARCHED_WORDS]
    shared: Counter[int] = Counter()
    matches: dict[int, Listed] = {}
    for word in longest:
        for match in store.search.stories(Query(terms=(word,)), limit=20).stories:
            shared[match.story.story_id] += 1
            matches[match.story.story_id] = match
    del shared[story.story_id]
    return [matches[story_id] for story_id, _ in shared.most_common(MAX_SIMILAR)]


def _number(text: str) -> int | None:
    """Return the ID in *text*, or None."""
    text = text.strip().removeprefix("#")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _story_number(text: str) -> int | None:
    """Return the ID of the story named by an address or a number."""
    parts = text.strip().split("/story/", 1)
    return _number(parts[-1].split("/")[0])
