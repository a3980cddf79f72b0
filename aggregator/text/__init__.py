"""Text as the program reads, compares and writes it.

markup            HTML to plain text; what can be stored; clipping
sanitize          HTML of strangers to HTML that may stand in a page
tokens            what a word is: for matching, search and stories
search_words      the words of the text index, and what a term of a search means there
search_query      what a person typed into the search field
reading_time      how many words a reader meets
urls              which spellings are one address; what readers may follow
link_wrappers     the address behind a redirector
ip_addresses      which addresses are private
wording           counts, durations, ages and sizes in English
"""
