-- What is due is read in this order, as far as there is room; before, every look read and sorted all feeds.
drop index feeds_due;
create index feeds_due on feeds (coalesce(next_poll_at, ''), source_id) where gone = 0;
