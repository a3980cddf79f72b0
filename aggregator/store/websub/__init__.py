"""WebSub: the site's own hub, and the site's subscriptions at other hubs."""
