"""How the single values of feeds.yaml are spelled.

A `Kind` turns the text of a value into the value, or raises ValueError with the rest of a message ("is not a duration
such as ..."). Leaves keys and sections to `schema` and `reader`.

    basic       texts, names, flags, numbers, durations, sizes
    addresses   web addresses, hosts, networks, proxies
    rules       searches, targets of messages, times of day, filters
    headers     request headers and ${VARIABLES}
"""
