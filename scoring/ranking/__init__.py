"""Order stories: trend, baseline and page order.

baseline     how much coverage a category usually gets
trend        how strongly a story grows against that
page_order   the order of the front page and of a category, with the reason for each place
"""
