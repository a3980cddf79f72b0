"""What the interface takes and gives: the description is generated from these, and answers are made by them."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from web.lists.query import LIST_SORTS, SEARCH_SORTS, WINDOWS

MAX_LIMIT = 100


def _said(words: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"description": words, **more}}


class Paged(Schema):
    """Parameters of every list. The views refuse others: a misspelled filter must not be an unfiltered list."""

    limit = fields.Integer(
        load_default=30, validate=validate.Range(1, MAX_LIMIT), **_said("How many at most.", example=30)
    )
    cursor = fields.String(
        load_default="",
        validate=validate.Regexp("^([0-9]{1,6}-[0-9]{1,18})?$"),
        **_said("`next_cursor` of the page before; nothing else is meant to be read from it."),
    )


class Filters(Paged):
    """Parameters of lists of stories."""

    category = fields.String(
        load_default="", validate=validate.Length(max=64), **_said("A category's id; without it, all.")
    )
    window = fields.String(
        load_default="",
        validate=validate.OneOf(["", *WINDOWS]),
        **_said("Only stories with news of an independent source within this time."),
    )
    min_score = fields.Integer(load_default=0, validate=validate.Range(0, 100), **_said("The least score."))
    min_sources = fields.Integer(
        load_default=0, validate=validate.Range(0, 1000), **_said("The least number of independent sources.")
    )


class StoriesArguments(Filters):
    sort = fields.String(
        load_default="trending",
        validate=validate.OneOf(LIST_SORTS),
        **_said("`trending` is the order of the site's own pages."),
    )


class SearchArguments(Filters):
    q = fields.String(
        required=True,
        validate=validate.Length(max=200),
        **_said("Words, phrases and operators, as on the search page.", example='"data center" score:>60'),
    )
    sort = fields.String(load_default="best", validate=validate.OneOf(SEARCH_SORTS), **_said("The order."))


# Answers


class Named(Schema):
    id = fields.String(required=True)
    name = fields.String(required=True)


class StoryShape(Schema):
    id = fields.Integer(required=True, **_said("Stays; a merged story leads to the one it became part of."))
    uri = fields.String(required=True, **_said("The id of the item in the feeds."))
    url = fields.String(required=True, metadata={"format": "uri", "description": "Its page on this site."})
    headline = fields.String(required=True)
    summary = fields.String(required=True, **_said("Plain text, may be empty."))
    language = fields.String(required=True, **_said("Of the headline, as its feed says; may be empty."))
    category = fields.Nested(Named, required=True, allow_none=True)
    score = fields.Integer(required=True, **_said("0 to 100: the calibrated probability that it is relevant."))
    provisional = fields.Boolean(required=True, **_said("There is little evidence for the score so far."))
    trend = fields.Float(required=True, **_said("How surprising its coverage is; comparable within an answer."))
    entries = fields.Integer(required=True)
    sources = fields.Integer(required=True)
    independent_sources = fields.Integer(required=True)
    views = fields.Integer(required=True)
    via = fields.String(required=True, **_said("The id of the source that had it first."))
    source = fields.Nested(Named, required=True, **_said("Whose headline it has."))
    original = fields.String(required=True, **_said("The headline's article at its source, may be empty."))
    first_seen_at = fields.AwareDateTime(required=True)
    last_source_at = fields.AwareDateTime(required=True, **_said("When an independent source last joined."))
    updated_at = fields.AwareDateTime(required=True, **_said("When anything about it last changed."))


class StoriesShape(Schema):
    edition = fields.Integer(required=True, **_said("Grows whenever anything on the site changed."))
    items = fields.List(fields.Nested(StoryShape), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class EntryShape(Schema):
    id = fields.Integer(required=True)
    source = fields.Nested(Named, required=True)
    title = fields.String(required=True)
    url = fields.String(required=True, **_said("At its source, may be empty."))
    summary = fields.String(required=True)
    author = fields.String(required=True)
    language = fields.String(required=True)
    words = fields.Integer(required=True)
    published_at = fields.AwareDateTime(required=True, allow_none=True, **_said("As its feed says, null for not."))
    first_seen_at = fields.AwareDateTime(required=True)
    edited_at = fields.AwareDateTime(required=True, allow_none=True, **_said("null: never edited at its source."))


class MemberShape(EntryShape):
    voice = fields.String(required=True, **_said("The independent voice that it speaks with."))
    similarity = fields.Float(required=True)
    probability = fields.Float(required=True)
    reason = fields.String(required=True, **_said("Why it belongs to the story."))


class ContributionShape(Schema):
    name = fields.String(required=True)
    points = fields.Float(required=True, **_said("Its share of the score; all of them add up to it."))
    log_odds = fields.Float(required=True)
    reason = fields.String(required=True)


class LedgerShape(Schema):
    at = fields.AwareDateTime(required=True)
    cause = fields.String(required=True)
    words = fields.String(required=True)
    score_before = fields.Integer(required=True, allow_none=True, **_said("null: the story is new."))
    score_after = fields.Integer(required=True)
    entry = fields.Integer(required=True, allow_none=True, **_said("The entry that caused it, null for none."))


class DetailShape(StoryShape):
    entries_of = fields.List(
        fields.Nested(MemberShape), required=True, data_key="told_by", **_said("Its entries, oldest first.")
    )
    explanation = fields.List(fields.Nested(ContributionShape), required=True)
    ledger = fields.List(fields.Nested(LedgerShape), required=True, **_said("Every change of its score, oldest first."))


class FoundShape(StoryShape):
    found_in = fields.Nested(
        EntryShape, required=True, allow_none=True, **_said("The entry that holds the words; null without words.")
    )


class SearchShape(Schema):
    edition = fields.Integer(required=True)
    total = fields.Integer(required=True, **_said("Counted within the newest 2,000 entries that fit."))
    notes = fields.List(fields.String(), required=True, **_said("What was not taken as it was typed."))
    items = fields.List(fields.Nested(FoundShape), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class SourceShape(Schema):
    id = fields.String(required=True)
    name = fields.String(required=True)
    feed = fields.String(required=True, **_said("Its address, empty where that is not public."))
    page = fields.String(required=True)
    category = fields.String(required=True)
    state = fields.String(
        required=True, validate=validate.OneOf(["ok", "failing", "waiting", "gone", "paused", "removed"])
    )
    entries = fields.Integer(required=True)
    recent_entries = fields.Integer(required=True, **_said("Of the last seven days."))
    firsts = fields.Integer(required=True, **_said("Stories of several sources that it had first."))
    last_new_at = fields.AwareDateTime(required=True, allow_none=True)
    overdue_since = fields.AwareDateTime(
        required=True,
        allow_none=True,
        **_said("From when on such a silence of it is one in a hundred; null: it is not that silent."),
    )


class SourcesShape(Schema):
    items = fields.List(fields.Nested(SourceShape), required=True)


class CategoryShape(Named):
    page = fields.String(required=True)
    stories = fields.Integer(required=True, **_said("With news within 24 hours."))


class CategoriesShape(Schema):
    items = fields.List(fields.Nested(CategoryShape), required=True)


class TopicShape(Schema):
    slug = fields.String(required=True)
    name = fields.String(required=True)
    page = fields.String(required=True)
    rising = fields.Boolean(required=True, **_said("false: it rose before."))
    entries = fields.Integer(required=True, **_said("When it last rose."))
    sources = fields.Integer(required=True)
    usual_per_day = fields.Float(required=True, **_said("Entries that usually hold it."))
    updated_at = fields.AwareDateTime(required=True)


class TopicsShape(Schema):
    items = fields.List(fields.Nested(TopicShape), required=True)


class TopicStoriesShape(TopicShape):
    items = fields.List(fields.Nested(StoryShape), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class MeasureShape(Schema):
    name = fields.String(required=True)
    window_days = fields.Integer(required=True)
    category_id = fields.String(required=True, data_key="category", **_said("Empty for all of them together."))
    method = fields.String(required=True, **_said("`site`, or the rule that it is held against."))
    value = fields.Float(required=True, allow_none=True, **_said("null: too few cases."))
    low = fields.Float(required=True, allow_none=True)
    high = fields.Float(required=True, allow_none=True, **_said("With `low`, its 95 % interval; null: none."))
    cases = fields.Integer(required=True)
    needed = fields.Integer(required=True, **_said("Cases below which there is no value."))


class AccuracyShape(Schema):
    day = fields.Date(required=True, allow_none=True, **_said("The night it was measured; null: not yet."))
    items = fields.List(fields.Nested(MeasureShape), required=True)


class IndexShape(Schema):
    title = fields.String(required=True)
    site = fields.String(required=True)
    edition = fields.Integer(required=True)
    at = fields.AwareDateTime(required=True, **_said("The moment of this answer."))
    links = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class ProblemParameter(Schema):
    parameter = fields.String(required=True)
    detail = fields.String(required=True)


class Problem(Schema):
    """RFC 9457."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String()
    instance = fields.String()
    errors = fields.List(fields.Nested(ProblemParameter))
