-- The text index holds the words that stories are made of (aggregator/text/search_words.py), in one table for all writing.
drop table entries_vocabulary;
drop table entries_pairs;
drop table entries_fts;
create view entries_words as
    select entry_id, search_words(title) as title, search_words(summary) as summary from entries;
create virtual table entries_fts using fts5 (
    title, summary, content='entries_words', content_rowid='entry_id',
    tokenize='unicode61 remove_diacritics 0 categories ''L* M* N* P* S* Co'''
);
create virtual table entries_vocabulary using fts5vocab (entries_fts, row);
insert into entries_fts (entries_fts) values ('rebuild');
