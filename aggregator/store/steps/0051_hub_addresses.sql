-- The network that a subscriber's callback answered from: hosts of many domains at one address count together.
alter table hub_subscriptions add column callback_network text not null default '';
create index hub_subscriptions_networks on hub_subscriptions (callback_network) where callback_network != '';
