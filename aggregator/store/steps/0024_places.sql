-- Why a listed story stands where it stands.
create table places (
    story_id  integer primary key,
    parts     text not null
) strict;
