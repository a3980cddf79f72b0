-- expand
-- The files of learned models, which a database of SQLite has in a folder beside it.
create table model_files (
    name     text collate "C" primary key,
    content  text collate "C" not null
);
