"""HTTP around the pages.

gateway (event loop)    body and deadline -> page_cache -> work_queue -> the application in a thread
addresses, clients      the parameters of each address, and the client of a request
page_cache              finished pages by edition (hints, cached_response, readable_feeds)
database                one connection per thread
headers                 security headers and trusted hosts
visit_counter, request_metrics
"""
