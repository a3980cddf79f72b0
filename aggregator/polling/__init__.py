"""Poll the feeds that are due and store what is new.

jobs                run the worker's named jobs, one of each at a time
poller.Poller       every half second, a task for each due source (clock_steps when the system clock is set)
    poll            fetch -> parse -> matching -> store -> schedule, in one transaction (group_commit)
        matching    which items are new, edited or known
        schedule    when the feed is polled next, from its cadence and its server's requests
source_health       the status of each source, as messages
websub_subscriber   subscriptions at the hubs that feeds name
"""
