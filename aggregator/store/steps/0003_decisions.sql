-- What editors decided of stories, told by entries, so that a rebuild honours it.
create table decisions (
    decision_id  integer primary key autoincrement,
    at           text not null,          -- strictly later than any poll or decision before
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

alter table stories add column hidden integer not null default 0;     -- 1: an editor wants it in no list
alter table stories add column pinned integer not null default 0;     -- 1: an editor wants it on top of its lists
create index stories_pinned on stories (story_id) where pinned;
