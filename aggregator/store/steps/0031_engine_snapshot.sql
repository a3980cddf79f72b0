-- The engine's state in a format of its own, with a version, in place of JSON that only the same program could read.
drop table checkpoint;
create table engine_snapshot (
    one   integer primary key check (one = 1),
    at    text,
    data  blob not null
) strict;
