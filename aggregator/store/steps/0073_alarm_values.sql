-- An alarm as a kind and values, worded when it is shown; those of before keep the sentence in `message`.
alter table alarms add column what text not null default '';
alter table alarms add column details text not null default '';
