"""What the running program keeps for itself: snapshot, documents, summaries, sessions, single values."""

from __future__ import annotations

OPERATION = """
-- What the engine held at a moment, so that a start need not read months again. May be dropped.
create table checkpoint (
    one    integer primary key check (one = 1),
    kind   text not null,                -- which program and settings wrote it, and can read it
    at     text,                         -- the watermark then; null: before the first fact
    state  text not null                 -- JSON (scoring/engine/snapshot.py)
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

-- Single values: edition, watermark, heartbeat.
create table state (
    name   text primary key,
    value  text not null
) strict, without rowid;
"""
