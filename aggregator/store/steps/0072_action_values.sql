-- What was done as a kind and values, worded when it is shown; lines of before keep the sentence in `words`.
alter table actions add column what text not null default '';
alter table actions add column details text not null default '';
