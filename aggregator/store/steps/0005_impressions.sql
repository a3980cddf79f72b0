-- How many people a list showed a story to at which place, and how many of them opened it; nobody's name is kept.
create table impressions (
    story_id  integer not null,
    day       text not null,             -- 2026-11-17
    place     integer not null,          -- 0 the first of a list, 1 the second ... (aggregator.model.PLACES)
    people    integer not null,          -- a person counts once a story and day, at the place first seen
    opened    integer not null,          -- of them
    primary key (story_id, day, place)
) strict, without rowid;
