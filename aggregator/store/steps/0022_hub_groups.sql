-- Limits of the hub count the hosts that one owner has, however their addresses are spelled.
alter table hub_subscriptions add column callback_group text not null default '';
alter table hub_requests add column callback_group text not null default '';
create index hub_subscriptions_groups on hub_subscriptions (callback_group);
create index hub_requests_groups on hub_requests (callback_group);
