"""Tokens, sessions and rate limits. Knows no pages and no routes; `web.request.access` applies them.

credentials     the operator's token and sessions
reader_tokens   tokens of reader apps and scripts
rate_limit      how often a token may be used
"""
