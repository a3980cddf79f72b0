"""Facts: what the sources sent and what people did. Kept as they came, never made again."""

from __future__ import annotations

FACTS = """
-- One row a source that was ever configured. Entries outlive their source's removal.
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

-- Every feeds.yaml that was seen: what runs is the newest one without a fault.
create table config_edits (
    edit_id  integer primary key,
    at       text not null,
    text     text not null,
    fault    text                        -- null: it was applied
) strict;

-- What is remembered of polling a source; written in the transaction of its poll.
create table feeds (
    source_id       text primary key references sources,
    url             text not null,       -- where to ask: follows permanent moves
    host            text not null,       -- of url; requests to one host keep a distance
    etag            text not null default '',
    last_modified   text not null default '',
    next_poll_at    text,                -- null: never asked, due at once
    interval_s      real not null,
    failures        integer not null default 0,     -- in a row
    gone            integer not null default 0,     -- 410: not asked until the operator says so
    move_seen_to    text not null default '',
    last_polled_at  text,                -- null: never polled
    last_ok_at      text,                -- null: never answered
    last_new_at     text,                -- null: never brought an entry
    last_kind       text not null default '',
    last_words      text not null default '',
    last_status     integer,             -- null: no HTTP answer
    polls           integer not null default 0,
    polls_unchanged integer not null default 0,
    bytes           integer not null default 0,     -- received, as they came over the wire
    document_bytes  integer not null default 0,     -- of those, the last document that came
    saved_bytes     integer not null default 0,     -- what each 304 spared: the last document once more
    waits_kept      integer not null default 0,     -- polls put off because server or document asked for it
    waited_s        real not null default 0,        -- by how much, all together
    hints           text not null default '{}',     -- JSON: what the last document says of polling it (model.Hints)
    fresh_for_s     real,                -- null: no Cache-Control or Expires; a 304 may leave it out
    arrivals        text not null default '[]',     -- JSON: when the newest entries came, seconds since 1970
    format_before   text not null default '',       -- what it was before hints' format
    format_changed_at text,              -- null: it was never another
    moved_from      text not null default '',       -- the address before the last permanent move
    moved_at        text                 -- null: it never moved
) strict;
-- The scheduler's one question: what is due? Read in this order, and only as far as there is room.
create index feeds_due on feeds (coalesce(next_poll_at, ''), source_id) where gone = 0;

-- Polls that brought a document or failed. A 304 is only counted, on the feed's row.
create table polls (
    poll_id    integer primary key,
    source_id  text not null references sources,
    at         text not null,
    kind       text not null,            -- 'fetched' or a FailureKind
    words      text not null,
    status     integer,                  -- null: no HTTP answer
    bytes      integer not null,
    new        integer not null,         -- entries
    edited     integer not null
) strict;
create index polls_by_source on polls (source_id, at);
create index polls_by_time on polls (at);

-- One row an entry, as its source has it now; edits keep what it was before.
create table entries (
    entry_id       integer primary key autoincrement,   -- order of arrival; never reused
    source_id      text not null references sources,
    identity       text not null,        -- how it is recognised again within its source
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
    digest         text not null,        -- over all that is kept
    points_to      text not null default '',        -- the page that a link post is about
    discussion     text not null default '',        -- the page with the comments on it
    origin_name    text not null default '',        -- who published it first, by the feed's <source>
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

-- What a sentence encoder made of an entry's title. A fact, because another machine computes other digits.
create table entry_embeddings (
    entry_id   integer not null references entries on delete cascade,
    encoder    text not null,            -- which model it was: others' cannot be compared with it
    placed     integer not null,         -- 1: it was there when the entry was placed in a story, so it is in a replay;
                                         -- 0: it came later, for search and related stories alone
    embedding  blob not null,            -- a signed byte a component; empty: nothing that the encoder understands
    primary key (entry_id, encoder)
) strict, without rowid;

-- What editors said of stories: one vote a story, the last one. Undone, it is gone.
create table votes (
    story_id  integer primary key,       -- the entry_id of its first entry, so that a rebuild keeps them
    up        integer not null,          -- 1: relevant, 0: not
    voted_at  text not null
) strict;

-- What editors decided of stories, told by entries, so that a rebuild honours it.
create table decisions (
    decision_id  integer primary key autoincrement,
    at           text not null,          -- its moment, as that of a poll
    kind         text not null,          -- 'split', 'merge', 'move', 'category', 'hide', 'pin'
    story_id     integer not null,       -- the story that was meant
    entry_ids    text not null,          -- JSON list: those that leave it, or all of it (model.Decision)
    other_ids    text not null default '[]',        -- JSON list: those that stay, or those of the other story
    into_id      integer,                -- the other story of a merge or a move; null: there is none
    into_ids     text not null default '[]',        -- JSON list: what the story had that entries are moved to
    category_id  text not null default '',
    undone_at    text                    -- null: it stands; as strict as at
) strict;
create index decisions_by_time on decisions (at);
create index decisions_by_undo on decisions (undone_at) where undone_at is not null;

-- What was stored and the scorer has not taken in: each row is a step of the engine. Its entries, edits or decision
-- have the proposed moment; the scorer settles it, and the row goes, in the transaction of the results.
create table pending_steps (
    step_id      integer primary key autoincrement,
    proposed_at  text not null,
    source_id    text,                   -- of the entries and edits with this moment; null: a decision
    decision_id  integer,                -- null: a poll
    is_undo      integer not null default 0      -- 1: the decision was taken back at this moment
) strict;
create index pending_steps_in_order on pending_steps (proposed_at, step_id);

-- People who looked at a story, by day; no address and no cookie is kept.
create table views (
    story_id  integer not null,
    day       text not null,             -- 2026-11-17
    people    integer not null,
    primary key (story_id, day)
) strict, without rowid;

-- How many people a list showed a story to at which place, and how many of them opened it; nobody's name is kept.
create table impressions (
    story_id  integer not null,
    day       text not null,             -- 2026-11-17
    place     integer not null,          -- 0 the first of a list, 1 the second ... (aggregator.model.PLACES)
    people    integer not null,          -- a person counts once a story and day, at the place first seen
    opened    integer not null,          -- of them
    primary key (story_id, day, place)
) strict, without rowid;

-- What the front page showed: kept as it was shown, so a rebuild, which scores with what is known now, leaves it.
create table front_pages (
    at     text primary key,
    lists  text not null                 -- JSON: {list: [[story_id, headline, score, provisional, sources,
                                         -- independent sources, category], ...]}, '' is the whole page's list
) strict, without rowid;

-- WebSub: which hubs are to tell us of news in a source's feed, until when, and how that goes.
create table subscriptions (
    source_id    text primary key references sources,
    hub          text not null,
    topic        text not null,          -- the feed, as its hub knows it
    token        text not null unique,   -- part of the callback's address: known to the hub and to nobody else
    secret       text not null,          -- deliveries are signed with it
    wanted       integer not null,       -- 0: the hub is to forget us
    due_at       text not null,          -- when to ask the hub (again)
    lease_until  text,                   -- null: the hub has not confirmed it
    failures     integer not null default 0,     -- in a row
    deliveries   integer not null default 0,
    delivered_at text,                   -- null: never
    missed_at    text,                   -- null: never; when a poll last found news that the hub had not told of
    last_words   text not null default ''
) strict;
create index subscriptions_due on subscriptions (due_at);

-- What hubs delivered and the worker has not taken in yet; it goes in the transaction that stores its entries.
create table deliveries (
    delivery_id  integer primary key autoincrement,
    source_id    text not null references sources,
    at           text not null,
    content_type text not null,
    body         blob not null
) strict;

-- WebSub: which of our feeds are subscribed to, by whom, until when.
create table hub_subscriptions (
    subscription_id integer primary key,
    topic           text not null,       -- the feed's address, as the subscriber wrote it
    callback        text not null,
    secret          text not null,       -- '': deliveries are not signed
    lease_until     text not null,
    digest          text not null,       -- of the feed as last delivered, or as it was when the lease began
    due_at          text,                -- null: there is nothing to deliver; else when to try
    failures        integer not null default 0,      -- in a row
    delivered_at    text,                -- null: never
    last_words      text not null default '',
    callback_group  text not null default '',        -- registrable domain or address: what limits count
    callback_network text not null default '',       -- that it answered from: an IPv4 address or the /64 of an IPv6 one
    unique (topic, callback)
) strict;
create index hub_subscriptions_groups on hub_subscriptions (callback_group);
create index hub_subscriptions_networks on hub_subscriptions (callback_network) where callback_network != '';
create index hub_subscriptions_due on hub_subscriptions (due_at) where due_at is not null;

-- What was asked of the hub and is not yet confirmed by whoever is at the callback.
create table hub_requests (
    request_id  integer primary key,
    mode        text not null,           -- subscribe or unsubscribe
    topic       text not null,
    callback    text not null,
    secret      text not null,
    lease_s     integer not null,
    due_at      text not null,           -- when to ask the callback
    failures    integer not null default 0,
    callback_group text not null default '',         -- as in hub_subscriptions
    unique (topic, callback)
) strict;
create index hub_requests_groups on hub_requests (callback_group);

-- Feeds that are watched for changes, because somebody subscribed or an outer hub is told.
create table hub_topics (
    topic    text primary key,
    digest   text not null,              -- of the document when it was last looked at
    edition  integer not null            -- the site's edition then
) strict, without rowid;

-- What the operator did, for the audit list; taken back, it stays with a note.
create table actions (
    action_id  integer primary key autoincrement,
    at         text not null,
    kind       text not null,            -- 'vote', 'decision', 'sources', 'models', 'sign in', ...
    words      text not null,            -- what was done: a sentence of a version before 0.2, else a summary of `what`
    story_id   integer,                  -- null: it is about no story
    undo       text not null default '', -- JSON: how it is taken back; '' when it cannot be
    undone_at  text,                     -- null: it stands
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
