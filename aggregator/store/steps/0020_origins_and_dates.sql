-- What a link post is about, who published an entry first, and what came without a date in a source's first document.
alter table entries add column points_to text not null default '';
alter table entries add column discussion text not null default '';
alter table entries add column origin_name text not null default '';
alter table entries add column origin_url text not null default '';
alter table entries add column backlog integer not null default 0;
create index entries_by_title on entries (source_id, title);

-- When a story was published, as its entries state it.
alter table stories add column published_at text;
update stories set published_at = (
    select min(min(e.published_at, e.first_seen_at)) from memberships m join entries e using (entry_id)
    where m.story_id = stories.story_id
    and e.published_at <= strftime('%Y-%m-%dT%H:%M:%S', e.first_seen_at, '+15 minutes') || '.999999Z');
