"""The site for reader apps: the Google Reader API as FreshRSS, Miniflux and others offer it.

    request -> token -> `streams` chooses stories -> `items` words them -> JSON

Stories are items; categories and the named lists of feeds.yaml are feeds, each in a folder of its name. Read and
starred marks are kept for each reader. What an app asks to change beyond that (subscriptions, folders) is refused:
that is feeds.yaml's. Public descriptions of the protocol: the FreshRSS and Miniflux documentation, and
https://www.inoreader.com/developers/.
"""
