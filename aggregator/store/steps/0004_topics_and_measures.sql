-- Terms that rise, as the worker last found them, and the nightly scorecard.

-- A topic that no longer rises keeps its row, so that its address still leads somewhere.
create table topics (
    slug           text primary key,
    name           text not null,        -- as most entries spell it
    position       integer,              -- 1 is the strongest; null: it rose before, not now
    chance         real not null,        -- that its next 24 hours bring what `scoring.topics` calls a rise, 0..1
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
