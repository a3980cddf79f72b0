"""Turn stories into what a page shows: ages, counts, charts, slugs.

Pure: values in, view models out, the moment handed in. Knows wording and drawing, a module a subject.
Leaves choosing the stories to `lists`, and markup to the templates.
"""

from __future__ import annotations

from web.present.cards import Card, Heat, Link, Moment, Presenter, Score, Section, Shot, Was, heat, swell, was
from web.present.charts import Chart, Dot, Row, coverage_chart, score_chart
from web.present.evidence import Bar, Covered, Turn, bars, coverage, label, ledger, tenths
from web.present.sources import WORKER_SILENT, HostRow, SourceRow, host_row, source_row, source_status, why_failing
from web.present.telling import Key, New, Prose, Said, Told, Versus, keys, lag, listing, prose, told
from web.present.topics import Column, Columns, Rising, topic, topic_chart
from web.present.words import (
    WORDS_PER_MINUTE,
    ago,
    body_html,
    counted,
    language_tag,
    read_time,
    slug,
    sources_words,
    span_words,
    standfirst,
    stored_html,
    story_path,
)

__all__ = [
    "WORDS_PER_MINUTE",
    "WORKER_SILENT",
    "Bar",
    "Card",
    "Chart",
    "Column",
    "Columns",
    "Covered",
    "Dot",
    "Heat",
    "HostRow",
    "Key",
    "Link",
    "Moment",
    "New",
    "Presenter",
    "Prose",
    "Rising",
    "Row",
    "Said",
    "Score",
    "Section",
    "Shot",
    "SourceRow",
    "Told",
    "Turn",
    "Versus",
    "Was",
    "ago",
    "bars",
    "body_html",
    "counted",
    "coverage",
    "coverage_chart",
    "heat",
    "host_row",
    "keys",
    "label",
    "lag",
    "language_tag",
    "ledger",
    "listing",
    "prose",
    "read_time",
    "score_chart",
    "slug",
    "source_row",
    "source_status",
    "sources_words",
    "span_words",
    "standfirst",
    "stored_html",
    "story_path",
    "swell",
    "tenths",
    "told",
    "topic",
    "topic_chart",
    "was",
    "why_failing",
]
