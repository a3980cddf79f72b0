"""Find feeds and add them to feeds.yaml.

feed_address    feed://, pcast:// and addresses without a scheme -> http(s)
find_feeds      a web page -> its feeds, each tried
opml            lists of feeds, read and written
add_sources     feeds -> lines of feeds.yaml
"""
