-- Messages to readers and to the operator: what was sent, what waits, and since when each rule counts.
create table alert_messages (
    message_id      integer primary key,
    rule            text not null,
    subject         text not null,
    step            integer not null,
    target          text not null,
    service         text not null,
    story_id        integer,
    sources         integer not null default 0,
    content         text not null,
    made_at         text not null,
    due_at          text,
    attempts        integer not null default 0,
    sending         integer not null default 0,
    outcome         text not null default '',
    outcome_message text not null default '',
    settled_at      text,
    unique (rule, subject, step, target)
) strict;
create index alert_messages_due on alert_messages (due_at) where due_at is not null;
create index alert_messages_by_story on alert_messages (story_id) where story_id is not null;

create table alert_rules (
    name   text primary key,
    query  text not null,
    since  text not null
) strict, without rowid;

create table alarms (
    subject     text primary key,
    message     text not null,
    began_at    text not null,
    ended_at    text
) strict, without rowid;
