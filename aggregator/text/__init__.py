"""Text as the program reads, compares and writes it.

markup            HTML to plain text; what can be stored; clipping
sanitize          untrusted HTML to HTML that is safe in a page
tokens            splits text into words, for matching, search and stories
search_words      the words of the text index and of search terms
search_query      parses search queries
reading_time      counts the words of an article
urls              canonical addresses; links that are safe to follow
link_wrappers     the address behind a redirector
ip_addresses      which addresses are private
wording           counts, durations, ages and sizes in English
"""
