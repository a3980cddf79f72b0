-- Which stories have a score that holds a vote of its own, instead of searching the text of their contributions.
alter table stories add column has_vote integer not null default 0;
update stories set has_vote = 1
where exists (select 1 from json_each(contributions) where json_extract(value, '$[0]') = 'vote');
create index stories_voted on stories (story_id) where has_vote;
