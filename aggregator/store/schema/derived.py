"""Derived tables: the worker can drop them and rebuild them from the facts, and the result is equal."""

from __future__ import annotations

DERIVED = """
-- The words of an entry as the text index has them; `search_words` is a function of the program.
create view entries_words as
    select entry_id, search_words(title) as title, search_words(summary) as summary from entries;

-- Text search over entries; the text itself stays in entries. Words are separated by spaces only.
create virtual table entries_fts using fts5 (
    title, summary, content='entries_words', content_rowid='entry_id',
    tokenize='unicode61 remove_diacritics 0 categories ''L* M* N* P* S* Co'''
);

-- The words of the text index with the number of entries that contain each, to correct misspelled searches.
create virtual table entries_vocabulary using fts5vocab (entries_fts, row);

create table stories (
    story_id            integer primary key,    -- the entry_id of its first entry
    headline            text not null,
    summary             text not null,
    lead_entry_id       integer not null,
    category_id         text not null,
    first_seen_at       text not null,
    last_source_at      text not null,          -- when an independent voice last joined
    updated_at          text not null,
    entries             integer not null,
    sources             integer not null,
    independent_sources integer not null,
    score               integer not null,       -- 0..100
    relevance           real not null,          -- 0..1
    provisional         integer not null,
    trend               real not null,          -- as last ranked
    contributions       text not null,          -- JSON list of [name, log_odds, points, [kind, values ...]]
    merged_into         integer,                -- null: it was not merged
    hidden              integer not null default 0,     -- 1: an editor hid it from all lists
    pinned              integer not null default 0,     -- 1: an editor pinned it to the top of its lists
    published_at        text,                   -- null: no entry states a plausible date
    has_vote            integer not null default 0      -- 1: one of the contributions is a vote on this very story
) strict;
create index stories_voted on stories (story_id) where has_vote = 1;
create index stories_pinned on stories (story_id) where pinned = 1;
-- Old entries of a new source were first seen just now, but are not news: such a story is as old as its entry.
create index stories_newest on stories (min(first_seen_at, last_source_at)) where merged_into is null;
create index stories_by_news on stories (last_source_at) where merged_into is null;
create index stories_by_category on stories (category_id, last_source_at) where merged_into is null;

create table memberships (
    entry_id     integer primary key,
    story_id     integer not null,
    joined_at    text not null,
    similarity   real not null,
    probability  real not null,
    reason       text not null,    -- JSON list [kind, values ...]; a sentence where a version before 0.2.0 wrote it
    voice        text not null,
    counted_in   text              -- the category that it was counted in at arrival; null: not known
) strict;
create index memberships_by_story on memberships (story_id, entry_id);

-- Every change of a score with its cause.
create table ledger (
    line_id       integer primary key,
    story_id      integer not null,
    at            text not null,
    cause         text not null,
    words         text not null,         -- the reason, spelled as in memberships
    score_before  integer,               -- null: the story is new
    score_after   integer not null,
    entry_id      integer                -- null: no single entry caused it
) strict;
create index ledger_by_story on ledger (story_id, line_id);

-- The lists as the site shows them; '' is the front page, else a category.
create table ranking (
    list      text not null,
    rank      integer not null,
    story_id  integer not null,
    trend     real not null,
    primary key (list, rank)
) strict, without rowid;

-- Which stories the rules of feeds.yaml mute or boost: the first rule of each effect that a story matches.
create table story_rules (
    story_id  integer not null,
    effect    text not null,             -- 'mute' or 'boost'
    rule      text not null,             -- as in feeds.yaml
    primary key (story_id, effect)
) strict, without rowid;
create index story_rules_by_rule on story_rules (effect, rule);

-- A topic that no longer rises keeps its row, so that its address still works.
create table topics (
    slug           text primary key,
    name           text not null,        -- in the spelling of most entries
    position       integer,              -- 1 is the strongest; null: it is no longer rising
    chance         real not null,        -- that it rises within 24 hours (`scoring.topics.rising`), 0..1
    burst          real not null,        -- how unusual its last 24 hours are, in standard deviations, roughly
    entries        integer not null,     -- of the last 24 hours, as are the sources
    sources        integer not null,     -- independent ones
    usual_per_day  real not null,        -- entries expected from its usual share
    updated_at     text not null
) strict, without rowid;
create index topics_rising on topics (position) where position is not null;

-- The entries of the last eight days that contain the term.
create table topic_entries (
    slug      text not null,
    entry_id  integer not null,
    primary key (slug, entry_id)
) strict, without rowid;

-- What the nightly scorecard measured; a row is never changed, a later night adds its own.
create table measures (
    day          text not null,          -- 2026-11-17
    window_days  integer not null,
    category_id  text not null,          -- '': all categories
    name         text not null,
    method       text not null,          -- 'site', or the baseline rule
    value        real,                   -- null: too few cases
    low          real,                   -- null: no interval; low and high are a 95 % bootstrap interval over days
    high         real,
    cases        integer not null,
    needed       integer not null,       -- fewer cases prove nothing
    primary key (day, window_days, category_id, name, method)
) strict, without rowid;

-- Tables of the scorecard: the reliability diagram, the confusion matrix of categories.
create table measure_tables (
    day          text not null,
    window_days  integer not null,
    name         text not null,
    content      text not null,          -- JSON
    primary key (day, window_days, name)
) strict, without rowid;

-- What the score of a listed story would be without one of its independent sources.
create table what_ifs (
    story_id  integer primary key,
    score     integer not null,          -- the story's score when they were computed
    made_of   text not null,             -- when the story was last computed, and the model's version
    lines     text not null              -- JSON list of [words, score]
) strict;

-- Why a listed story has its place, as of the last minute.
create table places (
    story_id  integer primary key,
    parts     text not null              -- JSON list of [name, log-odds, number] (scoring/ranking/page_order.py)
) strict;

-- The detected language of entries whose feed does not state one. May be dropped.
create table entry_languages (
    entry_id  integer primary key,
    language  text not null              -- '': too little text
) strict;
"""
