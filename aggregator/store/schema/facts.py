"""Facts: what the sources sent and what people did. Kept as they came, never made again."""

from __future__ import annotations

FACTS = """
-- One row per source that was ever configured. Entries outlive the removal of their source.
create table sources (
    source_id    text primary key,
    name         text not null,
    url          text not null,          -- as configured
    owner        text not null,
    category_id  text not null,
    position     integer not null,       -- order in feeds.yaml
    enabled      integer not null,
    removed_at   text                    -- null: configured now
) strict;

-- Every feeds.yaml that was read; the newest one without an error is in use.
create table config_edits (
    edit_id  integer primary key,
    at       text not null,
    text     text not null,
    fault    text                        -- null: it was applied
) strict;

-- The polling state of a source, written in the transaction of its poll.
create table feeds (
    source_id       text primary key references sources,
    url             text not null,       -- what is polled: follows permanent redirects
    host            text not null,       -- of url; requests to one host are spaced out
    etag            text not null default '',
    last_modified   text not null default '',
    next_poll_at    text,                -- null: never polled, due at once
    interval_s      real not null,
    failures        integer not null default 0,     -- in a row
    gone            integer not null default 0,     -- 410: not polled until the operator resumes it
    move_seen_to    text not null default '',
    last_polled_at  text,                -- null: never polled
    last_ok_at      text,                -- null: never succeeded
    last_new_at     text,                -- null: never had a new entry
    last_kind       text not null default '',
    last_words      text not null default '',
    last_status     integer,             -- null: no HTTP response
    polls           integer not null default 0,
    polls_unchanged integer not null default 0,
    bytes           integer not null default 0,     -- received, as they came over the wire
    document_bytes  integer not null default 0,     -- of those, the last document
    saved_bytes     integer not null default 0,     -- by 304s: each saves the last document's bytes
    waits_kept      integer not null default 0,     -- polls delayed because server or document asked for it
    waited_s        real not null default 0,        -- the total delay
    hints           text not null default '{}',     -- JSON: the polling hints of the last document (model.Hints)
    fresh_for_s     real,                -- null: no Cache-Control or Expires; a 304 may leave it out
    arrivals        text not null default '[]',     -- JSON: when the newest entries came, seconds since 1970
    format_before   text not null default '',       -- the format before the present one (in hints)
    format_changed_at text,              -- null: never changed
    moved_from      text not null default '',       -- the address before the last permanent move
    moved_at        text                 -- null: never moved
) strict;
-- For the scheduler, which reads what is due in this order and only as many as it can poll.
create index feeds_due on feeds (coalesce(next_poll_at, ''), source_id) where gone = 0;

-- Polls that returned a document or failed. A 304 is only counted, in the feed's row.
create table polls (
    poll_id    integer primary key,
    source_id  text not null references sources,
    at         text not null,
    kind       text not null,            -- 'fetched' or a FailureKind
    words      text not null,
    status     integer,                  -- null: no HTTP response
    bytes      integer not null,
    new        integer not null,         -- entries
    edited     integer not null
) strict;
create index polls_by_source on polls (source_id, at);
create index polls_by_time on polls (at);

-- One row per entry, in its present version; entry_edits has the earlier ones.
create table entries (
    entry_id       integer primary key autoincrement,   -- order of arrival; never reused
    source_id      text not null references sources,
    identity       text not null,        -- what identifies it within its source
    link           text not null,        -- absolute http(s), or ''
    canonical_link text not null,
    title          text not null,
    summary        text not null,        -- plain text
    content        text not null,        -- HTML that went through sanitize.clean
    author         text not null,
    tags           text not null,        -- JSON list
    language       text not null,
    picture        text,                 -- JSON; null: the feed names none
    words          integer not null,
    stated_at      text not null,        -- the date as the feed states it, verbatim
    published_at   text,                 -- null: not stated, or not usable
    first_seen_at  text not null,        -- the moment of its poll: strictly later with each step (pending_steps)
    edited_at      text,                 -- null: never edited
    digest         text not null,        -- of all fields of the feed's item
    points_to      text not null default '',        -- the page that a link post is about
    discussion     text not null default '',        -- the page with the comments on it
    origin_name    text not null default '',        -- the original publisher, from the feed's <source>
    origin_url     text not null default '',
    backlog        integer not null default 0,      -- 1: undated, in the first document of its source
    enclosure      text,                 -- JSON, of a recording; null: the feed names none
    unique (source_id, identity)
) strict;
create index entries_by_link on entries (source_id, canonical_link) where canonical_link != '';
create index entries_by_arrival on entries (first_seen_at, entry_id);
create index entries_by_source on entries (source_id, first_seen_at);
-- An item whose guid and link are both new may be an old one that moved.
create index entries_by_date on entries (source_id, published_at) where published_at is not null;
create index entries_by_title on entries (source_id, title) where published_at is null;

-- A title or summary that changed at its source.
create table entry_edits (
    edit_id         integer primary key,
    entry_id        integer not null references entries,
    at              text not null,
    title_before    text not null,
    title           text not null,
    summary_before  text not null,
    summary         text not null
) strict;
create index entry_edits_by_time on entry_edits (at);
create index entry_edits_by_entry on entry_edits (entry_id);

-- The embedding of an entry's title. A fact, because another machine computes slightly different numbers.
create table entry_embeddings (
    entry_id   integer not null references entries on delete cascade,
    encoder    text not null,            -- the model; embeddings of different models cannot be compared
    placed     integer not null,         -- 1: it existed when the entry was clustered, so a replay uses it;
                                         -- 0: computed later, for search and related stories only
    embedding  blob not null,            -- one signed byte per component; empty: the encoder returned nothing
    primary key (entry_id, encoder)
) strict, without rowid;

-- The operator's votes: the last one per story. Undoing a vote deletes it.
create table votes (
    story_id  integer primary key,       -- the entry_id of its first entry, so that votes survive a rebuild
    up        integer not null,          -- 1: relevant, 0: not
    voted_at  text not null
) strict;

-- Editorial decisions, recorded by entry, so that a rebuild applies them.
create table decisions (
    decision_id  integer primary key autoincrement,
    at           text not null,          -- its moment in the order of steps, as of a poll
    kind         text not null,          -- 'split', 'merge', 'move', 'category', 'hide', 'pin'
    story_id     integer not null,       -- the story it was made on
    entry_ids    text not null,          -- JSON list: the entries that leave the story, or all of it (model.Decision)
    other_ids    text not null default '[]',        -- JSON list: the entries that stay, or those of the other story
    into_id      integer,                -- the other story of a merge or move; null: none
    into_ids     text not null default '[]',        -- JSON list: the entries that the target of a move had
    category_id  text not null default '',
    undone_at    text                    -- null: in force; ordered like at
) strict;
create index decisions_by_time on decisions (at);
create index decisions_by_undo on decisions (undone_at) where undone_at is not null;

-- What was stored and is not scored yet: each row is a step of the engine. Its entries, edits or decision
-- have the proposed moment; the scorer settles it, and the row goes, in the transaction of the results.
create table pending_steps (
    step_id      integer primary key autoincrement,
    proposed_at  text not null,
    source_id    text,                   -- of the entries and edits with this moment; null: a decision
    decision_id  integer,                -- null: a poll
    is_undo      integer not null default 0      -- 1: the decision was undone at this moment
) strict;
create index pending_steps_in_order on pending_steps (proposed_at, step_id);

-- Visitors of a story by day; neither addresses nor cookies are stored.
create table views (
    story_id  integer not null,
    day       text not null,             -- 2026-11-17
    people    integer not null,
    primary key (story_id, day)
) strict, without rowid;

-- How many visitors saw a story at which place of a list, and how many opened it. No visitor is identified.
create table impressions (
    story_id  integer not null,
    day       text not null,             -- 2026-11-17
    place     integer not null,          -- 0 the first of a list, 1 the second ... (aggregator.model.PLACES)
    people    integer not null,          -- a visitor counts once per story and day, at the first place
    opened    integer not null,          -- of them
    primary key (story_id, day, place)
) strict, without rowid;

-- What the front page showed. A rebuild, which scores with today's knowledge, does not change it.
create table front_pages (
    at     text primary key,
    lists  text not null                 -- JSON: {list: [[story_id, headline, score, provisional, sources,
                                         -- independent sources, category], ...]}, '' is the whole page's list
) strict, without rowid;

-- WebSub: our subscriptions at the hubs of sources' feeds, their leases and results.
create table subscriptions (
    source_id    text primary key references sources,
    hub          text not null,
    topic        text not null,          -- the feed's address, as its hub knows it
    token        text not null unique,   -- part of the callback's address, known only to the hub
    secret       text not null,          -- deliveries are signed with it
    wanted       integer not null,       -- 0: to be unsubscribed
    due_at       text not null,          -- when to send the hub the next request
    lease_until  text,                   -- null: the hub has not confirmed it
    failures     integer not null default 0,     -- in a row
    deliveries   integer not null default 0,
    delivered_at text,                   -- null: never
    missed_at    text,                   -- null: never; when a poll last found news that the hub had not delivered
    last_words   text not null default ''
) strict;
create index subscriptions_due on subscriptions (due_at);

-- Deliveries from hubs that the worker has not stored yet; removed in the transaction that stores their entries.
create table deliveries (
    delivery_id  integer primary key autoincrement,
    source_id    text not null references sources,
    at           text not null,
    content_type text not null,
    body         blob not null
) strict;

-- WebSub: subscriptions to our own feeds.
create table hub_subscriptions (
    subscription_id integer primary key,
    topic           text not null,       -- the feed's address, as the subscriber wrote it
    callback        text not null,
    secret          text not null,       -- '': deliveries are not signed
    lease_until     text not null,
    digest          text not null,       -- of the feed as last delivered, or at the start of the lease
    due_at          text,                -- null: nothing to deliver; else when to try
    failures        integer not null default 0,      -- in a row
    delivered_at    text,                -- null: never
    last_words      text not null default '',
    callback_group  text not null default '',        -- registrable domain or address, for limits
    callback_network text not null default '',       -- it answered from: an IPv4 address or the /64 of an IPv6 one
    unique (topic, callback)
) strict;
create index hub_subscriptions_groups on hub_subscriptions (callback_group);
create index hub_subscriptions_networks on hub_subscriptions (callback_network) where callback_network != '';
create index hub_subscriptions_due on hub_subscriptions (due_at) where due_at is not null;

-- Requests to our hub that their callback has not confirmed yet.
create table hub_requests (
    request_id  integer primary key,
    mode        text not null,           -- subscribe or unsubscribe
    topic       text not null,
    callback    text not null,
    secret      text not null,
    lease_s     integer not null,
    due_at      text not null,           -- when to verify the callback
    failures    integer not null default 0,
    callback_group text not null default '',         -- as in hub_subscriptions
    unique (topic, callback)
) strict;
create index hub_requests_groups on hub_requests (callback_group);

-- Feeds that are watched for changes, for subscribers or because an external hub is notified.
create table hub_topics (
    topic    text primary key,
    digest   text not null,              -- of the document when last checked
    edition  integer not null            -- the site's edition at that time
) strict, without rowid;

-- The operator's actions, for the audit log; undone ones stay.
create table actions (
    action_id  integer primary key autoincrement,
    at         text not null,
    kind       text not null,            -- 'vote', 'decision', 'sources', 'models', 'sign in', ...
    words      text not null,            -- what was done: a sentence of a version before 0.2, else a summary of `what`
    story_id   integer,                  -- null: not about a story
    undo       text not null default '', -- JSON: how to undo it; '' if it cannot be undone
    undone_at  text,                     -- null: not undone
    what       text not null default '', -- one of `model.actions`; '' for a line of a version before 0.2
    details    text not null default ''  -- JSON: the values of its text, by name
) strict;
create index actions_by_story on actions (story_id) where story_id is not null;

-- What readers of apps have read and starred.
create table reader_marks (
    reader    text not null,
    kind      text not null,                -- 'read', 'starred'
    story_id  integer not null,
    at        text not null,
    primary key (reader, kind, story_id)
) strict, without rowid;
"""
