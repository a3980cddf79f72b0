"""Parameters and responses of the API. The OpenAPI description is generated from these schemas."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from web.lists.paging import CURSOR
from web.lists.query import LIST_SORTS, SEARCH_SORTS, WINDOWS

MAX_LIMIT = 100


def _doc(description: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"description": description, **more}}


class Paged(Schema):
    """Parameters of every list. Unknown ones are rejected: a misspelled filter must not return an unfiltered list."""

    limit = fields.Integer(
        load_default=30, validate=validate.Range(1, MAX_LIMIT), **_doc("Maximum number of items.", example=30)
    )
    cursor = fields.String(
        load_default="",
        validate=validate.Regexp(f"^{CURSOR}$"),
        **_doc("`next_cursor` of the previous page. Treat it as opaque."),
    )


class Filters(Paged):
    """Parameters of lists of stories."""

    category = fields.String(
        load_default="", validate=validate.Length(max=64), **_doc("ID of a category. All categories by default.")
    )
    window = fields.String(
        load_default="",
        validate=validate.OneOf(["", *WINDOWS]),
        **_doc("Only stories that an independent source joined within this time."),
    )
    min_score = fields.Integer(load_default=0, validate=validate.Range(0, 100), **_doc("Minimum score."))
    min_sources = fields.Integer(
        load_default=0, validate=validate.Range(0, 1000), **_doc("Minimum number of independent sources.")
    )


class StoriesArguments(Filters):
    sort = fields.String(
        load_default="trending",
        validate=validate.OneOf(LIST_SORTS),
        **_doc("Order. `trending` is the order of the site's pages."),
    )


class SearchArguments(Filters):
    q = fields.String(
        required=True,
        validate=validate.Length(max=200),
        **_doc("Words, phrases and operators, as on the search page.", example='"data center" score:>60'),
    )
    sort = fields.String(load_default="best", validate=validate.OneOf(SEARCH_SORTS), **_doc("Order."))


class ListArguments(Filters):
    sort = fields.String(load_default="best", validate=validate.OneOf(SEARCH_SORTS), **_doc("Order."))


class PostedEntryShape(Schema):
    """An entry that a script sends."""

    id = fields.String(
        required=True,
        validate=validate.Length(1, 500),
        **_doc("Yours, unique within the source. The same ID again changes the entry.", example="letter-12"),
    )
    source = fields.String(required=True, validate=validate.Length(1, 64), **_doc("ID of a source of feeds.yaml."))
    title = fields.String(required=True, validate=validate.Length(1, 500), **_doc("Headline, plain text."))
    url = fields.String(load_default="", validate=validate.Length(max=2000), **_doc("Address of the article."))
    summary = fields.String(load_default="", validate=validate.Length(max=10_000), **_doc("Plain text."))
    content = fields.String(
        load_default="", validate=validate.Length(max=100_000), **_doc("HTML; cleaned like that of feeds.")
    )
    author = fields.String(load_default="", validate=validate.Length(max=200))
    published = fields.AwareDateTime(load_default=None, allow_none=True, **_doc("With a time zone."))
    language = fields.String(load_default="", validate=validate.Regexp("^([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3})?$"))
    tags = fields.List(
        fields.String(validate=validate.Length(1, 100)), load_default=list, validate=validate.Length(max=50)
    )


# Responses


class AcceptedShape(Schema):
    id = fields.String(required=True)
    source = fields.String(required=True)
    status = fields.String(required=True, **_doc("`accepted`: the worker stores the entry within seconds."))


class Named(Schema):
    id = fields.String(required=True)
    name = fields.String(required=True)


class StoryShape(Schema):
    id = fields.Integer(required=True, **_doc("Permanent. A merged story redirects to the one it became part of."))
    uri = fields.String(required=True, **_doc("ID of the item in feeds."))
    url = fields.String(required=True, metadata={"format": "uri", "description": "Page of the story on this site."})
    headline = fields.String(required=True)
    summary = fields.String(required=True, **_doc("Plain text; may be empty."))
    language = fields.String(required=True, **_doc("Language of the headline as its feed states it; may be empty."))
    category = fields.Nested(Named, required=True, allow_none=True)
    score = fields.Integer(
        required=True, **_doc("0 to 100: 100 times the calibrated probability that the story is relevant.")
    )
    provisional = fields.Boolean(required=True, **_doc("Whether the score is based on little evidence."))
    trend = fields.Float(required=True, **_doc("Further independent sources expected within six hours."))
    entries = fields.Integer(required=True)
    sources = fields.Integer(required=True)
    independent_sources = fields.Integer(required=True)
    views = fields.Integer(required=True)
    via = fields.String(required=True, **_doc("ID of the source that reported it first."))
    source = fields.Nested(Named, required=True, **_doc("Source of the headline."))
    original = fields.String(required=True, **_doc("The article of the headline at its source; may be empty."))
    published_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        **_doc("Earliest plausible date that a publisher states; null if there is none."),
    )
    first_seen_at = fields.AwareDateTime(required=True, **_doc("When this site first saw the story."))
    last_source_at = fields.AwareDateTime(required=True, **_doc("When an independent source last joined."))
    updated_at = fields.AwareDateTime(required=True, **_doc("When anything about the story last changed."))


class StoriesShape(Schema):
    edition = fields.Integer(required=True, **_doc("Increases whenever anything on the site changes."))
    items = fields.List(fields.Nested(StoryShape), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class EnclosureShape(Schema):
    url = fields.String(required=True, **_doc("The recording at its publisher."))
    media_type = fields.String(required=True, **_doc("`audio/...` or `video/...`."))
    length = fields.Integer(required=True, allow_none=True, **_doc("Bytes; null where the feed states none."))


class EntryShape(Schema):
    id = fields.Integer(required=True)
    source = fields.Nested(Named, required=True)
    title = fields.String(required=True)
    url = fields.String(required=True, **_doc("Address at its source; may be empty."))
    summary = fields.String(required=True)
    author = fields.String(required=True)
    language = fields.String(required=True)
    words = fields.Integer(required=True)
    published_at = fields.AwareDateTime(
        required=True, allow_none=True, **_doc("Date that the feed states; null if it states none that is plausible.")
    )
    first_seen_at = fields.AwareDateTime(required=True)
    edited_at = fields.AwareDateTime(
        required=True, allow_none=True, **_doc("When it was last edited at its source; null if never.")
    )
    enclosure = fields.Nested(
        EnclosureShape,
        required=True,
        allow_none=True,
        **_doc("Recording that the feed attaches, such as a podcast's episode."),
    )


class MemberShape(EntryShape):
    voice = fields.String(required=True, **_doc("Group of entries that count as one independent source."))
    similarity = fields.Float(required=True)
    probability = fields.Float(required=True)
    reason = fields.String(required=True, **_doc("Why it belongs to the story."))


class ContributionShape(Schema):
    name = fields.String(required=True)
    points = fields.Float(required=True, **_doc("Points of the score; all contributions add up to the score."))
    log_odds = fields.Float(required=True)
    reason = fields.String(required=True)


class RuleShape(Schema):
    effect = fields.String(required=True, **_doc("`mute`: no list shows it; `boost`: it ranks higher in lists."))
    rule = fields.String(required=True, **_doc("As in feeds.yaml."))


class LedgerShape(Schema):
    at = fields.AwareDateTime(required=True)
    cause = fields.String(required=True)
    words = fields.String(required=True)
    score_before = fields.Integer(required=True, allow_none=True, **_doc("null for a new story."))
    score_after = fields.Integer(required=True)
    entry = fields.Integer(
        required=True, allow_none=True, **_doc("The entry that caused the change; null if none did.")
    )


class DetailShape(StoryShape):
    entries_of = fields.List(
        fields.Nested(MemberShape), required=True, data_key="told_by", **_doc("Entries of the story, oldest first.")
    )
    explanation = fields.List(fields.Nested(ContributionShape), required=True)
    ledger = fields.List(fields.Nested(LedgerShape), required=True, **_doc("Every change of the score, oldest first."))
    rules = fields.List(fields.Nested(RuleShape), required=True, **_doc("Rules of the site that the story matches."))


class FoundShape(StoryShape):
    found_in = fields.Nested(
        EntryShape, required=True, allow_none=True, **_doc("The entry that matches; null for a search without words.")
    )


class SearchShape(Schema):
    edition = fields.Integer(required=True)
    total = fields.Integer(required=True, **_doc("Counted among the newest 2,000 matching entries."))
    notes = fields.List(fields.String(), required=True, **_doc("Parts of the query that were interpreted differently."))
    items = fields.List(fields.Nested(FoundShape), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class SourceShape(Schema):
    id = fields.String(required=True)
    name = fields.String(required=True)
    feed = fields.String(required=True, **_doc("Address of the feed; empty if it is not public."))
    page = fields.String(required=True)
    category = fields.String(required=True)
    state = fields.String(
        required=True, validate=validate.OneOf(["ok", "failing", "waiting", "gone", "paused", "removed"])
    )
    entries = fields.Integer(required=True)
    recent_entries = fields.Integer(required=True, **_doc("Entries of the last seven days."))
    firsts = fields.Integer(required=True, **_doc("Stories with several sources that it reported first."))
    last_new_at = fields.AwareDateTime(required=True, allow_none=True)
    overdue_since = fields.AwareDateTime(
        required=True,
        allow_none=True,
        **_doc(
            "Since when the source is overdue: silences this long happen once in a hundred times. null if it is not."
        ),
    )


class SourcesShape(Schema):
    items = fields.List(fields.Nested(SourceShape), required=True)


class CategoryShape(Named):
    page = fields.String(required=True)
    stories = fields.Integer(required=True, **_doc("Stories updated within 24 hours."))


class CategoriesShape(Schema):
    items = fields.List(fields.Nested(CategoryShape), required=True)


class ListShape(Named):
    query = fields.String(required=True, **_doc("What the list looks for, in the language of the search."))
    page = fields.String(required=True)


class ListsShape(Schema):
    items = fields.List(fields.Nested(ListShape), required=True)


class TopicShape(Schema):
    slug = fields.String(required=True)
    name = fields.String(required=True)
    page = fields.String(required=True)
    rising = fields.Boolean(required=True, **_doc("Whether it is rising now."))
    entries = fields.Integer(required=True, **_doc("Entries in the day when it last rose."))
    sources = fields.Integer(required=True)
    usual_per_day = fields.Float(required=True, **_doc("Usual number of entries per day."))
    updated_at = fields.AwareDateTime(required=True)


class TopicsShape(Schema):
    items = fields.List(fields.Nested(TopicShape), required=True)


class TopicStoriesShape(TopicShape):
    items = fields.List(fields.Nested(StoryShape), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class MeasureShape(Schema):
    name = fields.String(required=True)
    window_days = fields.Integer(required=True)
    category_id = fields.String(required=True, data_key="category", **_doc("Empty for all categories together."))
    method = fields.String(required=True, **_doc("`site`, or the simple rule it is compared with."))
    value = fields.Float(required=True, allow_none=True, **_doc("null if there are too few cases."))
    low = fields.Float(required=True, allow_none=True)
    high = fields.Float(
        required=True, allow_none=True, **_doc("With `low`, the 95% confidence interval; null if there is none.")
    )
    cases = fields.Integer(required=True)
    needed = fields.Integer(required=True, **_doc("Minimum number of cases for a value."))


class AccuracyShape(Schema):
    day = fields.Date(required=True, allow_none=True, **_doc("Day of the measurement; null if there is none yet."))
    items = fields.List(fields.Nested(MeasureShape), required=True)


class IndexShape(Schema):
    title = fields.String(required=True)
    site = fields.String(required=True)
    edition = fields.Integer(required=True)
    at = fields.AwareDateTime(required=True, **_doc("Time of this response."))
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
