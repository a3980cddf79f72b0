-- Spelled as the queries spell them, which PostgreSQL reads too.
drop index stories_voted;
create index stories_voted on stories (story_id) where has_vote = 1;
drop index stories_pinned;
create index stories_pinned on stories (story_id) where pinned = 1;
