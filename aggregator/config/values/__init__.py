"""The formats of single values in feeds.yaml.

A `Kind` parses the text of a value, or raises ValueError with the rest of a message ("is not a duration such as ...").

    basic       texts, names, flags, numbers, durations, sizes
    addresses   web addresses, hosts, networks, proxies
    rules       searches, targets of messages, times of day, filters
    headers     request headers and ${VARIABLES}
"""
