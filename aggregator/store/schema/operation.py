"""What the running program keeps for itself: snapshot, documents, summaries, sessions, single values."""

from __future__ import annotations

OPERATION = """
-- The state of the engine at a moment, so that a start need not read weeks of entries. May be dropped.
create table engine_snapshot (
    one   integer primary key check (one = 1),
    at    text,                          -- the watermark at that time; null: before the first event
    data  blob not null                  -- MessagePack, a versioned format (scoring/engine/recovery/snapshot.py)
) strict;

-- Fingerprints of a feed's last document, so that unchanged items are skipped. May be dropped.
create table documents (
    source_id  text primary key,
    items      text not null             -- as written by parse.fingerprints
) strict, without rowid;

-- Summaries by the operator's language model, checked against the entries. May be dropped.
create table prose (
    story_id     integer primary key,
    at           text not null,
    model        text not null,          -- its name in feeds.yaml
    sentences    text not null,          -- JSON list; empty: no sentence passed the check
    left_out     integer not null,       -- sentences that no entry supports
    made_of      text not null           -- a fingerprint of the entries it is based on
) strict;

-- The operator's token, which gives access to /admin.
create table operator (
    one           integer primary key check (one = 1),
    token_digest  text not null,         -- SHA-256 of the token, hex; the token itself is not here
    made_at       text not null
) strict;

create table sessions (
    session_digest  text primary key,    -- SHA-256 of the cookie's value, hex
    token_digest    text not null,       -- of the token used to sign in; a new token ends the session
    form_token      text not null,       -- sent along with every form of this session
    made_at         text not null,
    seen_at         text not null
) strict, without rowid;

-- One message to one target. Kept for a while after it was sent, so that nothing is sent twice.
create table alert_messages (
    message_id      integer primary key,
    rule            text not null,       -- the name of the rule; '' is an operator's alarm, 'digest' a digest
    subject         text not null,       -- 'story:12', 'alarms:2026-11-28T17:00', 'day:2026-11-27'
    step            integer not null,    -- 0: the first message about it; 1: the story has grown since
    target          text not null,       -- a digest of its address; the address itself is not here
    service         text not null,       -- as shown to the operator: 'ntfy', 'webhook'
    story_id        integer,             -- null: not about a story
    sources         integer not null default 0,     -- independent sources of the story at that time
    content         text not null,       -- JSON: what is sent
    made_at         text not null,
    due_at          text,                -- null: settled, or being sent
    attempts        integer not null default 0,
    sending         integer not null default 0,     -- 1: being sent, outcome not known yet
    outcome         text not null default '',       -- '' (waiting), 'sent', 'failed', 'unknown'
    outcome_message text not null default '',       -- of the last attempt, without addresses
    settled_at      text,                -- null: waiting or being sent
    unique (rule, subject, step, target)
) strict;
create index alert_messages_due on alert_messages (due_at) where due_at is not null;
create index alert_messages_by_story on alert_messages (story_id) where story_id is not null;

-- Since when a rule is in force: a new or changed rule sends nothing about earlier stories.
create table alert_rules (
    name   text primary key,
    query  text not null,
    since  text not null
) strict, without rowid;

-- Alarms that were sent to the operator.
create table alarms (
    subject     text primary key,        -- 'source:seedbed', 'disk'
    message     text not null,           -- a sentence of a version before 0.2, else a summary of `what`
    began_at    text not null,
    ended_at    text,                    -- null: it is still on
    what        text not null default '', -- one of `model.alarms`; '' for one of a version before 0.2
    details     text not null default ''  -- JSON: the values of its text, by name
) strict, without rowid;

-- Tokens for reader apps and scripts.
create table api_tokens (
    token_id        integer primary key autoincrement,
    name            text not null,          -- the operator's name for it
    reader          text not null,          -- whose marks it uses: tokens of one reader share them
    token_digest    text not null unique,   -- SHA-256 of the token, hex; the token itself is not here
    score_in_title  integer not null,       -- 1: "[87] Headline"
    min_score       integer not null,       -- stories with a lower score are left out
    made_at         text not null,
    used_at         text,                   -- null: never
    revoked_at      text,                   -- null: valid
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
