-- WebSub: which hubs are to tell us of news in a source's feed, until when, and how that goes.
create table subscriptions (
    source_id    text primary key references sources,
    hub          text not null,
    topic        text not null,          -- the feed, as its hub knows it
    token        text not null unique,   -- part of the callback's address: known to the hub and to nobody else
    secret       text not null,          -- deliveries are signed with it
    wanted       integer not null,       -- 0: the hub is to forget us
    due_at       text not null,          -- when to ask the hub (again)
    lease_until  text,                   -- null: the hub has not confirmed it
    failures     integer not null default 0,     -- in a row
    deliveries   integer not null default 0,
    delivered_at text,                   -- null: never
    missed_at    text,                   -- null: never; when a poll last found news that the hub had not told of
    last_words   text not null default ''
) strict;
create index subscriptions_due on subscriptions (due_at);

-- What hubs delivered and the worker has not taken in yet; it goes in the transaction that stores its entries.
create table deliveries (
    delivery_id  integer primary key autoincrement,
    source_id    text not null references sources,
    at           text not null,
    content_type text not null,
    body         blob not null
) strict;
