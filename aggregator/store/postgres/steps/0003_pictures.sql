-- expand
-- Fetched pictures, which a database of SQLite has in a folder beside it. A cache of bounded size: may be emptied.
create table pictures (
    name     text collate "C" primary key,
    kept_at  text collate "C" not null,
    bytes    bigint not null,
    data     bytea not null
);
alter table pictures alter column data set storage external;     -- compressed already
create index pictures_by_age on pictures (kept_at, name);
