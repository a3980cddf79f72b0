-- expand
-- New entries wait in a list that every search reads, by default until it has 4 MB.
alter index entry_words_by_word set (gin_pending_list_limit = 256);
