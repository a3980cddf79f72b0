"""What the running program keeps for itself: snapshot, documents, summaries, sessions, single values."""

from __future__ import annotations

OPERATION = """
-- What the engine remembered at a moment, so that a start need not read weeks of entries again. May be dropped.
create table engine_snapshot (
    one   integer primary key check (one = 1),
    at    text,                          -- the watermark then; null: before the first event
    data  blob not null                  -- MessagePack, a versioned format (scoring/engine/recovery/snapshot.py)
) strict;

-- What a feed's document held when it was last stored, so that an unchanged item costs nothing. May be dropped.
create table documents (
    source_id  text primary key,
    items      text not null             -- its fingerprints (parse.fingerprints)
) strict, without rowid;

-- Analysis in prose, written by a model that the operator configured and checked against the entries. May be dropped.
create table prose (
    story_id     integer primary key,
    at           text not null,
    model        text not null,          -- as it is called in feeds.yaml
    sentences    text not null,          -- JSON list; empty: nothing that it wrote held
    left_out     integer not null,       -- sentences that said what no entry says
    made_of      text not null           -- a fingerprint of the entries that it was given
) strict;

-- Who may change things: whoever has the operator's token.
create table operator (
    one           integer primary key check (one = 1),
    token_digest  text not null,         -- SHA-256 of the token, hex; the token itself is not here
    made_at       text not null
) strict;

create table sessions (
    session_digest  text primary key,    -- SHA-256 of what the cookie holds, hex
    token_digest    text not null,       -- of the token it was opened with: another token ends it
    form_token      text not null,       -- what every form of this session sends along
    made_at         text not null,
    seen_at         text not null
) strict, without rowid;

-- One message to one target. Kept a while after it was sent, so that nothing is sent twice.
create table alert_messages (
    message_id      integer primary key,
    rule            text not null,       -- the name of the rule; '' is an operator's alarm, 'digest' a digest
    subject         text not null,       -- 'story:12', 'alarms:2026-11-28T17:00', 'day:2026-11-27'
    step            integer not null,    -- 0: the first message about it; 1: the story has grown since
    target          text not null,       -- a digest of its address; the address itself is not here
    service         text not null,       -- as the operator sees it: 'ntfy', 'webhook'
    story_id        integer,             -- null: it is about no story
    sources         integer not null default 0,     -- independent sources of the story then
    content         text not null,       -- JSON: what is sent
    made_at         text not null,
    due_at          text,                -- null: settled, or being sent
    attempts        integer not null default 0,
    sending         integer not null default 0,     -- 1: handed over, and no outcome is known yet
    outcome         text not null default '',       -- '' waits; 'sent', 'failed', 'unknown'
    outcome_message text not null default '',       -- of the last attempt, without addresses
    settled_at      text,                -- null: it waits or is being sent
    unique (rule, subject, step, target)
) strict;
create index alert_messages_due on alert_messages (due_at) where due_at is not null;
create index alert_messages_by_story on alert_messages (story_id) where story_id is not null;

-- Since when a rule counts: a new or changed rule sends nothing about what was there before.
create table alert_rules (
    name   text primary key,
    query  text not null,
    since  text not null
) strict, without rowid;

-- What the operator was told needs attention.
create table alarms (
    subject     text primary key,        -- 'source:seedbed', 'disk'
    message     text not null,
    began_at    text not null,
    ended_at    text                    -- null: it still stands
) strict, without rowid;

-- Tokens that the operator gives to reader apps.
create table api_tokens (
    token_id        integer primary key autoincrement,
    name            text not null,          -- what the operator calls it
    reader          text not null,          -- whose marks: tokens of one reader share them
    token_digest    text not null unique,   -- SHA-256 of the token, hex; the token itself is not here
    score_in_title  integer not null,       -- 1: "[87] Headline"
    min_score       integer not null,       -- stories below it are not given to the app
    made_at         text not null,
    used_at         text,                   -- null: never
    revoked_at      text,                   -- null: it is valid
    may_post        integer not null default 0      -- 1: it may post entries, and nothing else
) strict;

-- Entries that scripts post to the API, until the worker stores them.
create table posted_entries (
    posted_id  integer primary key autoincrement,
    source_id  text not null,
    at         text not null,
    document   blob not null             -- JSON Feed of one item
) strict;

-- Single values: edition, watermark, heartbeat.
create table state (
    name   text primary key,
    value  text not null
) strict, without rowid;
"""
