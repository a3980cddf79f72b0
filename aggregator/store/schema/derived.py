"""Derived tables: the worker can drop them and rebuild them from the facts, and the result is equal."""

from __future__ import annotations

DERIVED = """
-- The words of an entry, as the text index holds them; `search_words` is a function of the program.
create view entries_words as
    select entry_id, search_words(title) as title, search_words(summary) as summary from entries;

-- Text search over entries; the text itself stays in entries. Words are between spaces, whatever else they hold.
create virtual table entries_fts using fts5 (
    title, summary, content='entries_words', content_rowid='entry_id',
    tokenize='unicode61 remove_diacritics 0 categories ''L* M* N* P* S* Co'''
);

-- The words of the text index with how many entries hold each: what a misspelled search may have meant.
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
    merged_into         integer,                -- null: it stands for itself
    hidden              integer not null default 0,     -- 1: an editor wants it in no list
    pinned              integer not null default 0,     -- 1: an editor wants it on top of its lists
    published_at        text,                   -- null: no entry states a plausible date
    has_vote            integer not null default 0      -- 1: one of the contributions is a vote on this very story
) strict;
create index stories_voted on stories (story_id) where has_vote = 1;
create index stories_pinned on stories (story_id) where pinned = 1;
-- What a new source brings from long ago was seen just now and is no news: such a story is as old as its entry.
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
    voice        text not null
) strict;
create index memberships_by_story on memberships (story_id, entry_id);

-- Why a score is what it is: every change with its cause.
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

-- A topic that no longer rises keeps its row, so that its address still leads somewhere.
create table topics (
    slug           text primary key,
    name           text not null,        -- as most entries spell it
    position       integer,              -- 1 is the strongest; null: it rose before, not now
    chance         real not null,        -- that its next 24 hours bring what `scoring.topics.rising` calls a rise, 0..1
    burst          real not null,        -- how surprising its last 24 hours are: standard deviations, about
    entries        integer not null,     -- of the last 24 hours, as are the sources
    sources        integer not null,     -- independent ones
    usual_per_day  real not null,        -- entries that its usual share would have brought
    updated_at     text not null
) strict, without rowid;
create index topics_rising on topics (position) where position is not null;

-- The entries of the last eight days that hold the term.
create table topic_entries (
    slug      text not null,
    entry_id  integer not null,
    primary key (slug, entry_id)
) strict, without rowid;

-- What the nightly scorecard measured; a row is never changed, a later night adds its own.
create table measures (
    day          text not null,          -- 2026-11-17
    window_days  integer not null,
    category_id  text not null,          -- '': all of them together
    name         text not null,
    method       text not null,          -- 'site', or the rule that it is held against
    value        real,                   -- null: too few cases
    low          real,                   -- null: no interval; with high, where 95 of 100 resamples of the days fall
    high         real,
    cases        integer not null,
    needed       integer not null,       -- fewer cases say nothing
    primary key (day, window_days, category_id, name, method)
) strict, without rowid;

-- What of the scorecard is a table: the reliability diagram, the confusion of categories.
create table measure_tables (
    day          text not null,
    window_days  integer not null,
    name         text not null,
    content      text not null,          -- JSON
    primary key (day, window_days, name)
) strict, without rowid;

-- What a story's score would be without one of its voices, as last worked out for the listed stories.
create table what_ifs (
    story_id  integer primary key,
    score     integer not null,          -- the story's own, to which they belong
    made_of   text not null,             -- when the story was last computed, and the model's version
    lines     text not null              -- JSON list of [words, score]
) strict;

-- Why a listed story stands where it stands, as of the last minute.
create table places (
    story_id  integer primary key,
    parts     text not null              -- JSON list of [name, log-odds, number] (scoring/ranking/page_order.py)
) strict;

-- The language of entries whose feed does not say it, as detected. May be dropped.
create table entry_languages (
    entry_id  integer primary key,
    language  text not null              -- '': too little text to tell
) strict;
"""
