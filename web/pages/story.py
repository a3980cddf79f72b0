"""A story: what happened, who reports it, and the reasons for its score."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, abort, redirect, render_template
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from aggregator.model import Entry, Membership, Story
from aggregator.store import Store
from scoring.insights import lead_entry
from scoring.insights.coverage_analysis import analyse
from scoring.insights.key_facts import key_facts, sentences_of
from scoring.insights.predecessor import earlier
from scoring.meaning import search as nearest
from scoring.ranking import page_order
from web import present
from web.http.addresses import query_parameters
from web.i18n.wording import plural
from web.lists import query, stories
from web.pages import machine_readable
from web.present import reasons, share_links
from web.request.context import MINUTE, args, base_url, config, feeds_of, keep, presenter, reading, shows_story

blueprint = Blueprint("story", __name__)

WHAT_IFS = 6
COVERAGE_SIZE = 100
"""Entries a page."""

OTHER_STORIES = 6
"""Length of each list of other stories on the page."""


@blueprint.get("/story/<int(max=9223372036854775807):story_id>/", defaults={"name": ""})
@blueprint.get("/story/<int(max=9223372036854775807):story_id>/<name>")
@query_parameters("page")
def story(story_id: int, name: str) -> str | AnyResponse:
    """A story with its coverage, in pages, and the explanation of its score."""
    params = query.read(args())
    with reading().store() as store:
        listed = stories.following_merges(store, story_id)
        if listed is None:
            abort(404)
        if listed.story.story_id != story_id or name != present.slug(listed.story.headline):
            return redirect(present.story_path(listed.story), 301)
        show = presenter(store)
        members = store.memberships.of_story(story_id)
        ledger = store.stories.ledger(story_id)
        trending, related = _trending_and_related(store, show, listed.story)
        near = _nearest_in_meaning(store, show, listed.story)
        sentences = sentences_of(members)
        facts = key_facts(members, story_sentences=sentences)
        analysis = analyse(members, story_sentences=sentences)
        written = store.summaries.of(story_id)
        continued = earlier(store, listed.story, config().scoring.window)
        before = store.story_lists.listed(continued.story_id) if continued is not None else None
        earlier_card = show.card(before) if before is not None else None
        picture = _picture(show, members, listed.lead)
        metadata = machine_readable.story_metadata(store, listed, picture.src if picture else "")
        what_ifs = store.counterfactuals.of(story_id, listed.story.score)
        place = [page_order.PlacePart(*row) for row in store.places.of(story_id)]
        rules = [] if listed.story.pinned else store.story_rules.of(story_id)
        voices = store.story_lists.voices([story_id]).get(story_id, ())
    coverage = present.coverage(show, members)
    start = (params.page - 1) * COVERAGE_SIZE
    if start >= len(coverage):
        abort(404)
    shows_story(story_id)
    keep(MINUTE)
    trending_feeds = feeds_of(gettext("Trending"), "/trending")
    card = show.card(listed, voices=voices)
    shown_facts, differing = present.key_facts(show, facts)
    return render_template(
        "story.html",
        card=card,
        metadata=metadata,
        views=plural(listed.views, "view") if listed.views else "",
        lead=listed.lead,
        author=listed.lead.author,
        original=show.link(listed.lead),
        recording=present.recording(listed.lead),
        picture=picture,
        key_facts=shown_facts,
        differing=differing,
        analysis=present.analysis_view(show, analysis, facts) if analysis and len(members) > 1 else None,
        generated=present.generated_summary(show, written),
        shares=share_links.links(f"{base_url()}{card.url}", card.headline),
        share_url=f"{base_url()}{card.url}",
        body=present.body_html(listed.lead, card.standfirst),
        bars=present.bars(show, listed.story.contributions, listed.story.score),
        what_ifs=[(reasons.sentence(condition), score) for condition, score in what_ifs[:WHAT_IFS]],
        place=reasons.place(place, page_order.breaking(voices, show.now)) if place else "",
        place_parts=[(f"{part.value:+z.2f}", reasons.place_part(part)) for part in place],
        rules=rules,
        coverage=coverage[start : start + COVERAGE_SIZE],
        discussions=present.discussions(show, members),
        coverage_start=start,
        coverage_total=len(coverage),
        paging=params,
        coverage_chart=present.coverage_chart(show, members),
        score_chart=present.score_chart(show, ledger),
        ledger=present.ledger(show, ledger),
        ledger_total=len(ledger),
        earlier=earlier_card,
        trending=trending,
        related=related,
        near=near,
        feeds=feeds_of(card.section.name, card.section.url) if card.section else trending_feeds,
    )


def _trending_and_related(
    store: Store, show: present.Presenter, story: Story
) -> tuple[list[present.Card], list[present.Card]]:
    """Return trending stories, and more of the same category, without repeats if there are enough."""
    trending, related = (
        [
            show.card(listed)
            for listed in store.story_lists.ranked(category_id, limit)
            if listed.story.story_id != story.story_id
        ]
        for category_id, limit in (("", OTHER_STORIES + 1), (story.category_id, 2 * OTHER_STORIES + 1))
    )
    shown = {card.story_id for card in trending[:OTHER_STORIES]}
    return trending[:OTHER_STORIES], ([card for card in related if card.story_id not in shown] or related)[
        :OTHER_STORIES
    ]


def _nearest_in_meaning(store: Store, show: present.Presenter, story: Story) -> list[present.Card]:
    """Return the stories closest in meaning; none if entries have no embeddings."""
    near = (store.story_lists.listed(story_id) for story_id in nearest.related(store, story.story_id, OTHER_STORIES))
    return [show.card(listed) for listed in near if listed is not None]


def _picture(
    show: present.Presenter, members: Sequence[tuple[Entry, Membership]], lead: Entry
) -> present.PictureView | None:
    """Return the picture of a story: that of its lead entry, else of the first entry that has one."""
    pictured = lead_entry.pictured(members, lead.entry_id) or lead
    entries = (pictured, *(entry for entry, _ in members))
    return next((picture for entry in entries if (picture := show.picture(entry))), None)
