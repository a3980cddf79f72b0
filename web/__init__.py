"""Pages, feeds and API of the site, and the feedback of readers and editors.

Imports `scoring` and `aggregator`; only the front door imports it.
"""
