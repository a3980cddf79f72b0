-- The language of entries whose feed does not say it, as detected. May be dropped.
create table entry_languages (
    entry_id  integer primary key,
    language  text not null              -- '': too little text to tell
) strict;
