-- The category in which the scorer counted an entry when it arrived: a start without a snapshot need not read its text
-- again.
alter table memberships add column counted_in text;
