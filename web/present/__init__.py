"""Turn stories into what a page shows: ages, counts, charts, slugs.

Pure: values in, view models out, the moment handed in. Knows wording and drawing, a module a subject.
Leaves choosing the stories to `lists`, and markup to the templates.
"""

from __future__ import annotations

from web.present.cards import Card, Heat, Link, Moment, Presenter, Score, Section, heat
from web.present.charts import Chart, Dot, coverage_chart, score_chart
from web.present.evidence import Bar, Covered, Turn, bars, coverage, label, ledger, tenths
from web.present.sources import WORKER_SILENT, HostRow, SourceRow, host_row, source_row, source_status, why_failing
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
    "Covered",
    "Dot",
    "Heat",
    "HostRow",
    "Link",
    "Moment",
    "Presenter",
    "Score",
    "Section",
    "SourceRow",
    "Turn",
    "ago",
    "bars",
    "body_html",
    "counted",
    "coverage",
    "coverage_chart",
    "heat",
    "host_row",
    "label",
    "language_tag",
    "ledger",
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
    "tenths",
    "why_failing",
]
