-- Tokens that the operator gives to reader apps, and what their readers have read and starred.
create table api_tokens (
    token_id        integer primary key autoincrement,
    name            text not null,          -- what the operator calls it
    reader          text not null,          -- whose marks: tokens of one reader share them
    token_digest    text not null unique,   -- SHA-256 of the token, hex; the token itself is not here
    score_in_title  integer not null,       -- 1: "[87] Headline"
    min_score       integer not null,       -- stories below it are not given to the app
    made_at         text not null,
    used_at         text,                   -- null: never
    revoked_at      text                    -- null: it is valid
) strict;

create table reader_marks (
    reader    text not null,
    kind      text not null,                -- 'read', 'starred'
    story_id  integer not null,
    at        text not null,
    primary key (reader, kind, story_id)
) strict, without rowid;
