-- Entries that scripts post to the API, until the worker stores them; and tokens that may post and do nothing else.
create table posted_entries (
    posted_id  integer primary key autoincrement,
    source_id  text not null,
    at         text not null,
    document   blob not null             -- JSON Feed of one item
) strict;
alter table api_tokens add column may_post integer not null default 0;
