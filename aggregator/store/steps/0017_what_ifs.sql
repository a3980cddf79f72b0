-- What a story's score would be without one of its voices, as last worked out for the listed stories.
create table what_ifs (
    story_id  integer primary key,
    score     integer not null,          -- the story's own, to which they belong
    made_of   text not null,             -- when the story was last computed, and the model's version
    lines     text not null              -- JSON list of [words, score]
) strict;
