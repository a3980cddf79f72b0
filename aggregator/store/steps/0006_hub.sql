-- WebSub: which of our feeds are subscribed to, by whom, until when.
create table hub_subscriptions (
    subscription_id integer primary key,
    topic           text not null,       -- the feed's address, as the subscriber wrote it
    callback        text not null,
    secret          text not null,       -- '': deliveries are not signed
    lease_until     text not null,
    digest          text not null,       -- of the feed as last delivered, or as it was when the lease began
    due_at          text,                -- null: there is nothing to deliver; else when to try
    failures        integer not null default 0,      -- in a row
    delivered_at    text,                -- null: never
    last_words      text not null default '',
    unique (topic, callback)
) strict;
create index hub_subscriptions_due on hub_subscriptions (due_at) where due_at is not null;

-- What was asked of the hub and is not yet confirmed by whoever is at the callback.
create table hub_requests (
    request_id  integer primary key,
    mode        text not null,           -- subscribe or unsubscribe
    topic       text not null,
    callback    text not null,
    secret      text not null,
    lease_s     integer not null,
    due_at      text not null,           -- when to ask the callback
    failures    integer not null default 0,
    unique (topic, callback)
) strict;

-- Feeds that are watched for changes, because somebody subscribed or an outer hub is told.
create table hub_topics (
    topic    text primary key,
    digest   text not null,              -- of the document when it was last looked at
    edition  integer not null            -- the site's edition then
) strict, without rowid;

-- Search in writing without spaces: a run of it as overlapping pairs. Holds only entries with such writing.
create virtual table entries_pairs using fts5 (title, summary, tokenize='unicode61 remove_diacritics 2');
insert into entries_pairs (rowid, title, summary)
    select entry_id, pairs(title), pairs(summary) from entries where pairs(title) != '' or pairs(summary) != '';

-- The words of the text index with how many entries hold each: what a misspelled search may have meant.
create virtual table entries_vocabulary using fts5vocab (entries_fts, row);
