-- What a sentence encoder made of an entry's title.
create table entry_embeddings (
    entry_id   integer not null references entries on delete cascade,
    encoder    text not null,
    placed     integer not null,
    embedding  blob not null,
    primary key (entry_id, encoder)
) strict, without rowid;
-- What was placed in stories before had none, and a rebuild places it without.
insert or ignore into state (name, value) select 'placed_until', value from state where name = 'watermark';
