-- The recording that a feed attaches to an entry, as JSON; null where it attaches none.
alter table entries add column enclosure text;
