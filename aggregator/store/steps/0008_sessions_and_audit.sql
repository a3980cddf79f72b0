-- Who may change things (the operator), and what the operator did.
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

create table actions (
    action_id  integer primary key autoincrement,
    at         text not null,
    kind       text not null,            -- 'vote', 'decision', 'sources', 'models', 'sign in', ...
    words      text not null,            -- what was done, as the audit list says it
    story_id   integer,                  -- null: it is about no story
    undo       text not null default '', -- JSON: how it is taken back; '' when it cannot be
    undone_at  text                      -- null: it stands
) strict;
create index actions_by_story on actions (story_id) where story_id is not null;
