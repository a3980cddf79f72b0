-- An item whose guid and link are both new may be an old one that moved: it is known by its date, or else its title.
drop index entries_by_title;
create index entries_by_date on entries (source_id, published_at) where published_at is not null;
create index entries_by_title on entries (source_id, title) where published_at is null;
