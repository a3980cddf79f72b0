-- expand
-- Processes that poll. One whose lease has run out is taken for dead: its shards are free for the others.
create table pollers (
    name         text collate "C" primary key,   -- host, process and a random part: another for each start
    leased_until timestamptz not null             -- by the server's clock, so that clocks of machines do not matter
);

-- Sources are shared out by a hash of their host, so that each host is polled by one process at a time.
create table poll_shards (
    shard  bigint primary key,
    poller text collate "C" references pollers (name) on delete set null   -- null: free
);
create index poll_shards_by_poller on poll_shards (poller);
